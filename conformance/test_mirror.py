"""Copies of event tables in a bucket, read by another program (delta-rs) over S3, and put back on another day."""

import gzip
import json
import subprocess
import uuid

import pytest
from deltalake import DeltaTable

from conftest import ACCESS_KEY, SECRET_KEY, Pugmark, wait

MIRROR = '[history]\nmirror = "s3://lake/pugmark"\n'


def over_s3(endpoint, table):
    options = {"AWS_ENDPOINT_URL": endpoint, "AWS_ALLOW_HTTP": "true", "AWS_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY}
    return DeltaTable(f"s3://lake/pugmark/{table}", storage_options=options)


def rows_of(table):
    return sorted((row["event_id"], row["event"]) for row in table.to_pyarrow_table().to_pylist())


def imported(folder, count):
    """Log files of another trail."""
    records = [{"eventVersion": "1.11", "userIdentity": {"type": "Root", "accountId": "210987654321"}, "awsRegion": "eu-west-1",
                "eventTime": "2026-11-01T00:00:00Z", "eventSource": "iam.amazonaws.com", "eventName": f"CreateUser{number}",
                "eventID": str(uuid.uuid4()), "eventType": "AwsApiCall", "recipientAccountId": "210987654321",
                "eventCategory": "Management", "managementEvent": True, "readOnly": False} for number in range(count)]
    folder.mkdir()
    (folder / "log.json.gz").write_bytes(gzip.compress(json.dumps({"Records": records}).encode()))
    return {record["eventID"] for record in records}


@pytest.mark.parametrize("where", ["embedded", "upstream"])
def test_another_program_reads_the_mirror(tmp_path, where, moto):
    moto.reset()
    flags = ["--upstream", moto.endpoint] if where == "upstream" else []
    server = Pugmark(tmp_path / "data", *flags, config=MIRROR)
    # Each start and stop makes a file: enough of them that a compaction must follow.
    for round in range(9):
        server.start()
        if round == 1:
            # Until now the mirror had no bucket to go to.
            server.client("s3").create_bucket(Bucket="lake")
        server.client("s3").list_buckets()
        server.client("cloudtrail").describe_trails()
        server.stop()
    server.start()
    ids = imported(tmp_path / "logs", 50)
    server.pugmark("import", str(tmp_path / "logs"), "--data-dir", str(server.data_dir))

    def is_there(table):
        local = DeltaTable(str(server.data_dir / table))
        try:
            return over_s3(server.endpoint, table).version() == local.version()
        except Exception:  # noqa: BLE001: the first look may come before the table
            return False
    wait(lambda: is_there("events") and is_there("imports"), seconds=30)
    for table in ["events", "imports"]:
        copy, local = over_s3(server.endpoint, table), DeltaTable(str(server.data_dir / table))
        rows = rows_of(copy)
        assert rows == rows_of(local) and len(rows) >= 9
        assert [entry["operation"] for entry in copy.history()] == [entry["operation"] for entry in local.history()]
    assert ids == {row[0] for row in rows_of(over_s3(server.endpoint, "imports"))}
    # What the mirror does is no call of anybody.
    names = {event["EventName"] for page in server.client("cloudtrail").get_paginator("lookup_events").paginate()
             for event in page["Events"]}
    assert "ListBuckets" in names and not names & {"PutObject", "ListObjectsV2", "ListObjects"}
    server.stop()


def test_a_mirror_is_put_back_on_another_machine(tmp_path, moto):
    """The data directory is lost: what the mirror has becomes searchable again beside what is recorded anew."""
    moto.reset()
    lost = Pugmark(tmp_path / "lost", "--upstream", moto.endpoint, config=MIRROR)
    lost.start()
    lost.client("s3").create_bucket(Bucket="lake")
    lost.client("iam").create_user(UserName="remembered")
    lost.stop()
    again = Pugmark(tmp_path / "again", "--upstream", moto.endpoint, config=MIRROR.replace("pugmark", "again"))
    subprocess.run(["aws", "s3", "sync", "s3://lake/pugmark/events", str(again.data_dir / "imports")], check=True,
                   capture_output=True, timeout=60, env={**again.cli_environment(), "AWS_ENDPOINT_URL": moto.endpoint})
    again.start()
    found = again.pugmark("lookup", "--origin", "imported", "--event", "CreateUser", "--json").stdout
    assert "remembered" in found
    again.client("iam").create_user(UserName="new")
    again.stop()
