"""`pugmark import` takes what trails deliver, what clients print and what people keep, once each."""

import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import uuid

import duckdb
import pytest

from conftest import ACCOUNT, Moto, Pugmark, binary, refused, wait
from test_search import client as searcher, of

BUCKET, TRAIL = "imported", "imported"
SUMMARY = re.compile(r"(\d+) events: (\d+) added, (\d+) there already")


@pytest.fixture(scope="module")
def delivered(tmp_path_factory):
    """A bucket that a trail filled: the server, and LookupEvents' answer on what is in there."""
    moto = Moto().start()
    data = tmp_path_factory.mktemp("import") / "data"
    server = Pugmark(data, "--upstream", moto.endpoint, "--delivery-interval", "1s", "--digest-interval", "3s").start()
    trail, iam = server.client("cloudtrail"), server.client("iam")
    server.client("s3").create_bucket(Bucket=BUCKET)
    trail.create_trail(Name=TRAIL, S3BucketName=BUCKET, S3KeyPrefix="kept", IsMultiRegionTrail=True, EnableLogFileValidation=True)
    trail.start_logging(Name=TRAIL)
    for name in ("alice", "bob"):
        iam.create_user(UserName=name)
    iam.create_access_key(UserName="bob")
    refused(lambda: iam.get_role(RoleName="nobody"), "NoSuchEntity")
    west = server.client("dynamodb", region="us-west-2")
    west.create_table(
        TableName="orders", KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}], BillingMode="PAY_PER_REQUEST")
    server.client("secretsmanager").create_secret(Name="db", SecretString="hunter2")
    server.client("sqs", region="us-west-2").create_queue(QueueName="jobs")
    names = {"CreateUser", "CreateAccessKey", "GetRole", "CreateTable", "CreateSecret", "CreateQueue"}
    wait(lambda: names <= {event["eventName"] for event in records(moto)} and covered(moto))
    # A copy has the signature of every digest but the newest.
    before = len(objects(moto, "CloudTrail-Digest/us-east-1"))
    wait(lambda: len(objects(moto, "CloudTrail-Digest/us-east-1")) > before)
    trail.stop_logging(Name=TRAIL)
    wait(lambda: "StopLogging" in {event["eventName"] for event in records(moto)} and covered(moto))
    server.moto = moto
    yield server
    server.stop()
    moto.stop()


def objects(moto, folder):
    pages = moto.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=f"kept/AWSLogs/{ACCOUNT}/{folder}/").get("Contents", [])
    get = lambda key: moto.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
    return {page["Key"]: get(page["Key"]) for page in pages if page["Key"].endswith(".gz")}


def records(moto):
    """What the log files say, as written."""
    files = objects(moto, "CloudTrail").values()
    return [record for file in files for record in json.loads(gzip.decompress(file))["Records"]]


def covered(moto):
    """Each log file is in a digest."""
    digests = objects(moto, "CloudTrail-Digest").values()
    listed = {log["s3Object"] for digest in digests for log in json.loads(gzip.decompress(digest))["logFiles"]}
    return listed == set(objects(moto, "CloudTrail"))


def copied(moto, folder):
    """The bucket as a folder."""
    for kind in ("CloudTrail", "CloudTrail-Digest"):
        for key, body in objects(moto, kind).items():
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)
    return folder


def imported(data_dir):
    """The rows of the table, as anybody reads it: the files of the Delta log, through DuckDB."""
    table = pathlib.Path(data_dir) / "imports"
    live = {}
    for log in sorted((table / "_delta_log").glob("*.json")):
        for line in log.read_text().splitlines():
            action = json.loads(line)
            if "add" in action:
                live[action["add"]["path"]] = True
            if "remove" in action:
                live.pop(action["remove"]["path"], None)
    paths = [str(table / path.replace("%3D", "=")) for path in live]
    if not paths:
        return []
    columns = ("event_id, epoch(event_time)::bigint as seconds, event_name, event_source, aws_region, username, access_key_id, "
               "read_only, lookup_resources, event")
    found = duckdb.sql(f"select {columns} from read_parquet($paths, hive_partitioning = false)", params={"paths": paths})
    return [dict(zip(found.columns, row)) for row in found.fetchall()]


