"""The main job, end to end, with the real AWS CLI: calls are made, looked up, delivered, and proven.

Calls go through Pugmark to moto; a trail delivers into a bucket; `aws cloudtrail validate-logs` judges the files,
first untouched and then after each kind of tampering.
"""

import datetime
import gzip
import hashlib
import http.client
import json
import time

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark, refused, wait

BUCKET = "audit-bucket"
TRAIL = "main-trail"

# (CLI arguments, event source, event name, error code): eight services and more, some calls failing.
CALLS = [
    (["iam", "create-user", "--user-name", "alice"], "iam.amazonaws.com", "CreateUser", None),
    (["iam", "create-user", "--user-name", "alice"], "iam.amazonaws.com", "CreateUser", "EntityAlreadyExistsException"),
    (["iam", "get-role", "--role-name", "nobody"], "iam.amazonaws.com", "GetRole", "NoSuchEntityException"),
    (["sts", "get-caller-identity"], "sts.amazonaws.com", "GetCallerIdentity", None),
    (["ec2", "create-security-group", "--group-name", "web", "--description", "d"],
     "ec2.amazonaws.com", "CreateSecurityGroup", None),
    (["ec2", "describe-instances", "--instance-ids", "i-0123456789abcdef0"],
     "ec2.amazonaws.com", "DescribeInstances", "Client.InvalidInstanceID.NotFound"),
    (["dynamodb", "create-table", "--table-name", "t", "--attribute-definitions", "AttributeName=k,AttributeType=S",
      "--key-schema", "AttributeName=k,KeyType=HASH", "--billing-mode", "PAY_PER_REQUEST"],
     "dynamodb.amazonaws.com", "CreateTable", None),
    (["dynamodb", "describe-table", "--table-name", "missing"],
     "dynamodb.amazonaws.com", "DescribeTable", "ResourceNotFoundException"),
    (["sqs", "create-queue", "--queue-name", "q"], "sqs.amazonaws.com", "CreateQueue", None),
    (["sns", "create-topic", "--name", "topic"], "sns.amazonaws.com", "CreateTopic", None),
    (["kms", "create-key", "--description", "k"], "kms.amazonaws.com", "CreateKey", None),
    (["secretsmanager", "create-secret", "--name", "s", "--secret-string", "CANARY-SECRET"],
     "secretsmanager.amazonaws.com", "CreateSecret", None),
    (["ssm", "put-parameter", "--name", "/p", "--type", "SecureString", "--value", "CANARY-SECRET"],
     "ssm.amazonaws.com", "PutParameter", None),
    (["logs", "create-log-group", "--log-group-name", "/g"], "logs.amazonaws.com", "CreateLogGroup", None),
    (["events", "put-rule", "--name", "r", "--schedule-expression", "rate(5 minutes)"],
     "events.amazonaws.com", "PutRule", None),
    (["lambda", "get-function", "--function-name", "missing"],
     "lambda.amazonaws.com", "GetFunction20150331v2", "ResourceNotFoundException"),
    (["iam", "list-users"], "iam.amazonaws.com", "ListUsers", None),
]


def log_keys(s3, prefix="AWSLogs/123456789012/CloudTrail/"):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", []) if item["Key"].endswith(".json.gz")]


def records(s3):
    """Every record of every log file, from buckets as a consumer reads them."""
    found = []
    for key in log_keys(s3):
        body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        found += json.loads(gzip.decompress(body))["Records"]
    return found


def lookup(server, key, value):
    output = server.cli("cloudtrail", "lookup-events", "--lookup-attributes",
                        f"AttributeKey={key},AttributeValue={value}", "--output", "json").stdout
    return json.loads(output)["Events"]


@pytest.fixture(params=["embedded", "upstream"])
def server(request):
    """S3 in Pugmark itself, and S3 in the upstream. IAM and the rest are in the upstream in one case only."""
    return request.getfixturevalue("alone" if request.param == "embedded" else "gateway")


def make_trail(server):
    server.cli("s3api", "create-bucket", "--bucket", BUCKET)
    server.cli("cloudtrail", "create-trail", "--name", TRAIL, "--s3-bucket-name", BUCKET,
               "--is-multi-region-trail", "--enable-log-file-validation")
    server.cli("cloudtrail", "start-logging", "--name", TRAIL)


