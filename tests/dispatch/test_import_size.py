"""Memory of an import as a process of its own; benchmarks/import_jobs.py measures 200,000 rows the same way."""

import json
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "import_jobs.py"
MOST_GROWTH_MB = 40  # a reader that kept its rows would need some 2 kB for each


def test_an_import_of_ten_times_the_rows_needs_no_more_memory():
    small, large = (_measure(rows) for rows in (1_000, 10_000))
    assert large["summary"]["created"] == 10_000
    assert large["max_rss_mb"] < 300
    assert large["max_rss_mb"] - small["max_rss_mb"] < MOST_GROWTH_MB


def _measure(rows: int) -> dict:
    command = [sys.executable, str(SCRIPT), "--rows", str(rows), "--customers", str(rows // 4), "--runs", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
