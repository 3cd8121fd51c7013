"""audit.mode and TLS: what the settings promise."""

import datetime
import http.server
import ipaddress
import json
import threading
import time

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark, free_port, refused


class Hanging(http.server.BaseHTTPRequestHandler):
    """An upstream that takes the call and never answers."""
    reached = threading.Event()

    def do_POST(self):
        # The server itself asks at its start which account this is.
        if b"CreateUser" in self.rfile.read(int(self.headers["Content-Length"])):
            type(self).reached.set()
        time.sleep(30)

    def log_message(self, *_):
        pass


def events(server, **attributes):
    key, value = next(iter(attributes.items()))
    found = server.client("cloudtrail").lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}])
    return [json.loads(event["CloudTrailEvent"]) for event in found["Events"]]


def test_strict_mode_leaves_no_call_without_a_record(tmp_path):
    """The server dies after the upstream got a call and before it answered: the event says that the outcome is unknown."""
    port = free_port()
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", port), Hanging)
    upstream.daemon_threads = True
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    server = Pugmark(tmp_path / "data", "--upstream", f"http://127.0.0.1:{port}", config='[audit]\nmode = "strict"\n').start()

    def call():
        with pytest.raises((ClientError, BotoCoreError)):
            server.client("iam").create_user(UserName="mallory")
    caller = threading.Thread(target=call)
    caller.start()
    assert Hanging.reached.wait(10)
    server.kill()
    caller.join()
    server.start()
    deadline = time.monotonic() + 10
    while not (found := events(server, EventName="CreateUser")):
        assert time.monotonic() < deadline, "the intent became no event"
        time.sleep(0.1)
    assert len(found) == 1 and found[0]["requestParameters"] == {"userName": "mallory"}
    assert "recorder stopped" in json.dumps(found[0])
    # Another restart makes no second event of it.
    server.kill()
    server.start()
    time.sleep(1)
    assert len(events(server, EventName="CreateUser")) == 1
    server.stop()
    upstream.shutdown()


@pytest.mark.parametrize("mode", ["strict", "durable", "async"])
def test_every_mode_records_each_call_once(tmp_path, moto, mode):
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, config=f'[audit]\nmode = "{mode}"\n').start()
    iam = server.client("iam")
    for number in range(10):
        iam.create_user(UserName=f"{mode}-{number}")
    time.sleep(0.2)
    names = [event["requestParameters"]["userName"] for event in events(server, EventName="CreateUser")]
    assert sorted(names) == [f"{mode}-{number}" for number in range(10)]
    server.stop()


def self_signed(directory):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
                   .serial_number(1).not_valid_before(now - datetime.timedelta(hours=1)).not_valid_after(now + datetime.timedelta(days=1))
                   .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
                   .sign(key, hashes.SHA256()))
    chain, private = directory / "chain.pem", directory / "key.pem"
    chain.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return chain, private


@pytest.fixture
def encrypted(tmp_path):
    """A server that speaks HTTPS, its certificate, and what makes clients that trust it."""
    chain, private = self_signed(tmp_path)
    server = Pugmark(tmp_path / "data", config=f'[tls]\ncertificate = "{chain}"\nprivate_key = "{private}"\n').start()
    client = lambda service: boto3.client(
        service, region_name="us-east-1", endpoint_url=f"https://127.0.0.1:{server.port}", verify=str(chain),
        aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY, config=Config(s3={"addressing_style": "path"}))
    yield server, chain, client
    server.stop()


def test_tls_is_recorded(encrypted):
    server, _, client = encrypted
    client("s3").create_bucket(Bucket="encrypted")
    event = json.loads(client("cloudtrail").lookup_events()["Events"][0]["CloudTrailEvent"])
    assert event["eventName"] == "CreateBucket"
    assert event["tlsDetails"]["tlsVersion"] == "TLSv1.3" and event["tlsDetails"]["cipherSuite"].startswith("TLS_")
    assert event["tlsDetails"]["clientProvidedHostHeader"] == f"127.0.0.1:{server.port}"