def test_calls_are_found_and_delivered(gateway):
    make_trail(gateway)
    for arguments, _, name, error in CALLS:
        done = gateway.cli(*arguments, check=False)
        assert (done.returncode != 0) == (error is not None), f"{name}: {done.stdout}{done.stderr}"
    expected = sorted((source, name, error or "") for _, source, name, error in CALLS)

    events = [json.loads(event["CloudTrailEvent"]) for page in gateway.client("cloudtrail").get_paginator("lookup_events").paginate() for event in page["Events"]]
    sources = {source for _, source, _, _ in CALLS}
    seen = sorted((e["eventSource"], e["eventName"], e.get("errorCode", "")) for e in events if e["eventSource"] in sources)
    assert seen == expected

    for event in events:
        assert event["eventVersion"].startswith("1.") and event["awsRegion"] == "us-east-1"
        assert event["userIdentity"]["type"] == "Root" and event["recipientAccountId"] == "123456789012"
        assert event["sourceIPAddress"] == "127.0.0.1" and "aws-cli" in event["userAgent"]
        if event.get("errorCode"):
            assert event["responseElements"] is None
    created = next(e for e in events if e["eventName"] == "CreateUser" and "errorCode" not in e)
    assert created["requestParameters"] == {"userName": "alice"}
    assert created["responseElements"]["user"]["userName"] == "alice" and created["readOnly"] is False

    # Each look-up attribute finds it.
    assert {e["EventName"] for e in lookup(gateway, "EventName", "CreateQueue")} == {"CreateQueue"}
    assert [e["EventId"] for e in lookup(gateway, "EventId", created["eventID"])] == [created["eventID"]]
    assert len(lookup(gateway, "EventSource", "dynamodb.amazonaws.com")) == 2
    assert {e["ReadOnly"] for e in lookup(gateway, "ReadOnly", "true")} == {"true"}
    assert len(lookup(gateway, "Username", "root")) >= len(CALLS)
    assert any(e["EventName"] == "CreateUser" for e in lookup(gateway, "ResourceName", "alice"))
    assert any(e["EventName"] == "CreateUser" for e in lookup(gateway, "ResourceType", "AWS::IAM::User"))
    assert len(lookup(gateway, "AccessKeyId", "AKIAPUGMARKCONFORMAN")) >= len(CALLS)
    assert lookup(gateway, "EventName", "createqueue") == []

    # The log files hold the same records, once, and no secret.
    s3 = gateway.client("s3")
    def all_delivered():
        seen = sorted((e["eventSource"], e["eventName"], e.get("errorCode", "")) for e in records(s3) if e["eventSource"] in sources)
        return seen == expected
    wait(all_delivered)
    delivered = records(s3)
    ids = [record["eventID"] for record in delivered]
    assert len(ids) == len(set(ids))
    by_id = {event["eventID"]: event for event in events}
    for record in delivered:
        if record["eventID"] in by_id:
            assert record == by_id[record["eventID"]]
    assert "CANARY-SECRET" not in json.dumps(delivered)
    for key in log_keys(s3):
        times = [r["eventTime"] for r in json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))["Records"]]
        assert times == sorted(times)
    assert "CANARY-SECRET" not in (gateway.data_dir / "server.log").read_text()

    status = gateway.client("cloudtrail").get_trail_status(Name=TRAIL)
    assert status["IsLogging"] and "LatestDeliveryTime" in status and not status.get("LatestDeliveryError")


def validate(server, since):
    """What `aws cloudtrail validate-logs` says."""
    done = server.cli("cloudtrail", "validate-logs", "--trail-arn",
                      f"arn:aws:cloudtrail:us-east-1:123456789012:trail/{TRAIL}",
                      "--start-time", since.strftime("%Y-%m-%dT%H:%M:%SZ"), "--verbose", check=False)
    return done.returncode, done.stdout + done.stderr


