"""Asks DuckDB what the bench of look-ups asks (`cargo bench -p pugmark-table --bench lookup -- 1000000 DIRECTORY`), over the
same Parquet files: `search_duckdb.py DIRECTORY`. Needs `pip install duckdb`.
"""

import sys
import time

import duckdb

files = f"read_parquet('{sys.argv[1]}/**/*.parquet', hive_partitioning = false)"
connection = duckdb.connect()
total = connection.sql(f"select count(*) from {files}").fetchone()[0]
print(f"{total} events, {connection.sql('select current_setting(\'threads\')').fetchone()[0]} threads")
for name, query in {
    "text, found once or some times": f"select count(*) from {files} where event like '%bucket-{total // 3}%'",
    "text that is nowhere": f"select count(*) from {files} where event like '%no such words anywhere%'",
    "the same, letter case ignored": f"select count(*) from {files} where event ilike '%no such words anywhere%'",
    "text of letters that is nowhere": f"select count(*) from {files} where event ilike '%accessdenied%'",
    "parameter, found once": f"select count(*) from {files} where "
                             f"json_extract_string(event, '$.requestParameters.bucketName') = 'arn:aws:s3:::bucket-{total // 5}'",
    "count by event_name": f"select event_name, count(*) from {files} group by all",
}.items():
    times = []
    for _ in range(3):
        start = time.monotonic()
        found = connection.sql(query).fetchall()
        times.append(time.monotonic() - start)
    print(f"{name:<40} {min(times):8.3f} s   {found[0] if len(found) == 1 else len(found)}")
