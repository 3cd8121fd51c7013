"""The server itself: start, memory, shutdown, restart, bad input, principals, the `pugmark lookup` command."""

import datetime
import http.client
import http.server
import json
import pathlib
import socket
import subprocess
import threading
import time
import urllib.request

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from conftest import Pugmark, binary, refused, wait


def resident_mib(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))) / 1024


def test_starts_fast_and_small_and_stops_cleanly(tmp_path):
    server = Pugmark(tmp_path / "data")
    server.start()
    server.stop()  # the first start makes directories; the second is what is measured
    before = time.monotonic()
    server.start()
    took = time.monotonic() - before
    assert took < 2, f"started in {took:.2f} s (a debug build)"
    assert resident_mib(server.process) < 60
    metrics = urllib.request.urlopen(f"{server.admin}/-/metrics").read().decode()
    assert "pugmark_journal_head" in metrics
    assert urllib.request.urlopen(f"{server.admin}/-/healthy").read() == b"healthy\n"
    server.stop()


def test_events_survive_a_restart_and_a_crash(tmp_path):
    server = Pugmark(tmp_path / "data").start()
    s3 = server.client("s3")
    s3.create_bucket(Bucket="first")
    server.stop()
    server.start()
    s3.create_bucket(Bucket="second")
    server.kill()
    server.start()
    names = [e["Resources"][0]["ResourceName"] for e in server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateBucket"}])["Events"]]
    assert len(names) == 2
    assert {b["Name"] for b in s3.list_buckets()["Buckets"]} == {"first", "second"}
    server.stop()


def test_an_event_is_found_as_soon_as_its_call_returned(alone):
    cloudtrail, s3 = alone.client("cloudtrail"), alone.client("s3")
    for number in range(20):
        s3.create_bucket(Bucket=f"bucket-{number}")
        found = cloudtrail.lookup_events(MaxResults=1, LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateBucket"}])
        assert f"bucket-{number}" in found["Events"][0]["CloudTrailEvent"]


def test_paging_is_stable_and_whole(alone):
    s3 = alone.client("s3")
    for number in range(120):
        s3.create_bucket(Bucket=f"bucket-{number:03}")
    pages = alone.client("cloudtrail").get_paginator("lookup_events").paginate(
        LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateBucket"}])
    sizes, ids = [], []
    for page in pages:
        sizes.append(len(page["Events"]))
        ids += [event["EventId"] for event in page["Events"]]
        s3.list_buckets()  # more events arrive between pages
    assert sizes[:2] == [50, 50] and len(set(ids)) == 120


def error_code(call, *arguments, **parameters):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **parameters)
    return caught.value.response["Error"]["Code"], caught.value.response["ResponseMetadata"]["HTTPStatusCode"]


def test_wrong_credentials_get_awss_errors(alone):
    wrong = {"aws_secret_access_key": "wrong"}
    unknown = {"aws_access_key_id": "AKIANOBODYNOBODYNOBO"}
    assert error_code(alone.client("cloudtrail", **wrong).describe_trails)[0] in ("InvalidSignatureException", "SignatureDoesNotMatch")
    assert error_code(alone.client("cloudtrail", **unknown).describe_trails)[0] in ("UnrecognizedClientException", "InvalidClientTokenId")
    assert error_code(alone.client("s3", **wrong).list_buckets) == ("SignatureDoesNotMatch", 403)
    assert error_code(alone.client("s3", **unknown).list_buckets) == ("InvalidAccessKeyId", 403)
    # Nothing of this is an event: nobody was authenticated.
    assert alone.client("cloudtrail").lookup_events()["Events"] == []


def test_unsupported_operations_and_services_say_so(alone):
    code, status = error_code(alone.client("cloudtrail").list_event_data_stores)
    assert (code, status) == ("UnsupportedOperationException", 400)
    assert error_code(alone.client("iam").list_users) == ("NotImplemented", 501)


def test_principals_are_added_while_the_server_runs(alone):
    added = alone.pugmark("principals", "add", "auditor", "--policy", "AWSCloudTrail_ReadOnlyAccess", "--data-dir", str(alone.data_dir)).stdout
    keys = dict(line.removeprefix("export ").split("=", 1) for line in added.splitlines() if line.startswith("export "))
    credentials = {"aws_access_key_id": keys["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": keys["AWS_SECRET_ACCESS_KEY"]}
    auditor = alone.client("cloudtrail", **credentials)
    auditor.lookup_events()
    assert error_code(auditor.stop_logging, Name="x-trail")[0] == "AccessDeniedException"
    assert error_code(alone.client("s3", **credentials).create_bucket, Bucket="mine")[0] == "AccessDenied"
    events = alone.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "auditor"}])["Events"]
    assert {e["EventName"] for e in events} == {"LookupEvents", "StopLogging", "CreateBucket"}
    denied = next(json.loads(e["CloudTrailEvent"]) for e in events if e["EventName"] == "StopLogging")
    assert denied["errorCode"].startswith("AccessDenied") and denied["userIdentity"]["userName"] == "auditor"
    listed = alone.pugmark("principals", "list", "--data-dir", str(alone.data_dir)).stdout
    assert "user/auditor" in listed and keys["AWS_SECRET_ACCESS_KEY"] not in listed


