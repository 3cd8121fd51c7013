"""`pugmark import` beside DuckDB's read_json into Parquet and beside `gzip -dc` alone, over the same log files, in one run.

    python3 bench/import.py [--events 1000000] [--rounds 3] [--folder KEPT]

Generates log files as trails deliver them, then in turn, so many rounds, on all cores and on one: unpacks them with gzip (the
bound: nobody reads them without), imports them into an empty table, and has DuckDB write the same fields and the record's
text to Parquet. Prints medians of wall and processor time, and ratios. Needs release builds (`cargo build --release --bin
pugmark`, `cargo build --release -p pugmark-generator`), gzip, taskset, and `pip install duckdb` (the conformance tests' Python has it).
"""

import argparse
import os
import pathlib
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELEASE = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"

DUCKDB = """
import duckdb, sys
folder, out, threads = sys.argv[1:]
db = duckdb.connect(config={"threads": int(threads), "temp_directory": out + ".tmp", "preserve_insertion_order": False})
db.execute("set enable_progress_bar = false")
text = lambda path: f"record->>'$.{path}'"
columns = {
    "event_id": "eventID", "event_time": "eventTime", "event_source": "eventSource", "event_name": "eventName",
    "aws_region": "awsRegion", "recipient_account_id": "recipientAccountId", "event_category": "eventCategory",
    "event_type": "eventType", "read_only": "readOnly", "error_code": "errorCode", "source_ip_address": "sourceIPAddress",
    "user_agent": "userAgent", "request_id": "requestID", "identity_type": "userIdentity.type", "identity_arn": "userIdentity.arn",
    "principal_id": "userIdentity.principalId", "access_key_id": "userIdentity.accessKeyId", "user_name": "userIdentity.userName",
}
selected = ", ".join(f"{text(path)} as {name}" for name, path in columns.items())
db.execute(f'''
    copy (select {selected}, record as event
          from (select unnest("Records") as record
                from read_json('{folder}/**/*.json.gz', columns = {{'Records': 'JSON[]'}}, maximum_object_size = 67108864)))
    to '{out}' (format parquet, compression zstd)''')
print(db.execute(f"select count(*) from read_parquet('{out}')").fetchone()[0])
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=pathlib.Path, help="keep the generated files here, or use those that are there")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        folder = arguments.folder or scratch / "files"
        if not folder.exists():
            generator = [RELEASE / "pugmark-generator", "--events", str(arguments.events), "--out", folder]
            subprocess.run(generator, check=True)
        files = sorted(str(path) for path in folder.rglob("*.json.gz"))
        packed = sum(os.path.getsize(path) for path in files)
        (scratch / "files.txt").write_text("\0".join(files))
        print(f"{len(files)} files, {packed / 1e6:.1f} MB packed")
        for name, cores in (("all cores", sorted(os.sched_getaffinity(0))), ("one core", [min(os.sched_getaffinity(0))])):
            compare(name, cores, scratch, folder, packed, arguments.rounds)


def compare(name, cores, scratch, folder, packed, rounds):
    taken, events = {"gzip -dc": [], "pugmark import": [], "DuckDB": []}, 0
    for number in range(rounds):
        taken["gzip -dc"].append(timed(cores, ["xargs", "-0", "-a", scratch / "files.txt", "gzip", "-dc"])[0])
        # A folder of its own: where files were just deleted, the file system is slow to make new ones.
        data = scratch / f"{name}-{number}"
        times, said = timed(cores, [RELEASE / "pugmark", "import", folder, "--data-dir", data])
        events = int(re.search(r"(\d+) added, 0 there already", said).group(1))
        size = sum(path.stat().st_size for path in data.rglob("*") if path.is_file())
        taken["pugmark import"].append(times)
        out = scratch / "duckdb.parquet"
        times, said = timed(cores, [sys.executable, "-c", DUCKDB, folder, out, str(len(cores))])
        assert int(said) == events, said
        taken["DuckDB"].append(times)
    print(f"\n{name}, {events} events; medians of {rounds}")
    wall = {key: statistics.median(wall for wall, _ in times) for key, times in taken.items()}
    cpu = {key: statistics.median(cpu for _, cpu in times) for key, times in taken.items()}
    for key in taken:
        rates = f"{events / wall[key]:>9.0f} events/s {packed / 1e6 / wall[key]:>7.1f} MB/s of gzip"
        print(f"  {key:<15} {wall[key]:>7.2f} s wall {cpu[key]:>7.2f} s processor  {rates}")
    ours, duck, bound = "pugmark import", "DuckDB", "gzip -dc"
    print(f"  DuckDB takes {wall[duck] / wall[ours]:.2f} times as long (processor {cpu[duck] / cpu[ours]:.2f})")
    print(f"  {wall[bound] / wall[ours]:.2f} of gzip's speed (processor {cpu[bound] / cpu[ours]:.2f})")
    print(f"  {size / events:.0f} bytes an event in the table, indexes included; {out.stat().st_size / events:.0f} in DuckDB's "
          f"file, {packed / events:.0f} in gzip")


def timed(cores, command):
    """Wall and processor seconds of a command on some cores, and what it printed."""
    command = ["taskset", "-c", ",".join(map(str, cores)), *map(str, command)]
    # gzip's output is read and thrown away by the system, as a pipe's reader would.
    is_gzip = "gzip" in command
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.DEVNULL if is_gzip else subprocess.PIPE, text=True, check=True)
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (wall, cpu), done.stdout


if __name__ == "__main__":
    main()