def run(server, data_dir, *arguments, code=0):
    done = server.pugmark("import", "--data-dir", str(data_dir), *map(str, arguments), check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def counts(output):
    """Events read, added, there already."""
    return tuple(map(int, SUMMARY.search(output).groups()))


def test_a_bucket_that_a_trail_filled(delivered, tmp_path):
    """What is imported is what LookupEvents tells of the same events."""
    expected = {record["eventID"]: record for record in records(delivered.moto)}
    output = run(delivered, tmp_path, f"s3://{BUCKET}", "--verify")
    assert counts(output) == (len(expected), len(expected), 0), output
    assert "0 not" in output and "digests passed over" in output, output
    rows = {row["event_id"]: row for row in imported(tmp_path)}
    assert {key: json.loads(row["event"]) for key, row in rows.items()} == expected
    looked_up = []
    for region in ("us-east-1", "us-west-2"):
        pages = delivered.client("cloudtrail", region=region).get_paginator("lookup_events").paginate()
        looked_up += [event for page in pages for event in page["Events"] if event["EventId"] in expected]
    assert len(looked_up) == len(expected) >= 7
    for event in looked_up:
        row = rows[event["EventId"]]
        assert row["event"] == event["CloudTrailEvent"], "byte for byte"
        assert (row["event_name"], row["event_source"]) == (event["EventName"], event["EventSource"])
        assert row["username"] == event.get("Username"), event
        assert row["access_key_id"] == event.get("AccessKeyId"), event
        assert str(row["read_only"]).lower() == event["ReadOnly"]
        assert row["seconds"] == event["EventTime"].timestamp()
        resources = lambda pairs: sorted((kind or "", name) for kind, name in pairs)
        ours = resources((it["type"], it["name"]) for it in row["lookup_resources"])
        assert ours == resources((it.get("ResourceType"), it["ResourceName"]) for it in event["Resources"]), event

    # Once more: nothing is opened. On request everything is, and nothing is new.
    output = run(delivered, tmp_path, f"s3://{BUCKET}/kept/")
    assert counts(output) == (0, 0, 0) and output.startswith("0 files read, "), output
    output = run(delivered, tmp_path, f"s3://{BUCKET}", "--again")
    assert counts(output) == (len(expected), 0, len(expected)), output
    assert sorted(row["event_id"] for row in imported(tmp_path)) == sorted(expected)


def test_what_clients_print_and_people_keep(delivered, tmp_path):
    expected = {record["eventID"] for record in records(delivered.moto)}
    forms = tmp_path / "forms"
    forms.mkdir()
    events = records(delivered.moto)
    looked_up = delivered.cli("cloudtrail", "lookup-events", "--region", "us-east-1").stdout
    (forms / "lookup-events").write_text(looked_up)
    (forms / "lines").write_text("".join(json.dumps(event) + "\n" for event in events[:5]))
    (forms / "pretty.json").write_text(json.dumps(events, indent=4))
    (forms / "two-members").write_bytes(
        gzip.compress(json.dumps({"Records": events[:3]}).encode()) + gzip.compress(json.dumps({"Records": events[3:]}).encode()))
    data = tmp_path / "data"
    output = run(delivered, data, forms)
    rows = imported(data)
    found = [row["event_id"] for row in rows]
    assert len(found) == len(set(found)) and expected <= set(found)
    assert {event["EventId"] for event in json.loads(looked_up)["Events"]} <= set(found)
    read, added, known = counts(output)
    assert added == len(found) and read == added + known
    assert all("\n" not in row["event"] for row in rows)


def test_damage_is_named_and_the_rest_is_there(delivered, tmp_path):
    folder = copied(delivered.moto, tmp_path / "copy")
    files = sorted(folder.rglob("CloudTrail/us-*/**/*.gz"))
    whole = {record["eventID"] for record in records(delivered.moto)}
    cut, broken = files[0], files[-1]
    lost = {record["eventID"] for record in json.loads(gzip.decompress(cut.read_bytes()))["Records"]}
    cut.write_bytes(cut.read_bytes()[:-40])
    text = json.loads(gzip.decompress(broken.read_bytes()))
    lost.add(text["Records"][0]["eventID"])
    del text["Records"][0]["eventTime"]
    broken.write_bytes(gzip.compress(json.dumps(text).encode()))
    (folder / "notes.txt").write_text("not a log file")
    report = tmp_path / "report.ndjson"
    output = run(delivered, tmp_path / "data", folder, "--report", report, code=1)
    lines = [json.loads(line) for line in report.read_text().splitlines()]
    told = {(pathlib.Path(line["file"]).name, line["reason"]) for line in lines}
    assert {(cut.name, "cut off"), (broken.name, "no eventTime"), ("notes.txt", "damaged")} == told, lines
    for name in (cut.name, broken.name, "notes.txt", "1 × no eventTime"):
        assert name in output, output
    found = {row["event_id"] for row in imported(tmp_path / "data")}
    assert whole - lost <= found <= whole


def test_a_file_that_is_not_what_its_digest_says_is_refused(delivered, tmp_path):
    folder = copied(delivered.moto, tmp_path / "copy")
    victim = sorted(folder.rglob("CloudTrail/us-east-1/**/*.gz"))[0]
    text = gzip.decompress(victim.read_bytes()).replace(b"CreateTrail", b"DeleteTrail").replace(b"us-east-1", b"us-east-2")
    victim.write_bytes(gzip.compress(text))
    output = run(delivered, tmp_path / "data", folder, "--verify", code=1)
    assert f"{victim.name} at byte 0: INVALID: hash value doesn't match" in output, output
    rows = imported(tmp_path / "data")
    assert rows and not any(row["aws_region"] == "us-east-2" for row in rows)
    # Without the question it is taken.
    run(delivered, tmp_path / "all", folder)
    assert any(row["aws_region"] == "us-east-2" for row in imported(tmp_path / "all"))
    shutil.rmtree(folder / "kept" / "AWSLogs" / ACCOUNT / "CloudTrail-Digest")
    assert "there is no digest" in run(delivered, tmp_path / "none", folder, "--verify", code=2)


def test_a_running_server_finds_them_whatever_their_age(alone, tmp_path):
    records = [{
        "eventVersion": "1.05", "userIdentity": {"type": "IAMUser", "accountId": ACCOUNT, "userName": f"user-{number}"},
        "eventTime": f"2019-0{number}-01T00:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
        "awsRegion": "us-east-1", "eventID": str(uuid.UUID(int=number, version=4)), "readOnly": False, "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT, "requestParameters": {"userName": f"made-{number}"}, "responseElements": None}
        for number in (1, 2, 3)]
    (tmp_path / "old.json").write_text(json.dumps({"Records": records}))
    assert counts(run(alone, alone.data_dir, tmp_path / "old.json")) == (3, 3, 0)
    search = lambda **more: searcher(alone).search_events(Filters=[of("EventName", "CreateUser")], **more)["Events"]
    for found in (search(), search(Origins=["Imported"])):
        assert [event["Origin"] for event in found] == ["Imported"] * 3
        assert [json.loads(event["CloudTrailEvent"]) for event in found] == records[::-1]
    assert search(Origins=["Recorded"]) == []
    one = searcher(alone).search_events(Filters=[of("ResourceName", "made-2"), of("Username", "user-2")])["Events"]
    assert [event["EventId"] for event in one] == [records[1]["eventID"]]
    # The next import is seen at once.
    late = dict(records[0], eventID=str(uuid.uuid4()), eventTime="2020-01-01T00:00:00Z")
    (tmp_path / "late.json").write_text(json.dumps(late))
    run(alone, alone.data_dir, tmp_path / "late.json")
    assert search()[0]["EventId"] == late["eventID"]


def test_a_large_object_is_read_as_a_stream(alone, tmp_path):
    count = 5000
    lines = [json.dumps({
        "eventVersion": "1.11", "eventTime": "2026-01-19T21:17:28Z", "eventSource": "iam.amazonaws.com", "eventName": "CreateUser",
        "eventID": str(uuid.UUID(int=number, version=4)), "requestParameters": {"userName": os.urandom(300).hex()}})
        for number in range(count)]
    s3 = alone.client("s3")
    s3.create_bucket(Bucket="large")
    for key, body in (("plain", "\n".join(lines).encode()), ("packed.gz", gzip.compress("\n".join(lines).encode()))):
        assert len(body) > 1 << 20
        s3.put_object(Bucket="large", Key=key, Body=body)
    output = run(alone, tmp_path, "s3://large/", "--account", ACCOUNT, "--region", "eu-west-1")
    assert counts(output) == (2 * count, count, count), output
    assert {(row["aws_region"], row["event_name"]) for row in imported(tmp_path)} == {("eu-west-1", "CreateUser")}
    assert "there is no" not in run(alone, tmp_path, "s3://large/none", code=0)
    assert "NoSuchBucket" in run(alone, tmp_path, "s3://nowhere/", code=2)


def test_stopped_it_goes_on_there(alone, tmp_path):
    """Ctrl-C commits what was read; the next import reads the rest, and nobody is in there twice."""
    template = {
        "eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": ACCOUNT}, "eventTime": "", "awsRegion": "us-east-1",
        "eventSource": "iam.amazonaws.com", "eventName": "CreateUser", "eventID": "", "eventType": "AwsApiCall", "readOnly": False,
        "recipientAccountId": ACCOUNT, "requestParameters": {"userName": "u" * 300},
    }
    folder, total = tmp_path / "many", 0
    folder.mkdir()
    for number in range(400):
        events = []
        for second in range(250):
            total += 1
            events.append({**template, "eventID": str(uuid.UUID(int=total, version=4)),
                           "eventTime": f"2026-0{1 + number % 9}-01T00:{second // 60:02}:{second % 60:02}Z"})
        (folder / f"{number:03}.json").write_text(json.dumps({"Records": events}))
    command = [str(binary()), "import", str(folder), "--data-dir", str(tmp_path / "data")]
    stopped = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait(lambda: (tmp_path / "data" / "imports" / ".lock").exists())
    time.sleep(0.7)
    # It holds its lock, and does not come to an end before it is told to stop, however fast it is.
    stopped.send_signal(signal.SIGSTOP)
    second = alone.pugmark(*command[1:], check=False)
    assert second.returncode == 2 and "another" in second.stderr, second.stderr
    stopped.send_signal(signal.SIGINT)
    stopped.send_signal(signal.SIGCONT)
    output = stopped.communicate(timeout=60)[0]
    assert stopped.returncode == 1 and "the same command goes on from here" in output, output
    read, added, known = counts(output)
    assert 0 < added == read < total and known == 0, output
    output = run(alone, tmp_path / "data", folder)
    assert counts(output)[1] == total - added, output
    assert counts(output)[2] < total / 10, output
    rows = imported(tmp_path / "data")
    assert len(rows) == len({row["event_id"] for row in rows}) == total
