"""Event tables, read by other programs: the `deltalake` package (delta-rs) and DuckDB."""

import datetime
import itertools
import json
import os
import pathlib
import subprocess

import duckdb
import pytest
from deltalake import DeltaTable

from conftest import Pugmark

ROOT = pathlib.Path(__file__).parent.parent


def member(record, *path):
    for name in path:
        record = (record or {}).get(name)
    return record


def truth(text):
    return None if text is None else text == "true"


# Columns that stand in the record, and where.
COLUMNS = {
    "event_id": ["eventID"],
    "event_name": ["eventName"],
    "event_source": ["eventSource"],
    "event_version": ["eventVersion"],
    "event_type": ["eventType"],
    "aws_region": ["awsRegion"],
    "source_ip_address": ["sourceIPAddress"],
    "user_agent": ["userAgent"],
    "error_code": ["errorCode"],
    "error_message": ["errorMessage"],
    "request_id": ["requestID"],
    "shared_event_id": ["sharedEventID"],
    "api_version": ["apiVersion"],
    "management_event": ["managementEvent"],
    "read_only": ["readOnly"],
    "vpc_endpoint_id": ["vpcEndpointId"],
    "vpc_endpoint_account_id": ["vpcEndpointAccountId"],
    "tls_version": ["tlsDetails", "tlsVersion"],
    "tls_cipher_suite": ["tlsDetails", "cipherSuite"],
    "tls_client_provided_host_header": ["tlsDetails", "clientProvidedHostHeader"],
    "identity_type": ["userIdentity", "type"],
    "identity_principal_id": ["userIdentity", "principalId"],
    "identity_arn": ["userIdentity", "arn"],
    "identity_account_id": ["userIdentity", "accountId"],
    "identity_user_name": ["userIdentity", "userName"],
    "invoked_by": ["userIdentity", "invokedBy"],
    "session_issuer_type": ["userIdentity", "sessionContext", "sessionIssuer", "type"],
    "session_issuer_arn": ["userIdentity", "sessionContext", "sessionIssuer", "arn"],
    "session_issuer_user_name": ["userIdentity", "sessionContext", "sessionIssuer", "userName"],
    "session_source_identity": ["userIdentity", "sessionContext", "sourceIdentity"],
}


def check_row(row):
    """Each typed column says what the record says."""
    record = json.loads(row["event"])
    for column, path in COLUMNS.items():
        assert row[column] == member(record, *path), f"{column} of {row['event']}"
    attributes = member(record, "userIdentity", "sessionContext", "attributes")
    assert row["session_mfa_authenticated"] == truth(member(attributes, "mfaAuthenticated")), row["event"]
    when = datetime.datetime.fromisoformat(record["eventTime"])
    assert row["event_time"] == when
    assert row["month"] == when.strftime("%Y-%m")
    assert (row["account"], row["region"]) == (row["recipient_account_id"], row["aws_region"])


def micros(time):
    return int(time.timestamp()) * 1_000_000


def delta_rows(path):
    return [dict(row) for row in DeltaTable(str(path)).to_pyarrow_table().to_pylist()]


