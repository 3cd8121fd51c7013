"""Asks DuckDB what the bench of look-ups asks (`cargo bench -p pugmark-table --bench lookup -- 1000000 DIRECTORY`), over the
same Parquet files: `search_duckdb.py DIRECTORY [NEEDLE]`, with the text that the bench says it looks for in a directory that
was filled before. Needs `pip install duckdb`.
"""

import json
import pathlib
import sys
import time

import duckdb

table = pathlib.Path(sys.argv[1])
live = {}
for log in sorted((table / "_delta_log").glob("*.json")):
    for action in map(json.loads, log.read_text().splitlines()):
        if "add" in action:
            live[action["add"]["path"]] = True
        if "remove" in action:
            live.pop(action["remove"]["path"], None)
paths = [str(table / path.replace("%3D", "=")) for path in live]
files = f"read_parquet({paths!r}, hive_partitioning = false)"
connection = duckdb.connect()
total = connection.sql(f"select count(*) from {files}").fetchall()[0][0]
threads = connection.sql("select current_setting('threads')").fetchall()[0][0]
print(f"{total} events, {len(paths)} files, {threads} threads")
needle = sys.argv[2] if len(sys.argv) > 2 else f"bucket-{total // 3}"
bucket = f"arn:aws:s3:::bucket-{total // 5}"
for name, query in {
    "text, found once or some times": f"select count(*) from {files} where event like '%{needle}%'",
    "text that is nowhere": f"select count(*) from {files} where event like '%no such words anywhere%'",
    "the same, letter case ignored": f"select count(*) from {files} where event ilike '%no such words anywhere%'",
    "text of letters, letter case ignored": f"select count(*) from {files} where event ilike '%accessdenied%'",
    "parameter, found once":
        f"select count(*) from {files} where json_extract_string(event, '$.requestParameters.bucketName') = '{bucket}'",
    "count by event_name": f"select event_name, count(*) from {files} group by all",
    "count by event_name, per day": f"select event_name, epoch_us(event_time) // 86400000000, count(*) from {files} group by all",
    "count by error_code": f"select error_code, count(*) from {files} group by all",
}.items():
    times = []
    for _ in range(3):
        start = time.monotonic()
        found = connection.sql(query).fetchall()
        times.append(time.monotonic() - start)
    print(f"{name:<40} {min(times):8.3f} s   {found[0][0] if len(found) == 1 else len(found)}")
