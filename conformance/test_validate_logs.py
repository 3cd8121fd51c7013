"""`pugmark validate-logs` says what `aws cloudtrail validate-logs` says, and more."""

import datetime
import gzip
import hashlib
import json
import pathlib
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

from conftest import Pugmark

BUCKET, TRAIL = "validated", "validated"
ARN = f"arn:aws:cloudtrail:us-east-1:123456789012:trail/{TRAIL}"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A stopped trail with several digests over several log files, in the embedded store."""
    data = tmp_path_factory.mktemp("validate") / "data"
    server = Pugmark(data, "--delivery-interval", "1s", "--digest-interval", "3s").start()
    server.since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=2)
    s3, trail = server.client("s3"), server.client("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    trail.create_trail(Name=TRAIL, S3BucketName=BUCKET, EnableLogFileValidation=True)
    trail.start_logging(Name=TRAIL)
    deadline = time.monotonic() + 40
    while len(keys(s3, "CloudTrail-Digest")) < 6:
        assert time.monotonic() < deadline
        trail.describe_trails()
        time.sleep(0.4)
    trail.stop_logging(Name=TRAIL)
    while sorted(covered(s3)) != sorted(keys(s3, "CloudTrail")):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    yield server
    server.stop()


def keys(s3, folder):
    prefix = f"AWSLogs/123456789012/{folder}/"
    found = s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
    return [item["Key"] for item in found if item["Key"].endswith(".gz")]


def covered(s3):
    digests = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in keys(s3, "CloudTrail-Digest")]
    return [file["s3Object"] for digest in digests for file in json.loads(gzip.decompress(digest))["logFiles"]]


def ours(server, *more):
    done = server.pugmark(
        "validate-logs", "--trail-arn", ARN, "--start-time", server.since.strftime("%Y-%m-%dT%H:%M:%SZ"), *more, check=False)
    return done.returncode, done.stdout, done.stderr


def awss(server, *more):
    done = server.cli(
        "cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time", server.since.strftime("%Y-%m-%dT%H:%M:%SZ"), *more,
        check=False)
    return done.returncode, done.stdout, done.stderr


def said(output):
    """What both say; the two ask at different seconds, so the requested and found times are left out."""
    code, out, err = output
    lines = [line for line in (out + err).splitlines() if line and not line.startswith(("Validating", "Results"))]
    return code, lines


def both(server):
    for more in ((), ("--verbose",)):
        assert said(ours(server, *more)) == said(awss(server, *more))
    return ours(server, "--verbose")


def test_all_valid(server):
    code, out, err = both(server)
    assert code == 0 and "digest files valid" in out and "INVALID" not in out + err


def changes(s3):
    """Tamperings by name: each changes the bucket, and is undone by putting the objects back."""
    digests, logs = sorted(keys(s3, "CloudTrail-Digest")), sorted(covered(s3))
    middle, log = digests[len(digests) // 2], logs[len(logs) // 2]
    body = lambda key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    put = lambda key, data, **more: s3.put_object(Bucket=BUCKET, Key=key, Body=data, **more)
    edited = gzip.compress(gzip.decompress(body(log)).replace(b"DescribeTrails", b"DescribeTrialz"))
    other = json.loads(gzip.decompress(body(middle)))
    del other["digestStartTime"]
    signed = s3.head_object(Bucket=BUCKET, Key=middle)["Metadata"]
    oldest = digests[0]
    return {
        "log edited": ([log], lambda: put(log, edited)),
        "log not gzip": ([log], lambda: put(log, b"nothing")),
        "log cut": ([log], lambda: put(log, body(log)[:40])),
        "log deleted": ([log], lambda: s3.delete_object(Bucket=BUCKET, Key=log)),
        "digest deleted": ([middle], lambda: s3.delete_object(Bucket=BUCKET, Key=middle)),
        "digest without metadata": ([middle], lambda: put(middle, body(middle))),
        "digest with a forged signature": ([middle], lambda: put(middle, body(middle), Metadata={**signed, "signature": "ab" * 256})),
        "digest not gzip": ([middle], lambda: put(middle, b"nothing", Metadata=signed)),
        "digest without a member": ([middle], lambda: put(middle, gzip.compress(json.dumps(other).encode()), Metadata=signed)),
        "digest in another's place": ([middle], lambda: put(middle, body(oldest), Metadata=s3.head_object(Bucket=BUCKET, Key=oldest)["Metadata"])),
        "oldest digest deleted": ([oldest], lambda: s3.delete_object(Bucket=BUCKET, Key=oldest)),
        "newest digest deleted": ([digests[-1]], lambda: s3.delete_object(Bucket=BUCKET, Key=digests[-1])),
    }


NAMES = ["log edited", "log not gzip", "log cut", "log deleted", "digest deleted", "digest without metadata",
         "digest with a forged signature", "digest not gzip", "digest without a member", "digest in another's place",
         "oldest digest deleted", "newest digest deleted"]



def restore(s3, objects):
    for name, (body, metadata) in objects.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=body, Metadata=metadata)


def save(s3, names):
    found = {}
    for name in names:
        got = s3.get_object(Bucket=BUCKET, Key=name)
        found[name] = (got["Body"].read(), got["Metadata"])
    return found


@pytest.mark.parametrize("name", NAMES)
def test_tampering_is_told_in_awss_words(server, name):
    s3 = server.client("s3")
    touched, change = changes(s3)[name]
    objects = save(s3, touched)
    change()
    try:
        code, out, err = both(server)
        # Without its newest digest a chain is shorter, and nothing says so.
        assert (code == 1 and "INVALID" in err) or name == "newest digest deleted", out + err
    finally:
        restore(s3, objects)


def test_two_digests_deleted_in_a_row_are_told(server):
    s3 = server.client("s3")
    digests = sorted(keys(s3, "CloudTrail-Digest"))
    pair = digests[2:4]
    objects = save(s3, pair)
    for key in pair:
        s3.delete_object(Bucket=BUCKET, Key=key)
    try:
        code, _, err = ours(server)
        assert code == 1 and "INVALID: not found" in err and "1 more were deleted" in err, err
        assert "more were deleted" not in awss(server)[2]
    finally:
        restore(s3, objects)


def test_backfill_digests_are_judged_as_awss_cli_does(server):
    """Pugmark writes none (docs/trails.md), AWS does: two in a chain, signed with the trail's own key."""
    s3 = server.client("s3")
    [private] = json.loads((server.data_dir / "delivery" / "keys" / "us-east-1.json").read_text())["keys"]
    signer = serialization.load_der_private_key(bytes.fromhex(private["pkcs8"]), None)
    newest = sorted(keys(s3, "CloudTrail-Digest"))[-1]
    template = json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=newest)["Body"].read()))
    sha = lambda data: hashlib.sha256(data).hexdigest()
    made = {}

    def put(key, plain, metadata):
        made[key] = metadata
        s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(plain), Metadata=metadata)

    def backfill(number, previous):
        log = f"AWSLogs/123456789012/CloudTrail/us-east-1/2026/01/01/123456789012_CloudTrail_us-east-1_20260101T0000Z_missedbydigest{number}.json.gz"
        record = json.dumps({"Records": [{"eventID": number}]}).encode()
        put(log, record, {})
        ends = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=60 - 10 * number)
        stamp = ends.strftime("%Y%m%dT%H%M%SZ")
        digest = {
            **template, "digestEndTime": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "digestStartTime": (ends - datetime.timedelta(seconds=10)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "digestS3Object": newest[:-24] + f"{stamp}_backfill.json.gz",
            "previousDigestS3Bucket": previous and BUCKET, "previousDigestS3Object": previous and previous[0],
            "previousDigestHashValue": previous and previous[1], "previousDigestHashAlgorithm": previous and "SHA-256",
            "previousDigestSignature": previous and previous[2],
            "logFiles": [{"s3Bucket": BUCKET, "s3Object": log, "hashValue": sha(record), "hashAlgorithm": "SHA-256",
                          "newestEventTime": "2026-01-01T00:00:00Z", "oldestEventTime": "2026-01-01T00:00:00Z"}]}
        plain = json.dumps(digest).encode()
        key = digest["digestS3Object"]
        text = "\n".join([digest["digestEndTime"], f"{BUCKET}/{key}", sha(plain), previous[2] if previous else "null"])
        signature = signer.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256()).hex()
        put(key, plain, {"signature": signature, "signature-algorithm": "SHA256withRSA",
                         "backfill-generation-timestamp": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")})
        return key, sha(plain), signature, log
    try:
        first = backfill(1, None)
        second = backfill(2, first)
        code, out, err = both(server)
        assert code == 0 and "2/2 backfill digest files valid" in out, out + err
        assert f"(backfill) Digest file\ts3://{BUCKET}/{first[0]}\tvalid" in out
        body = lambda key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        undated = {name: value for name, value in made[second[0]].items() if not name.startswith("backfill")}
        for touched, change, words in (
                (first[3], lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(b"{}")), "hash value doesn't match"),
                (first[0], lambda key: s3.delete_object(Bucket=BUCKET, Key=key), "not found"),
                (second[0], lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=body(key), Metadata=undated), "invalid format"),
                (second[0], lambda key: s3.put_object(Bucket=BUCKET, Key=key, Body=body(key), Metadata={**made[key], "signature": "ab" * 256}),
                 "signature verification failed")):
            objects = save(s3, [touched])
            change(touched)
            code, out, err = both(server)
            restore(s3, objects)
            assert code == 1 and f"INVALID: {words}" in err, out + err
    finally:
        for key in made:
            s3.delete_object(Bucket=BUCKET, Key=key)


