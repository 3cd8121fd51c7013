"""Look-ups over event history at rest, against DuckDB on the same Parquet files and SQLite with indexes on the same rows.

    pip install duckdb deltalake
    python3 bench/history.py [EVENTS] [--dir DIR] [--sqlite]

Fills DIR (default: a folder in the temporary directory, kept) with generated events of 90 days, runs
`cargo bench -p pugmark-table --bench history` over them, and asks the other engines the same values: newest 50 events of one
account and Region. Prints a table of p50 and p99 in milliseconds and ratios. SQLite takes about as much disk as the JSON.
"""

import argparse
import json
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time

import duckdb
from deltalake import DeltaTable

ROOT = pathlib.Path(__file__).parent.parent
COLUMNS = {
    "EventId": "event_id",
    "EventName": "event_name",
    "ReadOnly": "read_only",
    "Username": "username",
    "EventSource": "event_source",
    "AccessKeyId": "access_key_id",
}
SAMPLES = 30


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("events", nargs="?", type=int, default=1_000_000)
    parser.add_argument("--dir", type=pathlib.Path)
    parser.add_argument("--sqlite", action="store_true", help="compare with SQLite too")
    options = parser.parse_args()
    folder = options.dir or pathlib.Path(tempfile.gettempdir()) / f"pugmark-history-{options.events}"
    ours = run(folder, options.events)
    table = DeltaTable(str(folder))
    files = [str(folder / path) for path in table.get_add_actions(flatten=True)["path"].to_pylist()]
    sizes(files)
    engines = {"DuckDB": DuckDb(files)}
    if options.sqlite:
        engines["SQLite"] = Sqlite(files, folder.with_suffix(".sqlite"))
    text_search(files)
    print(f"\n{'look-up':24} {'found':>6} {'cold':>8} {'p50':>8} {'p99':>8}", end="")
    for name in engines:
        print(f" {name + ' p50':>12} {'p99':>9} {'ratio p50':>10}", end="")
    print()
    for line in ours:
        print(
            f"{line['kind']:24} {line['events_per_answer']:6.1f} {line['cold_p50_ms']:8.2f} {line['p50_ms']:8.2f}"
            f" {line['p99_ms']:8.2f}", end="", flush=True)
        for engine in engines.values():
            times = engine.ask(line)
            if times:
                middle, high = times[len(times) // 2], times[-1]
                print(f" {middle:12.2f} {high:9.2f} {middle / line['p50_ms']:10.1f}", end="", flush=True)
        print()


def run(folder, events):
    command = ["cargo", "bench", "-q", "-p", "pugmark-table", "--bench", "history", "--", str(folder), str(events)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    lines = []
    for text in process.stdout:
        line = json.loads(text)
        if "kind" in line:
            lines.append(line)
        else:
            print(text.strip())
    if process.wait():
        sys.exit("the benchmark failed")
    return lines


def index_of(file):
    return file.with_name(f"_{file.stem}.keys")


def sizes(files):
    """Bytes at rest against the same records as gzip files of 5,000, which is how CloudTrail delivers them at best."""
    import gzip

    rows = duckdb.execute("select count(*), sum(strlen(event)) from read_parquet(?)", [files]).fetchone()
    stored = sum(pathlib.Path(file).stat().st_size for file in files)
    keys = sum(index_of(pathlib.Path(file)).stat().st_size for file in files)
    sample = max(files, key=lambda file: pathlib.Path(file).stat().st_size)
    # As they came, not as they lie side by side in the file.
    newest = "select event from read_parquet(?) order by event_time desc, seq desc limit 20000"
    records = duckdb.execute(newest, [sample]).fetchall()
    packed = sum(
        len(gzip.compress(b'{"Records":[' + b",".join(text.encode() for (text,) in records[at : at + 5000]) + b"]}"))
        for at in range(0, len(records), 5000)
    )
    packed_each = packed / len(records)
    print(
        f"{rows[0]} events, {rows[1] / rows[0]:.0f} bytes of JSON each; at rest {stored / rows[0]:.0f} + {keys / rows[0]:.1f} (index)"
        f" bytes each, gzip {packed_each:.0f}: ratio {(stored + keys) / rows[0] / packed_each:.2f}; {len(files)} files"
    )


def condition(key):
    if key == "ResourceName":
        return "len(list_filter(lookup_resources, lambda r: r.name = ?)) > 0"
    if key == "ResourceType":
        return "len(list_filter(lookup_resources, lambda r: r.type = ?)) > 0"
    return f"{COLUMNS[key]} = ?"


def timed(ask, values):
    times = []
    for value in values[:SAMPLES] if len(values) > 1 else values * 5:
        before = time.perf_counter()
        found = ask(value)
        times.append((time.perf_counter() - before) * 1000)
        assert found, value
    return sorted(times)


class DuckDb:
    def __init__(self, files):
        self.connection = duckdb.connect()
        self.connection.execute("set enable_object_cache = true")
        self.files = files

    def ask(self, line):
        sql = (
            "select epoch(event_time)::bigint, seq, event from read_parquet($1, hive_partitioning = false) where recipient_account_id = $2"
            " and aws_region = $3 and event_category = 'Management' and "
            + condition(line["key"]).replace("?", "$4")
            + " order by event_time desc, seq desc limit 50"
        )
        place = lambda file, account, region: f"account={account}/region={region}/" in file  # noqa: E731

        def ask(value):
            # What partition pruning does: the files of this account and Region.
            files = [file for file in self.files if place(file, value[0], value[1])]
            typed = value[2] == "true" if line["key"] == "ReadOnly" else value[2]
            return self.connection.execute(sql, [files, value[0], value[1], typed]).fetchall()

        ask(line["values"][0])
        return timed(ask, line["values"])


class Sqlite:
    def __init__(self, files, path):
        is_new = not path.exists()
        self.connection = sqlite3.connect(path)
        if not is_new:
            return
        names = ["event_time", "seq", "recipient_account_id", "aws_region", *COLUMNS.values(), "event"]
        self.connection.execute("pragma journal_mode = off")
        self.connection.execute("pragma synchronous = off")
        self.connection.execute(f"create table events ({', '.join(names)})")
        for file in files:
            values = ["epoch(event_time)::bigint", *names[1:]]
            rows = duckdb.execute(f"select {', '.join(values)} from read_parquet(?)", [file]).fetchall()
            self.connection.executemany(f"insert into events values ({', '.join('?' * len(names))})", rows)
        for column in COLUMNS.values():
            order = f"recipient_account_id, aws_region, {column}, event_time desc, seq desc"
            self.connection.execute(f"create index by_{column} on events ({order})")
        self.connection.commit()
        self.connection.execute("analyze")

    def ask(self, line):
        if line["key"] not in COLUMNS:
            return None
        sql = (
            "select event_time, seq, event from events where recipient_account_id = ? and aws_region = ? and"
            f" {COLUMNS[line['key']]} = ? order by event_time desc, seq desc limit 50"
        )

        def ask(value):
            typed = value[2] == "true" if line["key"] == "ReadOnly" else value[2]
            return self.connection.execute(sql, (value[0], value[1], typed)).fetchall()

        ask(line["values"][0])
        return timed(ask, line["values"])


def text_search(files):
    before = time.perf_counter()
    (found,) = duckdb.execute(
        "select count(*) from read_parquet(?, hive_partitioning = false) where event like '%no-such-text-anywhere%'", [files]
    ).fetchone()
    print(f"DuckDB, free text that is nowhere: {time.perf_counter() - before:.2f} s ({found} found)")


if __name__ == "__main__":
    main()