def test_pugmark_lookup(alone):
    alone.client("s3").create_bucket(Bucket="seen")
    table = alone.pugmark("lookup", "--event", "CreateBucket", "--writes", "--since", "5m").stdout
    assert "CreateBucket" in table and "seen" in table and "\x1b" not in table
    record = json.loads(alone.pugmark("lookup", "--event", "CreateBucket", "--json").stdout)
    assert record["requestParameters"]["bucketName"] == "seen"
    assert alone.pugmark("lookup", "--event", "NoSuchEvent", check=False).returncode == 1
    failed = alone.pugmark("lookup", "--endpoint-url", "http://127.0.0.1:9", check=False)
    assert failed.returncode == 2 and "error" in failed.stderr


def raw(server, request, timeout=5):
    """Sends bytes and reads the answer's status line."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=timeout) as connection:
        connection.sendall(request)
        try:
            return connection.recv(65536).decode(errors="replace")
        except TimeoutError:
            return ""


def test_bad_input_gets_an_error_and_harms_nothing(alone):
    host = f"Host: 127.0.0.1:{alone.port}\r\n"
    for request, status in [
        ("GARBAGE\r\n\r\n", "400"),
        (f"POST / HTTP/1.1\r\n{host}X-Amz-Target: CloudTrail_20131101.LookupEvents\r\nContent-Length: 9\r\n\r\nnot json!", "4"),
        (f"POST / HTTP/1.1\r\n{host}Authorization: AWS4-HMAC-SHA256 Credential=broken\r\nContent-Length: 0\r\n\r\n", "4"),
        (f"GET / HTTP/1.1\r\n{host}X-Long: {'a' * 200_000}\r\n\r\n", "431"),
        (f"GET / HTTP/1.1\r\n{host}" + "".join(f"H{n}: v\r\n" for n in range(500)) + "\r\n", "431"),
        (f"POST / HTTP/1.1\r\n{host}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\nAction=%ZZ", "4"),
        (f"GET /%00/../..//etc/passwd?x=%FF HTTP/1.1\r\n{host}\r\n", "4"),
    ]:
        answer = raw(alone, request.encode())
        assert answer.startswith("HTTP/1.1 ") and answer.split()[1].startswith(status), f"{request[:60]!r}: {answer[:200]}"
    cloudtrail = alone.client("cloudtrail")
    cloudtrail.meta.events.register("before-sign.*.*", lambda request, **_: setattr(request, "data", b"{not json"))
    assert error_code(cloudtrail.describe_trails)[0] == "SerializationException"
    assert alone.process.poll() is None
    assert resident_mib(alone.process) < 120


def test_a_slow_client_holds_nobody_up(alone):
    slow = socket.create_connection(("127.0.0.1", alone.port))
    slow.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc")
    alone.client("cloudtrail").lookup_events()
    slow.close()


def test_a_call_whose_caller_left_is_recorded_before_a_shutdown_ends(tmp_path):
    class Slow(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            time.sleep(2)
            self.send_response(200)
            self.end_headers()

    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    server = Pugmark(tmp_path / "data", "--upstream", f"http://127.0.0.1:{upstream.server_port}").start()
    with pytest.raises(ReadTimeoutError):
        server.client("dynamodb", config=Config(read_timeout=0.5)).delete_table(TableName="gone")
    server.stop()
    upstream.shutdown()
    server.start()
    found = server.client("cloudtrail").lookup_events()["Events"]
    assert [event["EventName"] for event in found] == ["DeleteTable"]
    server.stop()


def test_large_uploads_pass_in_constant_memory(alone):
    s3 = alone.client("s3")
    s3.create_bucket(Bucket="large")
    before = resident_mib(alone.process)
    size = 256 * 1024 * 1024

    class Zeros:
        """256 MiB that are nowhere in memory."""
        def __init__(self):
            self.at = 0
        def read(self, count=-1):
            count = min(size - self.at if count is None or count < 0 else count, 1 << 20, size - self.at)
            self.at += count
            return b"\0" * count
        def seek(self, at, whence=0):
            self.at = at if whence == 0 else (size if whence == 2 else self.at + at)
            return self.at
        def tell(self):
            return self.at

    # boto3's default here is still Signature Version 2, which answers too (test_buckets.py).
    signer = alone.client("s3", config=Config(signature_version="s3v4", s3={"addressing_style": "path"}))
    url = signer.generate_presigned_url("put_object", Params={"Bucket": "large", "Key": "zeros"})
    connection = http.client.HTTPConnection("127.0.0.1", alone.port, timeout=120)
    connection.request("PUT", url.split(str(alone.port), 1)[1], body=Zeros(), headers={"Content-Length": str(size)})
    assert connection.getresponse().status == 200
    assert s3.head_object(Bucket="large", Key="zeros")["ContentLength"] == size
    assert resident_mib(alone.process) - before < 64


def test_settings_are_checked(tmp_path):
    path = tmp_path / "pugmark.toml"
    path.write_text("delivery_intervall = '1s'\n")
    done = subprocess.run([str(binary()), "serve", "--config", str(path)], capture_output=True, text=True, timeout=10)
    assert done.returncode == 2 and "unknown field `delivery_intervall`" in done.stderr


def test_role_sessions_may_call_what_their_role_may(tmp_path, moto):
    """As Terraform and Prowler do it: assume a role through Pugmark, and call CloudTrail with what STS gave."""
    role = lambda name: f"arn:aws:iam::123456789012:role/{name}"
    config = f"""