def test_a_copy_in_a_folder(server, tmp_path):
    s3 = server.client("s3")
    for key in keys(s3, "CloudTrail") + keys(s3, "CloudTrail-Digest"):
        path = tmp_path / "copy" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    public = tmp_path / "keys.json"
    public.write_text(server.cli(
        "cloudtrail", "list-public-keys", "--start-time", server.since.strftime("%Y-%m-%dT%H:%M:%SZ")).stdout)
    code, out, err = ours(server, "--path", str(tmp_path / "copy"), "--public-keys", str(public))
    assert code == 0 and "INVALID" not in out + err, out + err
    assert "not checked" in err, "the newest digest's signature is in the bucket only"
    [victim] = [path for path in (tmp_path / "copy").rglob("*.gz") if path.name == pathlib.Path(sorted(covered(s3))[0]).name]
    victim.write_bytes(gzip.compress(b'{"Records":[]}'))
    code, _, err = ours(server, "--path", str(tmp_path / "copy"), "--public-keys", str(public))
    assert code == 1 and "hash value doesn't match" in err


def test_keys_rotate_and_are_exported(tmp_path):
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", "--digest-interval", "3s").start()
    try:
        server.since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=2)
        s3, trail = server.client("s3"), server.client("cloudtrail")
        s3.create_bucket(Bucket=BUCKET)
        trail.create_trail(Name=TRAIL, S3BucketName=BUCKET, EnableLogFileValidation=True)
        trail.start_logging(Name=TRAIL)

        def signers():
            bodies = [s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in sorted(keys(s3, "CloudTrail-Digest"))]
            return {json.loads(gzip.decompress(body))["digestPublicKeyFingerprint"] for body in bodies}

        def wait_for(count):
            deadline = time.monotonic() + 30
            while len(signers()) < count:
                assert time.monotonic() < deadline
                time.sleep(0.3)
        wait_for(1)
        command = lambda action: server.pugmark("keys", action, "--data-dir", str(server.data_dir)).stdout
        assert "ended" in command("rotate")
        wait_for(2)
        assert len(command("list").splitlines()) == 2
        exported = tmp_path / "keys.json"
        exported.write_text(command("export"))
        assert {key["Fingerprint"] for key in json.loads(exported.read_text())["PublicKeyList"]} == signers()
        # Both validators accept what either key signed.
        trail.stop_logging(Name=TRAIL)
        assert awss(server)[0] == 0 and ours(server)[0] == 0
        code, out, err = ours(server, "--public-keys", str(exported))
        assert code == 0 and "INVALID" not in out + err
    finally:
        server.stop()