def test_other_programs_read_event_history(tmp_path, moto):
    server = Pugmark(tmp_path / "data", "--upstream", moto.endpoint)
    looked_up = {}
    # Each start and stop makes a file: enough of them that a compaction must follow.
    for round in range(9):
        server.start()
        server.client("iam").create_user(UserName=f"user-{round}")
        server.client("sts").get_caller_identity()
        for event in server.client("cloudtrail").get_paginator("lookup_events").paginate().search("Events[]"):
            looked_up[event["EventId"]] = event
        server.stop()
    rows = delta_rows(server.data_dir / "events")
    ids = [row["event_id"] for row in rows]
    assert len(set(ids)) == len(ids)
    # The last look-up of each round is recorded after its own answer.
    assert set(looked_up) <= set(ids) and len(ids) - len(looked_up) <= 9
    for row in rows:
        check_row(row)
        event = looked_up.get(row["event_id"])
        if event:
            assert row["event"] == event["CloudTrailEvent"]
            assert row["username"] == event.get("Username")
            assert [it["name"] for it in row["lookup_resources"]] == [it["ResourceName"] for it in event["Resources"]]
    table = DeltaTable(str(server.data_dir / "events"))
    assert table.version() >= 9
    operations = [entry["operation"] for entry in table.history()]
    assert "OPTIMIZE" in operations, operations
    files = [str(server.data_dir / "events" / path) for path in table.get_add_actions(flatten=True)["path"].to_pylist()]
    count, users = duckdb.execute(
        "select count(*), count(*) filter (event_name = 'CreateUser') from read_parquet(?, hive_partitioning = false)", [files]
    ).fetchone()
    assert (count, users) == (len(rows), 9)


@pytest.fixture(scope="module")
def many_commits(tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "table"
    command = ["cargo", "run", "-q", "-p", "pugmark-table", "--example", "commits", "--", str(path), "150"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    return path, [json.loads(line) for line in done.stdout.splitlines()]


def test_a_long_log_with_checkpoints_reads_the_same(many_commits):
    path, expected = many_commits
    log = sorted(file.name for file in (path / "_delta_log").iterdir())
    assert any(name.endswith(".checkpoint.parquet") for name in log)
    assert "0" * 20 + ".json" not in log, "versions before the checkpoints are deleted"
    rows = delta_rows(path)
    for row in rows:
        check_row(row)
    form = lambda row: (row["event"], row["username"], tuple(row["resources"]))  # noqa: E731
    found = [{**row, "resources": [it["name"] for it in row["lookup_resources"]]} for row in rows]
    assert sorted(map(form, found), key=str) == sorted(map(form, expected), key=str)
    assert max(row["session_creation_date"] is not None for row in rows)


def check_order(file):
    """Row groups are newest first, and in each of them what is alike lies side by side."""
    places = duckdb.execute("select (epoch_us(event_time), seq) from read_parquet(?)", [file]).fetchall()
    kinds = duckdb.execute("select (event_source, event_name, username) from read_parquet(?)", [file]).fetchall()
    groups = duckdb.execute(
        "select row_group_num_rows from parquet_metadata(?) where path_in_schema = 'seq' order by row_group_id", [file]
    ).fetchall()
    newer, first = None, 0
    for (rows,) in groups:
        of_group = slice(first, first + rows)
        assert newer is None or newer > max(places[of_group]), f"{file}: row groups are not newest first"
        runs = [kind for kind, _ in itertools.groupby(kinds[of_group])]
        assert len(runs) == len(set(runs)), f"{file}: events that are alike lie apart"
        newer, first = min(places[of_group]), first + rows
    assert first == len(places)


def test_statistics_and_bloom_filters_let_engines_skip(many_commits):
    path, _ = many_commits
    table = DeltaTable(str(path))
    files = table.get_add_actions(flatten=True)
    for name, low, high in zip(files["path"].to_pylist(), files["min.event_time"].to_pylist(), files["max.event_time"].to_pylist()):
        file = str(path / name)
        times = duckdb.execute("select epoch_us(min(event_time)), epoch_us(max(event_time)) from read_parquet(?)", [file]).fetchone()
        assert times == (micros(low), micros(high)), name
        bloomed = duckdb.execute(
            "select distinct path_in_schema from parquet_metadata(?) where bloom_filter_offset is not null", [file]
        ).fetchall()
        assert len(bloomed) == 6, f"{name}: bloom filters on {bloomed}"
        check_order(file)
    month = files["partition.month"].to_pylist()[0]
    one = DeltaTable(str(path)).to_pyarrow_table(filters=[("month", "=", month)])
    assert 0 < one.num_rows < sum(files["num_records"].to_pylist())