def test_certificates_are_trusted_as_the_system_says(encrypted, tmp_path):
    """By the command line and by the gateway, of its upstream."""
    server, chain, client = encrypted
    client("s3").create_bucket(Bucket="encrypted")
    lookup = "lookup", "--endpoint-url", f"https://127.0.0.1:{server.port}"
    untrusted = server.pugmark(*lookup, check=False)
    assert untrusted.returncode == 2 and "AWS_CA_BUNDLE" in untrusted.stderr, untrusted
    validate = ("validate-logs", *lookup[1:], "--trail-arn", "arn:aws:cloudtrail:us-east-1:123456789012:trail/none", "--start-time", "1d ago")
    untrusted = server.pugmark(*validate, check=False)
    assert untrusted.returncode == 2 and "AWS_CA_BUNDLE" in untrusted.stderr, untrusted
    for variable in "SSL_CERT_FILE", "AWS_CA_BUNDLE":
        assert "CreateBucket" in server.pugmark(*lookup, environment={variable: str(chain)}).stdout
        refusal = server.pugmark(*validate, check=False, environment={variable: str(chain)})
        assert "there is no trail" in refusal.stderr, refusal
    (nothing := tmp_path / "nothing.pem").touch()
    for wrong in nothing, tmp_path / "none.pem":
        for command in lookup, validate:
            refusal = server.pugmark(*command, check=False, environment={"AWS_CA_BUNDLE": str(wrong)})
            assert refusal.returncode == 2 and f"{wrong}, which AWS_CA_BUNDLE names" in refusal.stderr, refusal
    fronts = [Pugmark(tmp_path / trusted.stem, "--upstream", f"https://127.0.0.1:{server.port}", environment={"SSL_CERT_FILE": str(trusted)})
              for trusted in (chain, nothing)]
    trusting, untrusting = (front.start() for front in fronts)
    assert [bucket["Name"] for bucket in trusting.client("s3").list_buckets()["Buckets"]] == ["encrypted"]
    refused(untrusting.client("s3").list_buckets, "ServiceUnavailable")
    assert "UnknownIssuer" in (untrusting.data_dir / "server.log").read_text()
    for front in fronts:
        front.stop()


def test_an_event_of_a_region_that_appears_later_is_delivered(alone):
    """A multi-Region trail takes a Region's events from the first one on."""
    import gzip
    alone.client("s3").create_bucket(Bucket="regions")
    cloudtrail = alone.client("cloudtrail")
    cloudtrail.create_trail(Name="everywhere", S3BucketName="regions", IsMultiRegionTrail=True)
    cloudtrail.create_trail(Name="here", S3BucketName="regions", S3KeyPrefix="here")
    for name in ("everywhere", "here"):
        cloudtrail.start_logging(Name=name)
    alone.client("cloudtrail", region="ap-south-2").describe_trails()
    shadow = alone.client("cloudtrail", region="ap-south-2").describe_trails()["trailList"]
    assert [trail["Name"] for trail in shadow] == ["everywhere"]
    s3, deadline = alone.client("s3"), time.monotonic() + 20
    while True:
        keys = [item["Key"] for item in s3.list_objects_v2(Bucket="regions").get("Contents", [])]
        if any("/CloudTrail/ap-south-2/" in key for key in keys) and any("/CloudTrail/us-east-1/" in key for key in keys if key.startswith("here/")):
            break
        assert time.monotonic() < deadline, keys
        time.sleep(0.3)
    assert not any("ap-south-2" in key for key in keys if key.startswith("here/"))
    key = next(key for key in keys if "/CloudTrail/ap-south-2/" in key)
    names = [r["eventName"] for r in json.loads(gzip.decompress(s3.get_object(Bucket="regions", Key=key)["Body"].read()))["Records"]]
    assert "DescribeTrails" in names
