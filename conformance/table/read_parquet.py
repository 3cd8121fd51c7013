"""Reads files of event history with DuckDB, as any other program would: `read_parquet.py FILE_OR_DIRECTORY...`.

Prints row counts and fails when a record and its columns disagree. Needs `pip install duckdb`.
"""

import json
import pathlib
import sys

import duckdb


def files(arguments):
    for argument in map(pathlib.Path, arguments):
        yield from sorted(argument.rglob("*.parquet")) if argument.is_dir() else [argument]


def check(path):
    connection = duckdb.connect()
    columns = "event_id, epoch(event_time)::bigint, seq, event_name, event_source, lookup_resources, event"
    rows = connection.execute(f"select {columns} from read_parquet(?, hive_partitioning = false)", [str(path)]).fetchall()
    places = [(time, seq) for _, time, seq, *_ in rows]
    assert places == sorted(places, reverse=True), f"{path}: rows are not newest first"
    for event_id, _, _, name, source, resources, event in rows:
        record = json.loads(event)
        assert record.get("eventID", event_id) == event_id, f"{path}: {event_id}"
        assert record.get("eventName", name) == name, f"{path}: {event_id}"
        assert record.get("eventSource", source) == source, f"{path}: {event_id}"
        assert all(resource["name"] is not None for resource in resources), f"{path}: {event_id}"
    bloomed = connection.execute(
        "select distinct path_in_schema from parquet_metadata(?) where bloom_filter_offset is not null", [str(path)]
    ).fetchall()
    assert len(bloomed) == 6, f"{path}: bloom filters on {bloomed}"
    found = connection.execute("select count(*) from read_parquet(?) where event_id = ?", [str(path), rows[0][0]]).fetchone()
    assert found == (1,), f"{path}: {found} rows with the id of the first"
    return len(rows)


if __name__ == "__main__":
    total = 0
    for path in files(sys.argv[1:]):
        total += check(path)
    assert total, "no rows found"
    print(f"{total} events read")