def test_validation_finds_every_tampering(server):
    since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=2)
    make_trail(server)
    s3 = server.client("s3")
    digests = lambda: log_keys(s3, "AWSLogs/123456789012/CloudTrail-Digest/")
    covered = lambda: [f["s3Object"] for k in digests() for f in json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=k)["Body"].read()))["logFiles"]]
    for count in range(1, 5):
        server.cli("cloudtrail", "describe-trails")
        wait(lambda: len(log_keys(s3)) >= count)
        time.sleep(1.2)
    wait(lambda: len(covered()) >= 3 and len(digests()) >= 3)
    server.cli("cloudtrail", "stop-logging", "--name", TRAIL)
    wait(lambda: sorted(covered()) == sorted(log_keys(s3)))
    code, said = validate(server, since)
    assert code == 0 and "INVALID" not in said and "log files valid" in said, said

    def tampered(key, change, expected):
        """Changes one object, asks the validator, and puts the object back."""
        original = s3.get_object(Bucket=BUCKET, Key=key)
        body = original["Body"].read()
        change(key, body, original)
        code, said = validate(server, since)
        s3.put_object(Bucket=BUCKET, Key=key, Body=body, Metadata=original["Metadata"],
                      ContentType=original["ContentType"], ContentEncoding="gzip")
        assert code == 1 and expected in said, f"{expected!r} is not in:\n{said}"
        assert validate(server, since)[0] == 0

    def delete(key, body, original):
        s3.delete_object(Bucket=BUCKET, Key=key)

    def edit(key, body, original):
        text = gzip.decompress(body).replace(b"us-east-1", b"us-west-1", 1)
        s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(text), Metadata=original["Metadata"], ContentEncoding="gzip")

    def swap_with(other):
        def swap(key, body, original):
            found = s3.get_object(Bucket=BUCKET, Key=other)
            s3.put_object(Bucket=BUCKET, Key=key, Body=found["Body"].read(), Metadata=found["Metadata"], ContentEncoding="gzip")
        return swap

    log, other_log = covered()[0], covered()[1]
    digest, other_digest = sorted(digests())[1], sorted(digests())[0]
    tampered(log, delete, "INVALID: not found")
    tampered(log, edit, "INVALID: hash value doesn't match")
    tampered(log, swap_with(other_log), "INVALID: hash value doesn't match")
    tampered(digest, delete, "INVALID: not found")
    tampered(digest, edit, "INVALID: ")
    tampered(digest, swap_with(other_digest), "INVALID: has been moved from its original location")


def test_network_activity_events_reach_the_endpoints_owner(tmp_path, moto):
    moto.reset()
    settings = '[[vpc_endpoints]]\nid = "vpce-0a1b"\naccount_id = "123456789012"\nnetworks = ["127.0.0.0/8"]\n'
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint, "--delivery-interval", "1s", config=settings).start()
    s3, trail = server.client("s3"), server.client("cloudtrail")
    s3.create_bucket(Bucket=BUCKET)
    trail.create_trail(Name="network", S3BucketName=BUCKET)
    trail.put_event_selectors(TrailName="network", AdvancedEventSelectors=[{"FieldSelectors": [
        {"Field": "eventCategory", "Equals": ["NetworkActivity"]}, {"Field": "eventSource", "Equals": ["kms.amazonaws.com"]}]}])
    trail.start_logging(Name="network")
    server.client("kms").create_key()
    server.client("iam").create_user(UserName="nobody")
    prefix = "AWSLogs/123456789012/CloudTrail-NetworkActivity/"
    [key] = wait(lambda: log_keys(s3, prefix))
    [record] = json.loads(gzip.decompress(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()))["Records"]
    assert record["eventType"] == "AwsVpceEvent" and record["eventName"] == "CreateKey" and "requestParameters" not in record
    [call] = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateKey"}])["Events"]
    call = json.loads(call["CloudTrailEvent"])
    assert call["vpcEndpointId"] == record["vpcEndpointId"] == "vpce-0a1b"
    assert call["sharedEventID"] == record["sharedEventID"] and call["eventID"] != record["eventID"]
    server.stop()


