"""SearchEvents, CountEvents, ExportEvents: with boto3 through the additions to its models in docs/api/botocore, with the AWS CLI,
and with `pugmark lookup` and `pugmark export`."""

import csv
import http.client
import io
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.request

import boto3
import botocore.session
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from conftest import ACCESS_KEY, ACCOUNT, ROOT, SECRET_KEY, Pugmark, binary, damage_history, refused, wait

MODELS = ROOT / "docs" / "api" / "botocore"
MEMBER, SECRET = "AKIAMEMBERMEMBERMEMB", "member/secret/member/secret/member/secret"
MEMBER_ACCOUNT = "222233334444"
DELEGATE, DELEGATE_ACCOUNT = "AKIADELEGATEDELEGATE", "333344445555"
STRANGER, STRANGER_ACCOUNT = "AKIASTRANGESTRANGEST", "999988887777"


def client(server, region="us-east-1", key=ACCESS_KEY, secret=SECRET_KEY):
    """CloudTrail's client with Pugmark's own operations."""
    core = botocore.session.Session()
    core.set_config_variable("data_path", str(MODELS))
    made = boto3.session.Session(botocore_session=core).client(
        "cloudtrail", region_name=region, endpoint_url=server.endpoint, aws_access_key_id=key, aws_secret_access_key=secret,
        config=Config(retries={"max_attempts": 0}))

    def keep_body(response_dict, customized_response_dict, **_):
        if response_dict["status_code"] < 300:
            customized_response_dict["Body"] = response_dict["body"]
            response_dict["body"] = b""
    made.meta.events.register("before-parse.cloudtrail.ExportEvents", keep_body)
    return made


def names(events):
    return [event["EventName"] for event in events]


def of(field, *values, operator="Equals"):
    return {"Field": field, "Operator": operator, "Values": list(values)}


def buckets(server, count, prefix="bucket"):
    s3 = server.client("s3")
    for number in range(count):
        s3.create_bucket(Bucket=f"{prefix}-{number:04}")


def principal(account, key, policy='["AdministratorAccess"]'):
    return f"""
[[principals]]
access_key_id = "{key}"
secret_access_key = "{SECRET}"
arn = "arn:aws:iam::{account}:user/member"
policies = {policy}
"""


@pytest.fixture
def filled(alone):
    buckets(alone, 5)
    s3 = alone.client("s3")
    with pytest.raises(ClientError):
        s3.get_bucket_policy(Bucket="bucket-0001")
    alone.client("s3", region="eu-central-1").list_buckets()
    return alone


def test_several_conditions_hold_at_once(filled):
    search = lambda **question: client(filled).search_events(**question)["Events"]
    own = of("EventName", "SearchEvents", operator="NotEquals")
    made = [of("eventName", "CreateBucket")]
    assert names(search(Filters=made)) == ["CreateBucket"] * 5
    event = search(Filters=made + [of("requestParameters.bucketName", "bucket-0003")])[0]
    record = json.loads(event["CloudTrailEvent"])
    assert (event["AccountId"], event["Region"], event["Origin"]) == (ACCOUNT, "us-east-1", "Recorded")
    assert (record["eventID"], record["requestParameters"]["bucketName"]) == (event["EventId"], "bucket-0003")
    assert {"ResourceType": "AWS::S3::Bucket", "ResourceName": "bucket-0003"} in event["Resources"]

    count = lambda *filters, **more: len(search(Filters=list(filters), **more))
    bucket = "requestParameters.bucketName"
    assert count(*made, of(bucket, "bucket-0001", "bucket-0002")) == 2
    assert count(*made, of(bucket, "bucket-0001", operator="NotEquals")) == 4
    assert count(*made, of(bucket, "bucket", operator="StartsWith")) == 5
    assert count(*made, of(bucket, "3", "4", operator="EndsWith")) == 2
    assert count(*made, of(bucket, "et-000", operator="Contains")) == 5
    assert count(*made, of(bucket, "et-000", operator="NotContains")) == 0
    assert count({"Field": "errorCode", "Operator": "Exists"}) == 1
    assert count({"Field": "errorCode", "Operator": "NotExists"}, *made) == 5
    assert count(of("ReadOnly", "false"), of("eventSource", "s3.amazonaws.com")) == 5
    assert count(of("resources.ARN", "arn:aws:s3:::bucket-0002")) == count(of("resourcename", "arn:aws:s3:::bucket-0002")) >= 1
    assert names(search(Text="NOSUCHBUCKETPOLICY bucket-0001")) == ["GetBucketPolicy"]
    assert names(search(Text='"bucket 0001"', Filters=[own])) == []
    # Another Region is another question; all Regions are asked for by *.
    assert "ListBuckets" not in names(search(Filters=[own]))
    assert "ListBuckets" in names(search(Filters=[own], Regions=["*"]))
    assert names(search(Filters=[own], Regions=["eu-central-1"])) == ["ListBuckets"]