[[roles]]
arn = "{role('auditor')}"
policies = ["AWSCloudTrail_ReadOnlyAccess"]
"""
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, config=config).start()
    iam, sts = server.client("iam"), server.client("sts")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]})
    for name in ("auditor", "unnamed"):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)

    def session(service, given, **changes):
        keys = {**given, **changes}
        return server.client(service, aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                             aws_session_token=keys["SessionToken"])

    given = sts.assume_role(RoleArn=role("auditor"), RoleSessionName="dora")["Credentials"]
    auditor = session("cloudtrail", given)
    names = {event["EventName"] for event in auditor.lookup_events()["Events"]}
    assert {"CreateRole", "AssumeRole"} <= names
    refused(lambda: auditor.create_trail(Name="t", S3BucketName="b"), "AccessDeniedException")
    refused(lambda: session("cloudtrail", given, SessionToken="x").lookup_events(), "UnrecognizedClientException")
    refused(lambda: session("cloudtrail", given, SecretAccessKey="x").lookup_events(), "InvalidSignatureException")
    # At the upstream it is who it was before.
    assert session("sts", given).get_caller_identity()["Arn"].endswith(":assumed-role/auditor/dora")
    seen = wait(lambda: server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "Username", "AttributeValue": "dora"}])["Events"])
    identity = json.loads(seen[0]["CloudTrailEvent"])["userIdentity"]
    assert identity["sessionContext"]["sessionIssuer"]["arn"] == role("auditor")

    # An access key's own session may what its user may.
    own = sts.get_session_token()["Credentials"]
    assert session("cloudtrail", own).describe_trails()["trailList"] == []
    # A role that is not named, and a session with less than its role.
    unnamed = sts.assume_role(RoleArn=role("unnamed"), RoleSessionName="dora")["Credentials"]
    less = sts.assume_role(RoleArn=role("auditor"), RoleSessionName="dora", Policy=trust)["Credentials"]
    for other in (unnamed, less):
        with pytest.raises(ClientError, match="UnrecognizedClientException.*roles"):
            session("cloudtrail", other).lookup_events()
    # Secrets are in memory alone: after a restart the role is assumed anew.
    files = [path.read_bytes() for path in server.data_dir.rglob("*") if path.is_file()]
    assert not any(given["SecretAccessKey"].encode() in content for content in files)
    server.stop()
    server.start()
    refused(lambda: session("cloudtrail", given).lookup_events(), "UnrecognizedClientException")
    given = server.client("sts").assume_role(RoleArn=role("auditor"), RoleSessionName="dora")["Credentials"]
    assert session("cloudtrail", given).lookup_events()["Events"]
    server.stop()


def test_an_upstream_of_another_account_is_told(tmp_path, moto):
    """An emulator takes any key and has an account of its own; what its roles do would be in a history that nobody sees."""
    other = Pugmark(tmp_path / "other", "--upstream", moto.endpoint, "--account-id", "111122223333").start()
    same = Pugmark(tmp_path / "same", "--upstream", moto.endpoint).start()
    said = lambda server: (server.data_dir / "server.log").read_text()
    wait(lambda: "start with --account-id 123456789012" in said(other), seconds=20)
    same.client("sts").get_caller_identity()
    assert "--account-id" not in said(same)
    other.stop()
    same.stop()


def test_an_unreachable_bucket_is_retried_until_it_is_there(tmp_path, moto):
    from conftest import free_port, Moto
    late = Moto()
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=f'[upstream.services]\ns3 = "{late.endpoint}"\n').start()
    late.start()
    s3, cloudtrail = server.client("s3"), server.client("cloudtrail")
    s3.create_bucket(Bucket="trail-bucket")
    cloudtrail.create_trail(Name="retried", S3BucketName="trail-bucket")
    cloudtrail.start_logging(Name="retried")
    late.stop()
    ids = {cloudtrail.describe_trails()["ResponseMetadata"]["RequestId"] for _ in range(5)}
    time.sleep(3)
    late.start()
    s3.create_bucket(Bucket="trail-bucket")

    deadline = time.monotonic() + 60
    delivered = set()
    while not ids <= delivered and time.monotonic() < deadline:
        import gzip
        for item in s3.list_objects_v2(Bucket="trail-bucket", Prefix="AWSLogs/").get("Contents", []):
            if item["Key"].endswith(".json.gz"):
                body = s3.get_object(Bucket="trail-bucket", Key=item["Key"])["Body"].read()
                delivered |= {record["requestID"] for record in json.loads(gzip.decompress(body))["Records"]}
        time.sleep(0.5)
    assert ids <= delivered
    server.stop()
    late.stop()


def test_pugmark_explains_a_saved_request(tmp_path, alone):
    """What boto3 would have sent is recognised, and its redactions are named."""
    saved = tmp_path / "request.http"

    def save(request, **_):
        head = f"{request.method} {request.url.split(str(alone.port), 1)[1] or '/'} HTTP/1.1\r\nHost: 127.0.0.1:{alone.port}\r\n"
        head += "".join(f"{name}: {value.decode() if isinstance(value, bytes) else value}\r\n" for name, value in request.headers.items())
        body = request.body if isinstance(request.body, bytes) else (request.body or "").encode()
        saved.write_bytes(head.encode() + b"\r\n" + body)
        raise KeyboardInterrupt  # nothing is sent
    client = alone.client("secretsmanager")
    client.meta.events.register("before-send.*.*", save)
    with pytest.raises(KeyboardInterrupt):
        client.create_secret(Name="db", SecretString="CANARY-SECRET")
    told = alone.pugmark("explain", str(saved)).stdout
    assert "CreateSecret (Json11 protocol), by X-Amz-Target `secretsmanager.CreateSecret`" in told
    assert "SecretString is not recorded as sent" in told and "CANARY-SECRET" not in told
    record = json.loads(alone.pugmark("explain", "--json", str(saved)).stdout)
    assert record["eventName"] == "CreateSecret" and record["requestParameters"]["name"] == "db"
    assert alone.pugmark("explain", str(tmp_path / "missing"), check=False).returncode == 2


def test_awss_request_rates_can_hold(tmp_path):
    server = Pugmark(tmp_path / "data", config='[limits]\nrates = "aws"\n').start()
    try:
        client = server.client("cloudtrail")
        codes = []
        for _ in range(30):
            try:
                client.lookup_events()
                codes.append("ok")
            except client.exceptions.ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 400
                codes.append(error.response["Error"]["Code"])
        assert codes[:2] == ["ok", "ok"] and "ThrottlingException" in codes, codes
        # Another operation and another Region have their own.
        client.describe_trails()
        server.client("cloudtrail", region="eu-west-1").lookup_events()
        # A client that waits as AWS's do gets its answer.
        patient = server.client("cloudtrail", config=Config(retries={"max_attempts": 8, "mode": "standard"}))
        for _ in range(4):
            patient.lookup_events()
    finally:
        server.stop()