def test_the_event_configuration_of_a_trail(alone):
    alone.client("s3").create_bucket(Bucket=BUCKET)
    trail = alone.client("cloudtrail")
    arn = trail.create_trail(Name="sums", S3BucketName=BUCKET)["TrailARN"]
    put = lambda *templates, **more: trail.put_event_configuration(
        TrailName="sums", AggregationConfigurations=[{"EventCategory": "Data", "Templates": list(templates)}], **more)
    assert trail.get_event_configuration(TrailName="sums")["AggregationConfigurations"] == []
    refused(lambda: put("API_ACTIVITY"), "InvalidParameterCombinationException")
    trail.put_event_selectors(TrailName="sums", EventSelectors=[
        {"ReadWriteType": "All", "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3"]}]}])
    refused(lambda: put("SOMETHING"), "InvalidParameterException")
    refused(lambda: put("API_ACTIVITY", MaxEventSize="Large"), "InvalidParameterCombinationException")
    refused(lambda: trail.get_event_configuration(), "InvalidParameterCombinationException")
    refused(lambda: trail.get_event_configuration(TrailName="missing"), "TrailNotFoundException")
    refused(lambda: alone.client("cloudtrail", region="eu-west-1").put_event_configuration(TrailName=arn), "InvalidHomeRegionException")
    wanted = [{"EventCategory": "Data", "Templates": ["USER_ACTIONS", "API_ACTIVITY"]}]
    assert put("USER_ACTIONS", "API_ACTIVITY")["AggregationConfigurations"] == wanted
    alone.stop()
    alone.start()
    assert alone.client("cloudtrail").get_event_configuration(TrailName=arn)["AggregationConfigurations"] == wanted
    cleared = alone.client("cloudtrail").put_event_configuration(TrailName="sums", AggregationConfigurations=[])
    assert cleared["TrailARN"] == arn and cleared["AggregationConfigurations"] == []


def signed(server, method, path, headers, service="s3", host=None, body=b"", unsigned=(), means=None):
    """A request with any headers and host, signed for any service; the path goes as it is, which `means` what is signed."""
    host = host or f"127.0.0.1:{server.port}"
    request = AWSRequest(method, f"http://{host}{means or path}", headers=headers, data=body)
    signer = S3SigV4Auth if service == "s3" else SigV4Auth
    if service != "s3":
        request.headers["x-amz-content-sha256"] = hashlib.sha256(body).hexdigest()
    signer(Credentials(ACCESS_KEY, SECRET_KEY), service, "us-east-1").add_auth(request)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in [*{**dict(request.headers.items()), "Host": host}.items(), *unsigned]:
        connection.putheader(name, value)
    if body:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body or None)
    answer = connection.getresponse()
    return answer.status, answer.read()


def signed_get(server, path, headers, service="s3", host=None):
    return signed(server, "GET", path, headers, service, host)


def make_vault(server):
    """A bucket with a secret, and a trail that is told of each look at it."""
    make_trail(server)
    server.client("cloudtrail").put_event_selectors(TrailName=TRAIL, EventSelectors=[{
        "ReadWriteType": "All", "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::vault/"]}]}])
    s3 = server.client("s3")
    s3.create_bucket(Bucket="vault")
    s3.put_object(Bucket="vault", Key="secret", Body=SECRET)


SECRET = b"what nobody may read unseen"


def test_no_header_or_parameter_hides_a_read(server):
    """What reads an object is recorded as that, or at least with the object's path, whatever else the request pretends to be."""
    make_vault(server)
    cloudtrail = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.ListTrails"
    disguises = [
        ("/vault/secret", {}), ("/vault/secret", {"x-amz-target": "DynamoDB_20120810.ListTables"}),
        ("/vault/secret", {"x-amz-target": cloudtrail}), ("/vault/secret?Action=ListUsers&Version=2010-05-08", {}),
        ("/vault/secret", {"smithy-protocol": "rpc-v2-cbor"}),
    ]
    got = [signed_get(server, path, headers, service)
           for service in ("s3", "iam", "dynamodb", "sts", "nobody") for path, headers in disguises]
    read = sum(body == SECRET for _, body in got)
    assert read >= len(disguises), got

    def seen():
        told = [r for r in records(server.client("s3")) if r["eventName"] == "GetObject"
                and r["requestParameters"]["key"] == "secret" and "errorCode" not in r]
        paths = [r for r in records(server.client("s3"))
                 if (r.get("additionalEventData") or {}).get("requestPath") == "/vault/secret"]
        return len(told) >= len(disguises) and len(told) + len(paths) >= read
    wait(seen)
    names = {event["EventName"] for page in server.client("cloudtrail").get_paginator("lookup_events").paginate()
             for event in page["Events"]}
    assert not names & {"ListTables", "ListTrails", "ListUsers"}


