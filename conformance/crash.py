"""Kills Pugmark with SIGKILL at random moments under load, many times, and counts events.

What must hold over all rounds: every acknowledged call is in event history and, exactly once, in the log files.

    conformance/crash.py --rounds 200 [--seed N]

The seed decides the load and the moments; it is printed, so that a failing run can be repeated.
"""

import argparse
import collections
import gzip
import json
import pathlib
import random
import sys
import tempfile
import threading
import time

from botocore.exceptions import BotoCoreError, ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from conftest import Pugmark  # noqa: E402

BUCKET = "crash-audit"


def load(server, stop, acknowledged, seed):
    """Calls until the server dies; keeps the request ids of acknowledged management calls."""
    cloudtrail, rng = server.client("cloudtrail"), random.Random(seed)
    while not stop.is_set():
        try:
            if rng.random() < 0.5:
                answer = cloudtrail.describe_trails()
            else:
                answer = cloudtrail.add_tags(ResourceId=server.trail_arn, TagsList=[{"Key": "k", "Value": str(rng.random())}])
        except (ClientError, BotoCoreError, OSError):
            return
        acknowledged.append(answer["ResponseMetadata"]["RequestId"])


def in_history(server):
    """Request ids of all events in event history."""
    found = set()
    for page in server.client("cloudtrail").get_paginator("lookup_events").paginate():
        for event in page["Events"]:
            found.add(json.loads(event["CloudTrailEvent"])["requestID"])
    return found


def in_log_files(s3):
    """How often each event id and which request ids stand in log files."""
    ids, requests = collections.Counter(), set()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="AWSLogs/123456789012/CloudTrail/"):
        for item in page.get("Contents", []):
            if item["Key"].endswith(".json.gz"):
                body = gzip.decompress(s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read())
                for record in json.loads(body)["Records"]:
                    ids[record["eventID"]] += 1
                    requests.add(record["requestID"])
    return ids, requests


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=10)
    arguments.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    arguments = arguments.parse_args()
    print(f"seed {arguments.seed}, {arguments.rounds} rounds", flush=True)
    rng = random.Random(arguments.seed)
    with tempfile.TemporaryDirectory() as directory:
        server = Pugmark(pathlib.Path(directory) / "data", "--delivery-interval", "1s").start()
        s3, cloudtrail = server.client("s3"), server.client("cloudtrail")
        s3.create_bucket(Bucket=BUCKET)
        server.trail_arn = cloudtrail.create_trail(Name="crash-trail", S3BucketName=BUCKET)["TrailARN"]
        cloudtrail.start_logging(Name="crash-trail")
        acknowledged = []
        for round_ in range(arguments.rounds):
            stop = threading.Event()
            threads = [
                threading.Thread(target=load, args=(server, stop, acknowledged, rng.random())) for _ in range(4)
            ]
            for thread in threads:
                thread.start()
            time.sleep(rng.uniform(0.02, 1.6))
            server.kill()
            stop.set()
            for thread in threads:
                thread.join()
            server.start()
            if (round_ + 1) % 10 == 0:
                print(f"round {round_ + 1}: {len(acknowledged)} calls acknowledged", flush=True)
        wanted = set(acknowledged)
        missing = wanted - in_history(server)
        assert not missing, f"{len(missing)} of {len(wanted)} acknowledged calls are not in event history: {sorted(missing)[:5]}"
        deadline = time.monotonic() + 60
        while True:
            ids, requests = in_log_files(s3)
            if wanted <= requests or time.monotonic() > deadline:
                break
            time.sleep(1)
        assert wanted <= requests, f"{len(wanted - requests)} acknowledged calls are in no log file"
        twice = [event for event, count in ids.items() if count > 1]
        assert not twice, f"{len(twice)} events are in log files more than once: {twice[:5]}"
        server.stop()
        print(f"ok: {len(wanted)} acknowledged calls, each in history and once in {sum(ids.values())} delivered records")
    print("1 passed, 0 failed")


if __name__ == "__main__":
    main()
