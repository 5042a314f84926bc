"""Memory of an import as a process of its own; benchmarks/import_jobs.py measures 200,000 rows the same way."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "import_jobs.py"
MOST_GROWTH_MB = 20


def test_an_import_of_ten_times_the_rows_needs_no_more_memory():
    command = [sys.executable, str(SCRIPT), "--rows", "500", "5000", "--runs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    small, large = map(json.loads, done.stdout.splitlines())
    assert large["summary"]["created"] == 5_000
    assert large["max_rss_mb"] < 300
    assert large["max_rss_mb"] - small["max_rss_mb"] < MOST_GROWTH_MB
