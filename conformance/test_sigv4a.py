"""Signature Version 4A: whose call it is, and whether the signature is right. botocore signs so with the CRT only, which is
not among the tests' packages, so the little that differs from its Signature Version 4 stands here."""

import hashlib
import hmac
import http.client
import http.server
import json
import threading
import urllib.parse

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark

ALGORITHM = "AWS4-ECDSA-P256-SHA256"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
STRANGER = "AKIASTRANGERSTRANGER"


class Asymmetric:
    """Before one of botocore's signers: the same request, another algorithm, no Region in the scope."""

    def _modify_request_before_signing(self, request):
        self.add_region_set(request)
        super()._modify_request_before_signing(request)

    def add_region_set(self, request):
        request.headers["X-Amz-Region-Set"] = self._region_name

    def credential_scope(self, request):
        return f"{request.context['timestamp'][:8]}/{self._service_name}/aws4_request"

    def scope(self, request):
        return f"{self.credentials.access_key}/{self.credential_scope(request)}"

    def string_to_sign(self, request, canonical_request):
        return super().string_to_sign(request, canonical_request).replace("AWS4-HMAC-SHA256", ALGORITHM, 1)

    def signature(self, string_to_sign, request):
        context = ALGORITHM.encode() + b"\0" + self.credentials.access_key.encode() + b"\1" + (256).to_bytes(4, "big")
        digest = hmac.digest(b"AWS4A" + self.credentials.secret_key.encode(), (1).to_bytes(4, "big") + context, hashlib.sha256)
        assert int.from_bytes(digest, "big") <= ORDER - 2
        key = ec.derive_private_key(int.from_bytes(digest, "big") + 1, ec.SECP256R1())
        return key.sign(string_to_sign.encode(), ec.ECDSA(hashes.SHA256())).hex()

    def _inject_signature_to_request(self, request, signature):
        super()._inject_signature_to_request(request, signature)
        if "Authorization" in request.headers:
            text = request.headers["Authorization"]
            del request.headers["Authorization"]
            request.headers["Authorization"] = text.replace("AWS4-HMAC-SHA256", ALGORITHM, 1)


class Header(Asymmetric, SigV4Auth):
    pass


class S3Header(Asymmetric, S3SigV4Auth):
    pass


class S3Query(Asymmetric, S3SigV4QueryAuth):
    def add_region_set(self, request):
        pass

    def _modify_request_before_signing(self, request):
        super()._modify_request_before_signing(request)
        request.url = request.url.replace("AWS4-HMAC-SHA256", ALGORITHM) + "&X-Amz-Region-Set=" + urllib.parse.quote(self._region_name)


class Upstream(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do(self):
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    do_GET = do_PUT = do_POST = do

    def log_message(self, *arguments):
        pass


@pytest.fixture
def server(tmp_path):
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    started = Pugmark(tmp_path / "data", "--upstream", f"http://127.0.0.1:{upstream.server_port}").start()
    yield started
    started.stop()
    upstream.shutdown()


def send(server, signer, service, regions, method="GET", path="/", body=b"", headers=(), host=None, change=None,
         key=ACCESS_KEY, secret=SECRET_KEY):
    """Signs a request and sends it, changed on its way by `change`; gives status and answer."""
    url = f"http://{host or f'127.0.0.1:{server.port}'}{path}"
    request = AWSRequest(method, url, headers={**dict(headers), "Host": urllib.parse.urlsplit(url).netloc}, data=body)
    signer(Credentials(key, secret), service, regions).add_auth(request)
    sent = dict(request.headers)
    target = request.url.split(urllib.parse.urlsplit(url).netloc, 1)[1]
    if change:
        target, body = change(target, sent, body)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request(method, target, body=body, headers=sent)
    answer = connection.getresponse()
    return answer.status, answer.read().decode()


def record(server, name, region="us-east-1"):
    found = server.client("cloudtrail", region).lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])
    return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def test_a_call_to_an_upstream_is_its_signers(server):
    host = "b.s3.eu-west-1.amazonaws.com"
    assert send(server, S3Header, "s3", "*", "PUT", "/?tagging", b"<Tagging/>", host=host)[0] == 200
    [event] = record(server, "PutBucketTagging", "eu-west-1")
    assert event["userIdentity"]["type"] == "Root" and event["userIdentity"]["accessKeyId"] == ACCESS_KEY
    assert event["awsRegion"] == "eu-west-1"
    assert event["additionalEventData"]["SignatureVersion"] == "SigV4A"
    assert event["additionalEventData"]["AuthenticationMethod"] == "AuthHeader"

    assert send(server, S3Query, "s3", "ap-south-1", path="/b?acl")[0] == 200
    [event] = record(server, "GetBucketAcl", "ap-south-1")
    assert event["userIdentity"]["accessKeyId"] == ACCESS_KEY
    assert event["additionalEventData"]["SignatureVersion"] == "SigV4A"
    assert event["additionalEventData"]["AuthenticationMethod"] == "QueryString"
    assert "Signature" not in json.dumps(event["requestParameters"])

    # Nobody here knows this key: the upstream judges, and the record says who claimed to call.
    assert send(server, S3Header, "s3", "us-east-1", path="/b?cors", key=STRANGER, secret="x")[0] == 200
    [event] = record(server, "GetBucketCors")
    assert event["userIdentity"]["accessKeyId"] == STRANGER
    assert "ANONYMOUS_PRINCIPAL" not in json.dumps(event)


def test_a_known_keys_signature_must_be_right(server):
    def other_path(target, headers, body):
        return target.replace("/b", "/c"), body

    def other_set(target, headers, body):
        headers["X-Amz-Region-Set"] = "*"
        return target.replace("us-east-1", "eu-west-1"), body

    def other_body(target, headers, body):
        return target, body.replace(b"T", b"U")

    for change, code in [(other_path, "SignatureDoesNotMatch"), (other_set, "SignatureDoesNotMatch"), (other_body, "XAmzContentSHA256Mismatch")]:
        status, answer = send(server, S3Header, "s3", "us-east-1", "PUT", "/b?tagging", b"<Tagging/>", change=change)
        assert status in (400, 403) and code in answer, (change, status, answer)
    status, answer = send(server, S3Query, "s3", "us-east-1", path="/b?acl", change=other_set)
    assert status == 403 and "SignatureDoesNotMatch" in answer
    status, answer = send(server, S3Header, "s3", "us-east-1", path="/b?acl", secret="wrong")
    assert status == 403 and "SignatureDoesNotMatch" in answer
    assert not record(server, "PutBucketTagging") and not record(server, "GetBucketAcl")


def test_pugmarks_own_operations_take_it_and_the_embedded_store_says_that_it_does_not(alone):
    headers = {"X-Amz-Target": "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.DescribeTrails", "Content-Type": "application/x-amz-json-1.1"}
    status, answer = send(alone, Header, "cloudtrail", "us-east-1", "POST", body=b"{}", headers=headers)
    assert (status, json.loads(answer)) == (200, {"trailList": []})
    status, answer = send(alone, Header, "cloudtrail", "us-east-1", "POST", body=b"{}", headers=headers, secret="wrong")
    assert status == 400 and "InvalidSignatureException" in answer
    status, answer = send(alone, S3Header, "s3", "us-east-1", "PUT", "/bucket")
    assert status == 400 and "InvalidRequest" in answer and "Signature Version 4A is not verified here" in answer
