"""AWS's own validator over what `pugmark-sim --dump DIR` wrote: its code, with the dump in place of S3 and CloudTrail.

    cargo run --release -p pugmark-sim -- --rounds 20 --dump DIR && python3 conformance/sim_validate.py DIR
"""

import base64
import datetime
import io
import json
import pathlib
import sys
from contextlib import redirect_stderr, redirect_stdout

import botocore.session
from awscli.customizations.cloudtrail.validation import CloudTrailValidateLogs, normalize_date, parse_date
from botocore.exceptions import ClientError


class S3:
    def __init__(self, buckets):
        self.buckets = buckets

    def get_client(self, bucket):
        return self

    def get_object(self, Bucket, Key):
        found = self.buckets[Bucket].get(Key)
        if found is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": Key}}, "GetObject")
        return {"Body": io.BytesIO(base64.b64decode(found["body"])), "Metadata": found["metadata"]}

    def get_paginator(self, name):
        return self

    def paginate(self, Bucket, Prefix="", **more):
        start = more.get("Marker") or more.get("StartAfter") or ""
        keys = [key for key in sorted(self.buckets[Bucket]) if key.startswith(Prefix) and key > start]
        return Pages([{"Contents": [{"Key": key} for key in keys]}])


class Pages(list):
    def search(self, expression):
        assert expression == "Contents[*].Key"
        return iter([item["Key"] for page in self for item in page["Contents"]])


class CloudTrail:
    def __init__(self, trail, keys):
        self.trail, self.keys = trail, keys

    def describe_trails(self, **more):
        return {"trailList": [{
            "TrailARN": self.trail["arn"], "S3BucketName": self.trail["bucket"], "S3KeyPrefix": self.trail["prefix"],
            "IsOrganizationTrail": self.trail["organization"] is not None}]}

    def list_public_keys(self, StartTime, EndTime):
        return {"PublicKeyList": self.keys}


def validate(dump, trail, account, region):
    command = CloudTrailValidateLogs(botocore.session.Session())
    command.trail_arn, command.account_id = trail["arn"], account if trail["organization"] else None
    command.start_time = normalize_date(parse_date("2027-01-14T00:00:00Z"))
    command.end_time = normalize_date(parse_date(dump["end"])) + datetime.timedelta(hours=1)
    command._source_region = region
    command.s3_client_provider = S3(dump["buckets"])
    command.cloudtrail_client = CloudTrail(trail, dump["keys"][region])

    class Organizations:
        def describe_organization(self):
            return {"Organization": {"Id": trail["organization"]}}

    command.organization_client = Organizations()
    out, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(errors):
        command._call()
    bad = command._invalid_digests + command._invalid_logs + command._invalid_backfill_digests
    assert not bad, f"{trail['arn']} {account} {region}:\n{errors.getvalue()[:2000]}{out.getvalue()[-2000:]}"
    return command._valid_digests, command._valid_logs


def main(directory):
    chains, digests, logs = 0, 0, 0
    for path in sorted(pathlib.Path(directory).glob("*.json")):
        dump = json.loads(path.read_text())
        for trail in dump["trails"]:
            for account in trail["accounts"]:
                for region in (region for region in dump["regions"] if dump["keys"][region]):
                    found = validate(dump, trail, account, region)
                    chains, digests, logs = chains + (found[0] > 0), digests + found[0], logs + found[1]
    assert digests and logs, "nothing was validated"
    print(f"{chains} chains: {digests} digests and {logs} log files valid, 0 invalid")


if __name__ == "__main__":
    main(sys.argv[1])
