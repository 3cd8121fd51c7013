"""A trail's bucket policy: judged as AWS does, and printed."""

import http.server
import json
import threading

from conftest import Pugmark, refused

BUCKET = "policied"


def test_the_printed_policy_lets_the_trail_write(gateway):
    s3, trail = gateway.client("s3"), gateway.client("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    other = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [other]}))
    refused(lambda: trail.create_trail(Name="audit", S3BucketName=BUCKET), "InsufficientS3BucketPolicyException")
    policy = gateway.pugmark("bucket-policy", "audit", "--bucket", BUCKET, "--key-prefix", "here").stdout
    s3.put_bucket_policy(Bucket=BUCKET, Policy=policy)
    trail.create_trail(Name="audit", S3BucketName=BUCKET, S3KeyPrefix="here")
    # The policy speaks of one trail and one prefix.
    refused(lambda: trail.create_trail(Name="second", S3BucketName=BUCKET, S3KeyPrefix="here"), "InsufficientS3BucketPolicyException")
    refused(lambda: trail.update_trail(Name="audit", S3KeyPrefix="there"), "InsufficientS3BucketPolicyException")


def test_the_embedded_store_too(alone):
    s3, trail = alone.client("s3"), alone.client("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_bucket_policy(Bucket=BUCKET, Policy=alone.pugmark("bucket-policy", "audit", "--bucket", BUCKET).stdout)
    trail.create_trail(Name="audit", S3BucketName=BUCKET)
    refused(lambda: trail.create_trail(Name="second", S3BucketName=BUCKET), "InsufficientS3BucketPolicyException")


class RequesterPays(http.server.BaseHTTPRequestHandler):
    """An S3 that takes everything, with buckets that requesters pay for."""

    def do_HEAD(self):
        body = b""
        if "requestPayment" in self.path:
            body = b"<RequestPaymentConfiguration><Payer>Requester</Payer></RequestPaymentConfiguration>"
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(404 if "?policy" in self.path else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_HEAD

    def log_message(self, *_):
        pass


def test_buckets_that_requesters_pay_for_are_refused(tmp_path):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RequesterPays)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    server = Pugmark(tmp_path / "data", config=f'[upstream.services]\ns3 = "http://127.0.0.1:{upstream.server_port}"\n').start()
    try:
        refused(
            lambda: server.client("cloudtrail").create_trail(Name="audit", S3BucketName=BUCKET),
            "InsufficientS3BucketPolicyException")
    finally:
        server.stop()
        upstream.shutdown()


def test_a_policy_can_be_required(tmp_path):
    server = Pugmark(tmp_path / "data", config='[delivery]\nbucket_policy = "required"\n').start()
    try:
        server.client("s3").create_bucket(Bucket=BUCKET)
        refused(
            lambda: server.client("cloudtrail").create_trail(Name="audit", S3BucketName=BUCKET),
            "InsufficientS3BucketPolicyException")
    finally:
        server.stop()
