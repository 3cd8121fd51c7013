"""`pugmark validate-logs` beside `aws cloudtrail validate-logs`, over the same files in the embedded store, in one run.

    python3 bench/validate.py [--files 5000] [--records 100]

Starts a server with a trail, fills the bucket with hourly digests over so many log files, signed with the server's own key,
runs both validators in turn three times, and prints the median times and their ratio. Both must say that all is valid.
With 100 records a file unpacking and hashing alone take most of the time of two cores; small trails have files of 20 or fewer.
Needs the conformance tests' Python (`make test` makes it) and a release build.
"""

import argparse
import concurrent.futures
import datetime
import gzip
import hashlib
import json
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

import rsa

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "conformance"))
os.environ.setdefault("PUGMARK", str(ROOT / "target" / "release" / "pugmark"))

from conftest import ACCOUNT, Pugmark  # noqa: E402

BUCKET, TRAIL, REGION = "bench", "bench", "us-east-1"
ARN = f"arn:aws:cloudtrail:{REGION}:{ACCOUNT}:trail/{TRAIL}"
A_DIGEST = 100


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=5000)
    parser.add_argument("--records", type=int, default=100, help="records of about 1 KB in each log file")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        server = Pugmark(pathlib.Path(directory) / "data", "--delivery-interval", "1s").start()
        try:
            since, until = fill(server, arguments.files, arguments.records)
            measure(server, since, until, arguments.files)
        finally:
            server.stop()


def fill(server, files, records):
    """Puts log files and their digests; gives the start of the oldest and the end of the newest."""
    server.client("s3").create_bucket(Bucket=BUCKET)
    trail = server.client("cloudtrail")
    trail.create_trail(Name=TRAIL, S3BucketName=BUCKET, EnableLogFileValidation=True)
    trail.start_logging(Name=TRAIL)
    key_file = server.data_dir / "delivery" / "keys" / f"{REGION}.json"
    while not key_file.exists():
        time.sleep(0.1)
    trail.stop_logging(Name=TRAIL)
    key = json.loads(key_file.read_text())["keys"][0]
    private = private_key(bytes.fromhex(key["pkcs8"]))
    draw = random.Random(1)
    record = json.dumps({"eventVersion": "1.11", "eventName": "GetObject", "requestParameters": {"key": "k" * 500}})
    count = -(-files // A_DIGEST)
    start = datetime.datetime.now(datetime.UTC).replace(minute=0, second=0, microsecond=0) - datetime.timedelta(hours=count + 1)
    previous = dict.fromkeys(("bucket", "key", "hash", "signature"))
    puts = []
    for number in range(count):
        begin, end = start + datetime.timedelta(hours=number), start + datetime.timedelta(hours=number + 1)
        logs = []
        for index in range(min(A_DIGEST, files - number * A_DIGEST)):
            ids = ",".join(f'{record[:-1]},"eventID":"{draw.getrandbits(128):032x}"}}' for _ in range(records))
            text = f'{{"Records":[{ids}]}}'.encode()
            name = f"{ACCOUNT}_CloudTrail_{REGION}_{end:%Y%m%dT%H%MZ}_{draw.getrandbits(64):016x}.json.gz"
            path = f"AWSLogs/{ACCOUNT}/CloudTrail/{REGION}/{end:%Y/%m/%d}/{name}"
            puts.append((path, gzip.compress(text, 6), {}))
            logs.append({"s3Bucket": BUCKET, "s3Object": path, "hashValue": hashlib.sha256(text).hexdigest(), "hashAlgorithm": "SHA-256",
                         "newestEventTime": f"{end:%Y-%m-%dT%H:%M:%SZ}", "oldestEventTime": f"{begin:%Y-%m-%dT%H:%M:%SZ}"})
        path = (f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/{REGION}/{end:%Y/%m/%d}/"
                f"{ACCOUNT}_CloudTrail-Digest_{REGION}_{TRAIL}_{REGION}_{end:%Y%m%dT%H%M%SZ}.json.gz")
        digest = json.dumps({
            "awsAccountId": ACCOUNT, "digestStartTime": f"{begin:%Y-%m-%dT%H:%M:%SZ}", "digestEndTime": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "digestS3Bucket": BUCKET, "digestS3Object": path, "digestPublicKeyFingerprint": key["fingerprint"],
            "digestSignatureAlgorithm": "SHA256withRSA", "previousDigestS3Bucket": previous["bucket"],
            "previousDigestS3Object": previous["key"], "previousDigestHashValue": previous["hash"],
            "previousDigestHashAlgorithm": "SHA-256", "previousDigestSignature": previous["signature"], "logFiles": logs,
        }).encode()
        hashed = hashlib.sha256(digest).hexdigest()
        text = f"{end:%Y-%m-%dT%H:%M:%SZ}\n{BUCKET}/{path}\n{hashed}\n{previous['signature'] or 'null'}"
        signature = rsa.sign(text.encode(), private, "SHA-256").hex()
        puts.append((path, gzip.compress(digest), {"signature": signature, "signature-algorithm": "SHA256withRSA"}))
        previous = {"bucket": BUCKET, "key": path, "hash": hashed, "signature": signature}
    s3 = server.client("s3")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        put = lambda item: s3.put_object(Bucket=BUCKET, Key=item[0], Body=item[1], Metadata=item[2])
        list(pool.map(put, puts))
    size = sum(len(body) for _, body, _ in puts)
    print(f"{files} log files, {count} digests, {size / 1e6:.1f} MB packed")
    return start, end


def private_key(pkcs8):
    """The PKCS#1 key within a PKCS#8 one: the content of its only octet string."""
    at = pkcs8.index(b"\x02\x01\x00\x02\x82", 8)
    for begin in range(at, 0, -1):
        if pkcs8[begin] == 0x30 and pkcs8[begin + 1] == 0x82:
            return rsa.PrivateKey.load_pkcs1(pkcs8[begin:], format="DER")
    raise ValueError("not a PKCS#8 key")


def measure(server, since, until, files):
    arguments = ["validate-logs", "--trail-arn", ARN, "--s3-bucket", BUCKET, "--start-time", f"{since:%Y-%m-%dT%H:%M:%SZ}",
                 "--end-time", f"{until:%Y-%m-%dT%H:%M:%SZ}"]
    ours, awss = [], []
    for _ in range(3):
        for times, run in ((ours, lambda: server.pugmark(*arguments)), (awss, lambda: slow(server, arguments))):
            began = time.perf_counter()
            said = run()
            times.append(time.perf_counter() - began)
            assert f"{files}/{files} log files valid" in said.stdout, said.stdout + said.stderr
    fast, slower = statistics.median(ours), statistics.median(awss)
    print(f"pugmark validate-logs         {fast:8.2f} s")
    print(f"aws cloudtrail validate-logs  {slower:8.2f} s")
    print(f"ratio {slower / fast:.1f}")


def slow(server, arguments):
    import subprocess

    command = [sys.executable, "-m", "awscli", "--endpoint-url", server.endpoint, "cloudtrail", *arguments]
    done = subprocess.run(command, env=server.cli_environment(), capture_output=True, text=True, timeout=1800)
    assert done.returncode == 0, done.stdout + done.stderr
    return done


if __name__ == "__main__":
    main()