def test_pages_in_each_order_and_over_restarts(filled):
    question = dict(Filters=[of("EventName", "CreateBucket")], MaxResults=2)
    names_of = lambda events: [json.loads(event["CloudTrailEvent"])["requestParameters"]["bucketName"] for event in events]
    expected = [f"bucket-{number:04}" for number in range(5)]
    trail = client(filled)
    first = trail.search_events(**question, Order="OldestFirst")
    filled.stop()
    filled.start()
    buckets(filled, 1, "later")
    trail = client(filled)
    pages = trail.get_paginator("search_events").paginate(**{**question, "Order": "OldestFirst"})
    assert names_of(event for page in pages for event in page["Events"])[:5] == expected
    second = trail.search_events(**question, Order="OldestFirst", NextToken=first["NextToken"])
    assert names_of(first["Events"] + second["Events"]) == expected[:4]
    newest = []
    for page in trail.get_paginator("search_events").paginate(**question):
        newest += names_of(page["Events"])
        buckets(filled, 1, f"meanwhile{len(newest)}")
    assert newest[-5:] == expected[::-1] and newest[0] == "later-0000" and len(newest) == 6
    refused(lambda: trail.search_events(**question, NextToken=first["NextToken"]), "InvalidNextTokenException")


def test_arrival_tells_everything_once(alone):
    trail = client(alone)
    follow = dict(Order="Arrival", Filters=[of("EventName", "CreateBucket")], WaitSeconds=5)
    # Without a start it begins now.
    buckets(alone, 2, "before")
    page = trail.search_events(**{**follow, "WaitSeconds": 0})
    assert page["Events"] == []
    seen, stop = [], threading.Event()

    def read(token):
        while not stop.is_set() or token is not None:
            answer = trail.search_events(**follow, NextToken=token)
            seen.extend(json.loads(event["CloudTrailEvent"])["requestParameters"]["bucketName"] for event in answer["Events"])
            token = answer["NextToken"]
            if stop.is_set() and not answer["Events"]:
                return
    reader = threading.Thread(target=read, args=(page["NextToken"],))
    reader.start()
    writers = [threading.Thread(target=buckets, args=(alone, 20, f"writer{number}")) for number in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    begun = time.monotonic()
    wait(lambda: len(seen) >= 60)
    assert time.monotonic() - begun < 3, "it answers when something happens, not when its time is over"
    stop.set()
    reader.join()
    assert len(seen) == 60 and len(set(seen)) == 60


def test_counts(filled):
    trail = client(filled)
    s3 = [of("eventSource", "s3.amazonaws.com")]
    counts = trail.count_events(Filters=s3, CountBy="EventName", Regions=["*"])
    assert counts["Total"] == 7
    assert [(value["Value"], value["Count"]) for value in counts["Values"]] == [
        ("CreateBucket", 5), ("GetBucketPolicy", 1), ("ListBuckets", 1)]
    assert (counts["OtherCount"], counts["MissingCount"], counts["ValuesTruncated"]) == (0, 0, False)
    counts = trail.count_events(Filters=s3, CountBy="requestParameters.bucketName", MaxValues=1, Regions=["*"])
    assert counts["Values"] == [{"Value": "bucket-0001", "Count": 2}]
    assert (counts["OtherCount"], counts["MissingCount"]) == (4, 1)
    histogram = trail.count_events(Filters=s3, IntervalSeconds=86400, Regions=["*"])["Histogram"]
    assert sum(entry["Count"] for entry in histogram) == 7 and histogram[0]["Time"].hour == 0
    assert "Values" not in trail.count_events(Filters=s3)


def test_calls_are_recorded_as_reads(filled):
    trail = client(filled)
    trail.search_events(Filters=[of("EventName", "CreateBucket")], Text="needle", MaxResults=3)
    trail.count_events(CountBy="EventName")
    trail.export_events(Format="CSV")["Body"].read()
    for name in ["SearchEvents", "CountEvents", "ExportEvents"]:
        event = wait(lambda: trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": name}])["Events"])[-1]
        record = json.loads(event["CloudTrailEvent"])
        assert (record["eventSource"], record["readOnly"], record["managementEvent"]) == ("cloudtrail.amazonaws.com", True, True)
        assert (record["eventCategory"], record["responseElements"]) == ("Management", None)
        if name == "SearchEvents":
            assert record["requestParameters"] == {
                "filters": [{"field": "EventName", "operator": "Equals", "values": ["CreateBucket"]}], "text": "needle", "maxResults": 3}


def test_who_sees_what(tmp_path):
    deny = """['{"Statement":[{"Effect":"Allow","Action":"cloudtrail:LookupEvents","Resource":"*"},{"Effect":"Deny","Action":"cloudtrail:ExportEvents","Resource":"*"}]}']"""
    config = f"""
[organization]
id = "o-settings00"
members = ["{MEMBER_ACCOUNT}", "{DELEGATE_ACCOUNT}"]
""" + principal(MEMBER_ACCOUNT, MEMBER) + principal(DELEGATE_ACCOUNT, DELEGATE) + principal(STRANGER_ACCOUNT, STRANGER)
    config += principal(MEMBER_ACCOUNT, "AKIANOEXPORTNOEXPORT", deny) + principal(MEMBER_ACCOUNT, "AKIANOTHINGNOTHINGNO", '["{}"]'.replace(
        "{}", '{\\"Statement\\":[]}'))
    server = Pugmark(tmp_path / "data", config=config).start()
    try:
        for key in [MEMBER, DELEGATE, STRANGER]:
            server.client("s3", aws_access_key_id=key, aws_secret_access_key=SECRET).list_buckets()
        server.client("s3").list_buckets()
        lists = dict(Filters=[of("EventName", "ListBuckets")])

        def seen(key, secret=SECRET, **more):
            return {event["AccountId"] for event in client(server, key=key, secret=secret).search_events(**lists, **more)["Events"]}
        root = (ACCESS_KEY, SECRET_KEY)
        assert seen(*root) == {ACCOUNT}
        assert seen(*root, Accounts=["*"]) == {ACCOUNT, MEMBER_ACCOUNT, DELEGATE_ACCOUNT}
        assert seen(*root, Accounts=[MEMBER_ACCOUNT]) == {MEMBER_ACCOUNT}
        assert seen(MEMBER, Accounts=["*"]) == {MEMBER_ACCOUNT}
        refused(lambda: seen(MEMBER, Accounts=[ACCOUNT]), "AccessDeniedException")
        refused(lambda: seen(*root, Accounts=[STRANGER_ACCOUNT]), "AccessDeniedException")
        refused(lambda: client(server, key=MEMBER, secret=SECRET).count_events(Accounts=[ACCOUNT]), "AccessDeniedException")
        refused(lambda: client(server, key=MEMBER, secret=SECRET).export_events(Accounts=[ACCOUNT]), "AccessDeniedException")
        # A delegated administrator sees members from the moment that it is one.
        assert seen(DELEGATE, Accounts=["*"]) == {DELEGATE_ACCOUNT}
        server.client("cloudtrail").register_organization_delegated_admin(MemberAccountId=DELEGATE_ACCOUNT)
        assert seen(DELEGATE, Accounts=["*"]) == {ACCOUNT, MEMBER_ACCOUNT, DELEGATE_ACCOUNT}
        # The right to look up is the right to search; a denial by name counts.
        limited = client(server, key="AKIANOEXPORTNOEXPORT", secret=SECRET)
        assert limited.search_events(**lists)["Events"]
        refused(lambda: limited.export_events(), "AccessDeniedException")
        refused(lambda: client(server, key="AKIANOTHINGNOTHINGNO", secret=SECRET).search_events(), "AccessDeniedException")
    finally:
        server.stop()


def test_imported_events_are_found_and_marked(alone, tmp_path):
    """Events of a log file, two years old, of two accounts and of every kind, beside recorded ones."""
    def record(number, name, account=ACCOUNT, category="Management", **more):
        return {
            "eventVersion": "1.08", "userIdentity": {"type": "IAMUser", "userName": "carol", "accountId": account},
            "eventTime": f"2024-03-01T10:00:{number:02}Z", "eventSource": "s3.amazonaws.com", "eventName": name,
            "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.9", "userAgent": "x", "requestParameters": {"bucketName": f"old-{number}"},
            "responseElements": None, "requestID": "1", "eventID": f"00000000-0000-4000-8000-0000000000{number:02}", "readOnly": False,
            "eventType": "AwsApiCall", "managementEvent": category == "Management", "recipientAccountId": account,
            "eventCategory": category, **more}
    records = [record(number, "CreateBucket") for number in range(8)] + [
        record(20, "PutObject", category="Data"), record(21, "CreateBucket", account=MEMBER_ACCOUNT)]
    log = tmp_path / "log.json"
    log.write_text(json.dumps({"Records": records}))
    buckets(alone, 2)
    done = subprocess.run([str(binary()), "import", "--data-dir", str(alone.data_dir), str(log)],
                          env=alone.cli_environment(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    trail = client(alone)
    made = dict(Filters=[of("EventName", "CreateBucket")])
    origins = lambda **more: [event["Origin"] for event in trail.search_events(**made, **more)["Events"]]
    assert origins() == ["Recorded"] * 2 + ["Imported"] * 8
    assert origins(Order="OldestFirst") == ["Imported"] * 8 + ["Recorded"] * 2
    assert origins(Origins=["Imported"]) == ["Imported"] * 8 and origins(Origins=["Recorded"]) == ["Recorded"] * 2
    assert names(trail.search_events(EventCategories=["Data"])["Events"]) == ["PutObject"]
    pages = trail.get_paginator("search_events").paginate(**made, MaxResults=3)
    assert [event["Origin"] for page in pages for event in page["Events"]] == ["Recorded"] * 2 + ["Imported"] * 8
    assert trail.count_events(**made, CountBy="sourceIPAddress")["Values"] == [
        {"Value": "192.0.2.9", "Count": 8}, {"Value": "127.0.0.1", "Count": 2}]
    assert len(trail.search_events(Text="old-3")["Events"]) == 1
    # Following is about what is recorded.
    assert trail.search_events(**made, Order="Arrival", StartTime=0)["Events"][-1]["Origin"] == "Recorded"
    # The server's own root credentials see imported events of any account, recorded ones of theirs alone.
    refused(lambda: trail.search_events(Accounts=[MEMBER_ACCOUNT]), "AccessDeniedException")
    everyones = trail.search_events(**made, Accounts=["*"])["Events"]
    assert [event["AccountId"] for event in everyones] == [ACCOUNT] * 2 + [MEMBER_ACCOUNT] + [ACCOUNT] * 8
    theirs = dict(Accounts=[MEMBER_ACCOUNT], Origins=["Imported"])
    assert names(trail.search_events(**theirs)["Events"]) == ["CreateBucket"] and trail.count_events(**theirs)["Total"] == 1
    rows = list(csv.DictReader(io.StringIO(trail.export_events(**made, Format="CSV")["Body"].read().decode(), newline="")))
    assert [row["origin"] for row in rows] == ["Recorded"] * 2 + ["Imported"] * 8
    assert len(alone.pugmark("lookup", "--origin", "imported", "--event", "CreateBucket", "--json").stdout.splitlines()) == 8


def test_exports_hold_the_same_events(filled):
    trail = client(filled)
    question = dict(Filters=[of("eventSource", "s3.amazonaws.com")], Regions=["*"])
    records = [event["CloudTrailEvent"] for event in trail.search_events(**question)["Events"]]
    assert len(records) == 7

    def export(format, **more):
        answer = trail.export_events(**question, Format=format, **more)
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        assert headers["transfer-encoding"] == "chunked" and f".{format.lower()}" in headers["content-disposition"]
        return answer["Body"].read()
    assert export("NDJSON").decode().splitlines() == records
    assert export("NDJSON", Order="OldestFirst").decode().splitlines() == records[::-1]
    assert json.loads(export("JSON")) == {"Records": [json.loads(record) for record in records]}
    rows = list(csv.DictReader(io.StringIO(export("CSV").decode(), newline="")))
    assert [row["eventID"] for row in rows] == [json.loads(record)["eventID"] for record in records]
    assert rows[0]["sourceIPAddress"] == "127.0.0.1" and rows[0]["origin"] == "Recorded"


def test_others_read_the_parquet_export(filled, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    trail = client(filled)
    question = dict(Filters=[of("eventSource", "s3.amazonaws.com")], Regions=["*"])
    records = [event["CloudTrailEvent"] for event in trail.search_events(**question)["Events"]]
    (tmp_path / "events.parquet").write_bytes(trail.export_events(**question, Format="PARQUET")["Body"].read())
    found = duckdb.sql(f"select event, aws_region from '{tmp_path}/events.parquet'").fetchall()
    assert [event for event, _ in found] == records and {region for _, region in found} == {"us-east-1", "eu-central-1"}


def test_an_export_that_breaks_off_does_not_look_whole(tmp_path):
    server = Pugmark(tmp_path / "data").start()
    try:
        buckets(server, 10, "old")
        server.stop()
        old = set((tmp_path / "data" / "events").rglob("*.parquet"))
        # Event times have whole seconds: the files must not overlap.
        time.sleep(1.1)
        server.start()
        buckets(server, 260, "new")
        server.stop()
        # On one processor nothing is read ahead.
        processors = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(processors)})
        server.start()
        os.sched_setaffinity(0, processors)
        # The oldest file cannot be opened: a system's error, not damage. The first page does not need it.
        assert old
        for path in old:
            path.unlink()
            path.symlink_to(path)
        trail = client(server)
        question = dict(Filters=[of("EventName", "CreateBucket")], Format="NDJSON")
        body = trail.export_events(**question)["Body"]
        head = body.read(100)
        assert head.startswith(b"{")
        with pytest.raises(Exception) as broken:
            body.read()
        assert "IncompleteRead" in repr(broken.value) or "ended prematurely" in str(broken.value) or "Connection broken" in str(broken.value)
        target = tmp_path / "out.ndjson"
        done = server.pugmark("export", str(target), "--filter", "eventName=CreateBucket", check=False)
        assert done.returncode == 2 and "broke off" in done.stderr, done.stderr
        assert not target.exists() and list(tmp_path.glob("out*")) == []
    finally:
        server.kill()


def test_a_search_ends_with_its_caller(filled):
    """The call is recorded although nobody waits for it any more."""
    raw = http.client.HTTPConnection("127.0.0.1", filled.port)
    trail = client(filled)

    class Left(Exception):
        pass

    def leave(request, **_):
        text = lambda value: value.decode() if isinstance(value, bytes) else value
        raw.request("POST", "/", body=request.body, headers={key: text(value) for key, value in request.headers.items()})
        time.sleep(0.3)
        raw.close()
        raise Left
    trail.meta.events.register("before-send.cloudtrail.SearchEvents", leave)
    begun = time.monotonic()
    with pytest.raises(Left):
        trail.search_events(Order="Arrival", Filters=[of("EventName", "NeverHappens")], WaitSeconds=20)
    found = wait(lambda: [
        event for event in client(filled).search_events(Filters=[of("errorCode", "RequestAborted")])["Events"]], seconds=10)
    assert time.monotonic() - begun < 10 and names(found) == ["SearchEvents"]


def test_the_command_line(filled):
    look = lambda *arguments, **more: filled.pugmark("lookup", *arguments, **more).stdout
    assert look("--filter", "eventName=CreateBucket", "--filter", "requestParameters.bucketName=*3|*4").count("CreateBucket") == 2
    assert "GetBucketPolicy" in look("--errors") and "failed: NoSuchBucketPolicy" in look("--text", "nosuchbucketpolicy", "--source", "s3")
    everywhere = look("--region", "*", "--event", "ListBuckets")
    assert "eu-central-1" in everywhere and everywhere.startswith("TIME")
    assert filled.pugmark("lookup", "--event", "ListBuckets", check=False).returncode == 1
    oldest = json.loads(look("--event", "CreateBucket", "--oldest-first", "-n", "2", "--output", "json"))
    assert [record["requestParameters"]["bucketName"] for record in oldest["Records"]] == ["bucket-0000", "bucket-0001"]
    assert len(look("--event", "CreateBucket", "--output", "ndjson", "--since", "1h").splitlines()) == 5
    assert re.search(r"^ +5  CreateBucket$", look("--count-by", "EventName", "--oldest-first"), re.M)
    assert look("--count-by", "eventName", "--filter", "!errorCode", "--per", "1d", "--source", "s3").strip().endswith("5  events in all")
    wrong = filled.pugmark("lookup", "--filter", "a=b*c", check=False)
    assert wrong.returncode == 2 and "beginning or end" in wrong.stderr
    wrong = filled.pugmark("lookup", "--filter", "a..b=c", check=False)
    assert wrong.returncode == 2 and "InvalidLookupAttributesException" in wrong.stderr
    denied = filled.pugmark("lookup", "--account", STRANGER_ACCOUNT, check=False)
    assert denied.returncode == 2 and "AccessDeniedException" in denied.stderr


def test_follow(alone):
    command = [str(binary()), "lookup", "--follow", "--writes", "--source", "s3", "--json"]
    following = subprocess.Popen(command, env=alone.cli_environment(), stdout=subprocess.PIPE, text=True)
    try:
        # Nothing tells when it has begun: buckets are made until it shows one, and from that one on none may be missing.
        made = []

        def make():
            while len(made) < 200 and not done.is_set():
                name = f"bucket-{len(made):04}"
                alone.client("s3").create_bucket(Bucket=name)
                made.append(name)
        done = threading.Event()
        maker = threading.Thread(target=make)
        maker.start()
        seen = [json.loads(following.stdout.readline())["requestParameters"]["bucketName"] for _ in range(30)]
        done.set()
        maker.join()
        first = int(seen[0][-4:])
        assert seen == [f"bucket-{number:04}" for number in range(first, first + 30)]
    finally:
        following.kill()
        following.wait()


def test_follow_goes_on_over_a_restart(alone):
    """Also: who waits for events does not hold up a shutdown."""
    following = subprocess.Popen(
        [str(binary()), "lookup", "--follow", "--event", "CreateBucket", "--since", "1h", "--json"], env=alone.cli_environment(),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    seen = lambda count: [json.loads(following.stdout.readline())["requestParameters"]["bucketName"] for _ in range(count)]
    try:
        buckets(alone, 3, "first")
        assert seen(3) == ["first-0000", "first-0001", "first-0002"]
        begun = time.monotonic()
        alone.stop()
        assert time.monotonic() - begun < 10
        alone.start()
        buckets(alone, 3, "second")
        assert seen(3) == ["second-0000", "second-0001", "second-0002"]
    finally:
        following.kill()
        assert "trying again" in following.communicate()[1]


def test_a_server_without_search(moto):
    """LookupEvents answers what it can; the rest is refused in words. moto answers LookupEvents with an error of its own."""
    environment = {**os.environ, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "y", "AWS_DEFAULT_REGION": "us-east-1"}
    run = lambda *flags: subprocess.run(
        [str(binary()), "lookup", "--endpoint-url", moto.endpoint, *flags], env=environment, capture_output=True, text=True, timeout=60)
    done = run("--text", "x")
    assert done.returncode == 2 and "--text needs SearchEvents" in done.stderr, done.stderr


def test_export_command(filled, tmp_path):
    target = tmp_path / "events.csv"
    done = filled.pugmark("export", str(target), "--source", "s3", "--region", "*")
    rows = list(csv.DictReader(target.open(newline="")))
    assert len(rows) == 7 and rows[0]["eventSource"] == "s3.amazonaws.com", done.stderr
    lines = filled.pugmark("export", "-", "--event", "CreateBucket", "--oldest-first").stdout.splitlines()
    assert [json.loads(line)["requestParameters"]["bucketName"] for line in lines] == [f"bucket-{number:04}" for number in range(5)]
    assert not list(tmp_path.glob("*.part"))


def test_a_hostile_event_is_no_formula(alone, tmp_path):
    hostile = alone.client("s3", config=Config(user_agent="=HYPERLINK(\"http://evil\")"))
    hostile.list_buckets()
    target = tmp_path / "events.csv"
    alone.pugmark("export", str(target), "--event", "ListBuckets")
    rows = list(csv.DictReader(target.open(newline="")))
    assert rows[0]["userAgent"].startswith("'=HYPERLINK")


def test_the_aws_cli_searches(filled):
    environment = {"AWS_DATA_PATH": str(MODELS)}
    run = subprocess.run(
        [sys.executable, "-m", "awscli", "--endpoint-url", filled.endpoint, "cloudtrail", "search-events", "--filters",
         "Field=eventName,Operator=StartsWith,Values=Create", "--regions", "*", "--query", "Events[].EventName"],
        env={**filled.cli_environment(), **environment}, capture_output=True, text=True, timeout=120)
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout) == ["CreateBucket"] * 5


def test_both_models_say_the_same():
    """The Smithy model and the additions for botocore have the same members and values."""
    smithy = re.sub(r"//.*", "", (ROOT / "docs" / "api" / "search.smithy").read_text())
    extras = json.loads((MODELS / "cloudtrail" / "2013-11-01" / "service-2.sdk-extras.json").read_text())["merge"]
    question = set(re.findall(r"^    (\w+): ", smithy.split("structure SearchQuestion {")[1].split("\n}")[0], re.M))
    for name in extras["operations"]:
        operation = smithy.split(f"operation {name} {{")[1].split("\n}")[0]
        given, answer = operation.split("output := {")
        members = question | set(re.findall(r"^        (\w+): ", given, re.M))
        assert members == set(extras["shapes"][f"{name}Request"]["members"]), name
        members = set(re.findall(r"^        (\w+): ", answer.split("\n    }")[0], re.M))
        assert members == set(extras["shapes"][f"{name}Response"]["members"]), name
    for name in ["SearchOperator", "SearchOrder", "EventOrigin", "ExportFormat", "SearchEventCategory"]:
        values = re.findall(r'= "(\w+)"', smithy.split(f"enum {name} {{")[1].split("\n}")[0])
        assert values == extras["shapes"][name]["enum"], name


def test_missing_events_of_a_damaged_file_are_told(tmp_path):
    server = Pugmark(tmp_path / "data").start()
    try:
        buckets(server, 3, "old")
        server.stop()
        files = damage_history(server)
        told = {"DamagedFileCount": len(files), "DamagedFiles": sorted(str(file.relative_to(tmp_path / "data")) for file in files)}
        server.start()
        buckets(server, 2, "new")
        trail = client(server)
        question = dict(Filters=[of("EventName", "CreateBucket")], Regions=["*"])
        answer = trail.search_events(**question)
        assert names(answer["Events"]) == ["CreateBucket"] * 2 and answer["Incomplete"] == told
        answer = trail.count_events(**question, CountBy="EventName")
        assert answer["Total"] == 2 and answer["Incomplete"] == told
        assert "Incomplete" not in trail.search_events(Regions=["ap-south-1"])
        refused(lambda: trail.export_events(**question), "IncompleteHistoryException")
        lines = trail.export_events(**question, AllowIncomplete=True)["Body"].read().splitlines()
        assert len(lines) == 2

        done = server.pugmark("lookup", "--event", "CreateBucket", "--json")
        assert len(done.stdout.splitlines()) == 2 and done.stderr.startswith("warning: events are missing"), done.stderr
        assert told["DamagedFiles"][0] in done.stderr
        done = server.pugmark("lookup", "--count-by", "EventName")
        assert done.stderr.startswith("warning: events are missing"), done.stderr
        target = tmp_path / "events.ndjson"
        done = server.pugmark("export", str(target), "--event", "CreateBucket", check=False)
        assert done.returncode == 2 and "--allow-incomplete" in done.stderr and not target.exists(), done.stderr
        server.pugmark("export", str(target), "--event", "CreateBucket", "--allow-incomplete")
        assert len(target.read_text().splitlines()) == 2
        with urllib.request.urlopen(f"{server.admin}/-/metrics") as metrics:
            assert f"pugmark_history_damaged_files {len(files)}" in metrics.read().decode()
    finally:
        server.kill()