def test_a_change_is_recorded_as_what_it_is_or_refused(server):
    """However it is written: what the upstream would understand differently does not reach it."""
    s3, policy = server.client("s3"), json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::changed/*"}]}).encode()
    s3.create_bucket(Bucket="changed")
    s3.put_object(Bucket="changed", Key="secret", Body=SECRET)
    status, _ = signed(server, "PUT", "/changed?%70olicy", {}, body=policy, means="/changed?policy")
    assert status in (200, 204) and "Allow" in s3.get_bucket_policy(Bucket="changed")["Policy"]
    status, _ = signed(server, "DELETE", "/changed?poli%63y", {}, means="/changed?policy")
    assert status == 204
    refused(lambda: s3.get_bucket_policy(Bucket="changed"), "NoSuchBucketPolicy")
    copy = ("x_amz_copy_source", "/changed/secret")
    for method, path, headers, unsigned in [
        ("PUT", "/changed/copy", {}, [copy]), ("gEt", "/changed/secret", {}, []),
        ("GET", "/changed/secret?versionId=null&versionId=x", {}, []),
        ("GET", "/changed/secret", {}, [("Range", "bytes=0-1"), ("Range", "bytes=2-3")]),
        ("GET", "/changed/secret", {}, [("Host", "other")]), ("PUT", "/changed?acl&policy", {}, []),
    ]:
        status, body = signed(server, method, path, headers, unsigned=unsigned)
        assert status == 400 and b"nobody could say for sure" in body and b"<Code>InvalidRequest" in body, (method, path, body)
    refused(lambda: s3.head_object(Bucket="changed", Key="copy"), "404")
    names = [event["EventName"] for event in server.client("cloudtrail").lookup_events(
        LookupAttributes=[{"AttributeKey": "ResourceName", "AttributeValue": "changed"}])["Events"]]
    assert names.count("PutBucketPolicy") == 1 and names.count("DeleteBucketPolicy") == 1
    assert names.count("CreateBucket") == 1 and "DeleteBucket" not in names


def test_a_form_says_a_parameter_once(gateway):
    """A service may take the first of two, or the last."""
    form = b"Action=CreateUser&Version=2010-05-08&UserName=decoy&UserName=admin"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, body = signed(gateway, "POST", "/", headers, "iam", body=form)
    assert status == 400 and b"UserName more than once" in body
    status, body = signed(gateway, "POST", "/", headers, "iam", body=form.replace(b"&UserName=admin", b""))
    assert status == 200 and b"decoy" in body


LONG = b"Pad=" + b"a" * 200_000
FORMS = {
    "late": [LONG, b"Action=CreateUser", b"UserName=late"],
    "torn": [b"Action=CreateUser", LONG, b"UserName=torn"],
    "bytes": [b"Pad=\xff", b"Action=CreateUser", b"UserName=bytes"],
    "coded": [b"Pad=%FF", b"Action=CreateUser", b"UserName=coded"],
    "second": [b"Action=ListUsers", LONG, b"Action=CreateUser", b"UserName=second"],
    "other": [b"Action=ListUsers", b"Pad=\xff", b"Action=CreateUser", b"UserName=other"],
    "again": [b"Action=CreateUser", b"UserName=decoy", LONG, b"UserName=again"],
    "name": [b"Action=ListUsers", b"Act\xffion=CreateUser", b"UserName=name"],
    "coded-name": [b"Action=ListUsers", b"Act%FFion=CreateUser", b"UserName=coded-name"],
}


def test_no_form_hides_what_it_calls(gateway):
    """Long forms, and bytes that are no text: what the service did, the record says, or it was refused."""
    iam, headers = gateway.client("iam"), {"Content-Type": "application/x-www-form-urlencoded"}
    refused = set()
    for name, parts in FORMS.items():
        form = b"&".join([*parts, b"Version=2010-05-08"])
        status, body = signed(gateway, "POST", "/", headers, "iam", body=form)
        assert status in (200, 400), body
        if status == 400:
            assert b"nobody could say for sure" in body
            refused.add(name)
    made = {user["UserName"] for user in iam.list_users()["Users"]}
    assert made == FORMS.keys() - refused == {"late", "torn", "coded"}

    def told():
        found = [json.loads(event["CloudTrailEvent"]) for event in lookup(gateway, "EventName", "CreateUser")]
        return {record["requestParameters"]["userName"] for record in found} == made
    wait(told)
    many = b"&".join([b"Action=CreateUser", b"Version=2010-05-08", *[b"P%d=1" % number for number in range(20_000)], b"UserName=many"])
    status, body = signed(gateway, "POST", "/", headers, "iam", body=many)
    assert (status, b"more than 20000 parameters" in body) == (400, True)


def test_a_long_form_is_looked_at_to_its_end(gateway):
    """Mails with attachments are forms of many MiB: they pass, and hide nothing behind them."""
    ses, headers = gateway.client("ses"), {"Content-Type": "application/x-www-form-urlencoded"}
    ses.verify_email_identity(EmailAddress="a@example.com")
    mail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n" + "x" * 6_000_000
    assert ses.send_raw_email(Source="a@example.com", Destinations=["b@example.com"], RawMessage={"Data": mail.encode()})["MessageId"]
    pad = b"Pad=" + b"a" * 3_000_000
    for number, parts in enumerate([
        [b"Action=ListUsers", pad, b"Action=CreateUser"], [b"Action=CreateUser", b"UserName=decoy", pad, b"UserName=admin"],
        [b"Action=CreateUser", pad, b"User%4eame=admin", b"UserName=decoy"], [pad, b"Action=CreateUser", b"UserName=admin"],
        [b"Action=CreateUser", pad, b"UserName\xff=admin"],
    ]):
        form = b"&".join([b"Version=2010-05-08", *parts])
        status, body = signed(gateway, "POST", "/", headers, "iam", body=form)
        assert (status, b"InvalidRequest" in body) == (400, True), (number, body)
    assert gateway.client("iam").list_users()["Users"] == []
    refused = wait(lambda: [json.loads(event["CloudTrailEvent"]) for event in lookup(gateway, "EventName", "CreateUser")])
    assert [record["errorCode"] for record in refused] == ["InvalidRequest"] * 3


def test_a_table_is_watched_whatever_the_request_looks_like(gateway):
    """A trail that watches one table: bodies too long to keep or not quite JSON, statements and batches hide no read of it."""
    make_trail(gateway)
    table = "arn:aws:dynamodb:us-east-1:123456789012:table/vault"
    fields = {"eventCategory": ["Data"], "resources.type": ["AWS::DynamoDB::Table"], "resources.ARN": [table]}
    gateway.client("cloudtrail").put_event_selectors(TrailName=TRAIL, AdvancedEventSelectors=[
        {"FieldSelectors": [{"Field": field, "Equals": values} for field, values in fields.items()]}])
    dynamodb = gateway.client("dynamodb")
    for name in ("vault", "decoy"):
        dynamodb.create_table(TableName=name, KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
                              AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
        dynamodb.put_item(TableName=name, Item={"k": {"S": "a"}, "v": {"S": f"secret of {name}"}})
    key = '"Key":{"k":{"S":"a"}}'
    item = '{"TableName":"vault",' + key
    decoys = ",".join('"decoy%d":{"Keys":[]}' % number for number in range(60))
    bodies = {
        "plain": ("GetItem", item + "}"), "spaces": ("GetItem", item + " " * 300_000 + "}"),
        "pad": ("GetItem", '{"pad":"' + "a" * 300_000 + '",' + item[1:] + "}"), "nan": ("GetItem", item + ',"x":NaN}'),
        "half": ("GetItem", item + ',"x":"\\ud83d"}'), "twice": ("GetItem", '{"TableName":"decoy",' + key + ',"TableName":"vault"}'),
        "arn": ("GetItem", item.replace("vault", table) + "}"),
        "statement": ("ExecuteStatement", json.dumps({"Statement": "SELECT * FROM vault WHERE k='a'"})),
        "batch": ("BatchGetItem", '{"RequestItems":{"vault":{"Keys":[{"k":{"S":"a"}}]}}}'),
        "decoy": ("GetItem", item.replace("vault", "decoy") + "}"),
        "many": ("BatchGetItem", '{"RequestItems":{%s,"vault":{"Keys":[{"k":{"S":"a"}}]}}}' % decoys),
    }
    got = {}
    for name, (operation, body) in bodies.items():
        headers = {"X-Amz-Target": "DynamoDB_20120810." + operation, "Content-Type": "application/x-amz-json-1.0",
                   "User-Agent": f"probe-{name}"}
        got[name] = signed(gateway, "POST", "/", headers, "dynamodb", body=body.encode())
    read = {f"probe-{name}" for name, (_, body) in got.items() if b"secret of vault" in body}
    assert len(read) >= 9, got

    def seen():
        told = [record for record in records(gateway.client("s3")) if record["userAgent"].startswith("probe-")]
        return read <= {record["userAgent"] for record in told} and told
    told = {record["userAgent"][6:]: record for record in wait(seen, seconds=30)}
    assert "decoy" not in told
    for name, record in told.items():
        unknown = [it for it in record["resources"] if "ARN" not in it]
        is_known = table in [it.get("ARN") for it in record["resources"]]
        assert is_known != bool(unknown), (name, record["resources"])
        assert is_known == (name not in ("spaces", "pad", "statement", "many")), name
    assert told["pad"]["requestParameters"]["omitted"]
    assert told["nan"]["requestParameters"]["tableName"] == told["half"]["requestParameters"]["tableName"] == "vault"


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_an_upload_by_a_form_is_recorded(gateway, version):
    """A browser's upload is a write of an object like any other, by whoever signed the form."""
    make_trail(gateway)
    gateway.client("cloudtrail").put_event_selectors(TrailName=TRAIL, EventSelectors=[{
        "ReadWriteType": "All", "IncludeManagementEvents": True,
        "DataResources": [{"Type": "AWS::S3::Object", "Values": ["arn:aws:s3:::uploads/"]}]}])
    s3 = gateway.client("s3", config=Config(signature_version=version))
    s3.create_bucket(Bucket="uploads")
    fields = s3.generate_presigned_post("uploads", "dir/${filename}")["fields"]

    def post(fields):
        part = '--b0undary\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n'
        body = "".join(part % (name, "", value) for name, value in fields)
        body += part % ("file", '; filename="photo.jpg"', "x" * 100_000) + "--b0undary--\r\n"
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
        connection.request("POST", "/uploads", body.encode(), {"Content-Type": "multipart/form-data; boundary=b0undary"})
        answer = connection.getresponse()
        return answer.status, answer.read()

    assert post(fields.items())[0] == 204
    assert s3.get_object(Bucket="uploads", Key="dir/photo.jpg")["ContentLength"] == 100_000
    told = lambda: [r for r in records(gateway.client("s3")) if r["eventName"] == "PutObject"  # noqa: E731
                    and r.get("requestParameters", {}).get("bucketName") == "uploads"]
    [record] = wait(told)
    assert record["requestParameters"]["key"] == "dir/photo.jpg" and record["eventCategory"] == "Data"
    assert record["userIdentity"]["accessKeyId"] == ACCESS_KEY and record["userIdentity"]["type"] == "Root"
    assert record["additionalEventData"]["SignatureVersion"] == ("SigV2" if version == "s3" else "SigV4")
    assert {"type": "AWS::S3::Object", "ARN": "arn:aws:s3:::uploads/dir/photo.jpg"} in record["resources"]
    assert fields["policy"] not in json.dumps(record)
    status, body = post([*fields.items(), ("Key", "dir/other")])
    assert status == 400 and b"key more than once" in body


def test_a_request_says_once_who_signed_it(server):
    """Two signatures, or two keys in one: the upstream could believe the one that the record does not name."""
    server.client("s3").create_bucket(Bucket="signed")
    s3 = server.client("s3", config=Config(signature_version="s3v4"))
    url = s3.generate_presigned_url("list_objects_v2", Params={"Bucket": "signed"})
    path = url[url.index("/signed"):]

    def get(path, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    assert get(path)[0] == 200
    status, text = get(path, Authorization="AWS AKIAIOSFODNN7EXAMPLE:c2lnbmF0dXJl")
    assert status == 400 and "Only one auth mechanism allowed" in text
    status, text = get(path + "&AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Expires=1")
    assert status == 400 and "<Code>InvalidArgument</Code>" in text
    status, text = get(path + "&x-amz-credential=AKIAIOSFODNN7EXAMPLE")
    assert status == 400 and "X-Amz-Credential more than once" in text


HOSTS = ["vault.s3.localhost", "decoy.s3.localhost", "vault.s3-control.x", "decoy.s3express-x", "vault.s3-accesspoint.x",
         "decoy.s3-accesspoint.x", "a.s3.b.s3.c", "vault.S3.x", "VAULT.s3.x", "vault.s3-x.s3.x", ".s3.vault.s3.x", "decoy.s3.",
         "x.s3-object-lambda.x", "x.s3-outposts.x", "iam.x"]
STORE_HOSTS = ["vault.store.example", "decoy.store.example"]


def hides_nothing(server, hosts, store=None):
    """Whatever a host and a path get out of the bucket, the log files say that it was read."""
    make_vault(server)
    if store:
        assert store.client("s3").get_object(Bucket="vault", Key="secret")["Body"].read() == SECRET
    paths = ["/vault/secret", "/secret", "/vault%2Fsecret", "/%76ault/secret", "//vault/secret", "/x/../vault/secret",
             "/vault/./secret", "/vault/secret?x-id=ListBuckets", "/vault/secret?website", "/vault/secret/"]
    got = {f"probe-{number}-": signed_get(server, path, {"User-Agent": f"probe-{number}-"}, host=host)
           for number, (host, path) in enumerate((host, path) for host in [None, *hosts] for path in paths)}
    read = {probe for probe, (_, body) in got.items() if body == SECRET}
    assert len(read) >= 4

    def seen():
        told = [r for r in records(server.client("s3")) if r["eventName"] == "GetObject"
                and any(it.get("ARN") == "arn:aws:s3:::vault/secret" for it in r["resources"])]
        return read <= {probe for probe in read for r in told if probe in r["userAgent"]}
    wait(seen, seconds=30)
    return got


@pytest.mark.parametrize("domains", [None, [], ["store.example"]])
def test_no_host_hides_a_read(tmp_path, domains):
    """Pugmark and its bucket store agree on which bucket a host and a path name, however odd they are."""
    config = "" if domains is None else f"[upstream]\ns3_domains = {json.dumps(domains)}\n"
    server = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=config).start()
    hides_nothing(server, [*HOSTS, *STORE_HOSTS])
    server.stop()


@pytest.mark.parametrize("domains", [None, [], ["s3.localhost"]])
def test_a_store_behind_is_asked_how_it_reads_hosts(tmp_path, domains):
    """Nobody told Pugmark how its store names buckets. The store is another Pugmark, which looks at hosts as AWS does, at none, or
    at those of one domain."""
    config = "" if domains is None else f"[upstream]\ns3_domains = {json.dumps(domains)}\n"
    store = Pugmark(tmp_path / "store", config=config).start()
    front = Pugmark(tmp_path / "data", "--delivery-interval", "1s", config=f"""
[upstream.services]
s3 = "http://127.0.0.1:{store.port}"
[delivery]
access_key_id = "{ACCESS_KEY}"
secret_access_key = "{SECRET_KEY}"
""").start()
    hides_nothing(front, HOSTS, store)
    # What does not answer cannot have been asked, and nobody may pass by that.
    store.stop()
    status, body = signed_get(front, "/vault/secret", {}, host="decoy.s3.elsewhere")
    assert status == 503 and b"could not be reached" in body
    front.stop()
