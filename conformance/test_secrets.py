"""No secret of a call stays anywhere: not in its record, a log line or a metric."""

import base64
import http.client
import http.server
import pathlib
import sys
import threading
import urllib.parse
import urllib.request

import botocore.session
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark

sys.path.append(str(pathlib.Path(__file__).parent / "catalogue"))
import generate  # noqa: E402

CANARY = "CANARY7F3A"
# Those with the most sensitive members, of every protocol.
SERVICES = ["chime", "codebuild", "cognito-idp", "ecs", "iam", "lambda", "mq", "rds", "s3", "secretsmanager", "ssm", "sts", "transfer"]


def test_no_secret_is_in_a_record_a_log_line_or_a_metric(tmp_path, monkeypatch):
    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do(self):
            body = b"{}"
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.rfile.read(int(self.headers.get("content-length", 0)))
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do

        def log_message(self, *arguments):
            pass

    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    server = Pugmark(
        tmp_path / "data", "--upstream", f"http://127.0.0.1:{upstream.server_port}", environment={"PUGMARK_LOG": "debug"}).start()
    monkeypatch.setattr(generate.Builder, "canary", CANARY)
    session = botocore.session.Session()
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    sent, refused = 0, 0
    for service in SERVICES:
        for line in generate.lines(service, session.get_service_model(service), None, False):
            body = base64.b64decode(line["body"])
            if CANARY.encode() not in body and CANARY not in line["url"] + str(line["headers"]) or not line["signing"]:
                continue
            if line["headers"].get("Content-Length", str(len(body))) != str(len(body)):
                continue
            url = urllib.parse.urlsplit(line["url"])
            headers = {**line["headers"], "Host": url.netloc}
            request = AWSRequest(line["method"], line["url"], headers=headers, data=body)
            signer = S3SigV4Auth if line["signing"] == "s3" else SigV4Auth
            signer(Credentials(ACCESS_KEY, SECRET_KEY), line["signing"], "us-east-1").add_auth(request)
            target = url.path + ("?" + url.query if url.query else "")
            connection.request(line["method"], target, body=body, headers=dict(request.headers))
            answer = connection.getresponse()
            answer.read()
            sent, refused = sent + 1, refused + (answer.status != 200)
    assert sent > 150 and refused < 3, f"{refused} of {sent} calls were refused"
    page = server.client("cloudtrail").get_paginator("lookup_events").paginate(PaginationConfig={"MaxItems": 10_000})
    records = [event["CloudTrailEvent"] for answer in page for event in answer["Events"]]
    assert len(records) > sent * 0.8
    metrics = urllib.request.urlopen(f"{server.admin}/-/metrics").read().decode()
    server.stop()
    log = (server.data_dir / "server.log").read_text()
    assert "DEBUG" in log
    for place, texts in (("record", records), ("metric", metrics.splitlines()), ("log line", log.splitlines())):
        leaks = [text[:500] for text in texts if CANARY in text or SECRET_KEY in text]
        assert not leaks, f"{len(leaks)} with a secret, such as this {place}: {leaks[0]}"
    upstream.shutdown()
