"""The record is what AWS wrote of such a call."""

import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).parent / "fidelity"


def test_real_events_are_recorded_as_aws_did():
    # PUGMARK_REAL_EVENTS names another folder of real events, instead of the sample.
    folder = os.environ.get("PUGMARK_REAL_EVENTS", str(HERE / "sample.json"))
    done = subprocess.run([sys.executable, str(HERE), folder, "--goals"], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-2000:]}"
