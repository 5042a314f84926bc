"""Seconds and peak memory of `manage.py import_jobs` on a made-up file, into a new SQLite database, run twice.

python benchmarks/import_jobs.py [--rows 200000] [--runs 2], where --rows may name several sizes, one after the other
"""

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
MAPPING = """
kind = "jobs"
time_zone = "America/New_York"
create_job_types = true
[fields]
external_id = "id"
customer_name = "customer"
customer_phone = "phone"
address = "{street}, {city}"
latitude = "lat"
longitude = "lon"
job_type = "work"
description = "notes"
created_at = "opened"
scheduled_on = "opened"
[fields.priority]
column = "urgency"
values = { "1" = "Urgent", "2" = "High", "3" = "Normal", "4" = "Low" }
""".replace('"{street}, {city}"', '{ template = "{street}, {city}" }')
# A child's peak is counted from its parent's at the fork: this small parent keeps that out of the figure.
MEASURE = """
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
sys.exit(done.returncode)
"""


def write_zones(path: Path) -> None:
    features = []
    for x in range(10):
        for y in range(7):
            west, south = -75.5 + x / 10, 39.7 + y / 10
            ring = [[west, south], [west + 0.1, south], [west + 0.1, south + 0.1], [west, south + 0.1], [west, south]]
            geometry = {"type": "Polygon", "coordinates": [ring]}
            features.append({"type": "Feature", "properties": {"name": f"Z {x}.{y}"}, "geometry": geometry})
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))


def write_jobs(path: Path, *, rows: int) -> None:
    """Each customer has about four jobs; files of different sizes have no job in common."""
    customers = rows // 4 + 1
    chance = random.Random(7)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "customer", "phone", "street", "city", "lat", "lon", "work", "notes", "opened", "urgency"])
        for number in range(rows):
            who = chance.randrange(customers)
            out.writerow(
                [
                    f"SR-{rows}-{number:07d}",
                    f"Customer {who}",
                    f"555-{who:07d}",
                    f"{chance.randrange(1, 9999)} Ash Street",
                    f"Town {who % 40}",
                    round(39.7 + chance.random() * 0.7, 6),
                    round(-75.5 + chance.random(), 6),
                    f"Work {chance.randrange(12)}",
                    "The boiler makes a noise and the hot water is gone since this morning.",
                    f"2026-0{chance.randrange(1, 10)}-{chance.randrange(1, 29):02d}T08:30:00",
                    chance.randrange(1, 5),
                ]
            )


def manage(folder: Path, *arguments: str) -> tuple[float, int, str]:
    """Seconds, MB at most, the last line of output."""
    environment = {**os.environ, "DEBUG": "0", "SECRET_KEY": "b" * 50}
    environment["DATABASE_URL"] = f"sqlite:///{folder / 'db.sqlite3'}"
    command = [sys.executable, "-c", MEASURE, sys.executable, str(PROJECT / "manage.py"), *arguments]
    begun = time.perf_counter()
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    *said, megabytes = done.stdout.strip().splitlines()
    return round(time.perf_counter() - begun, 1), int(megabytes), said[-1] if said else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[200_000])
    parser.add_argument("--runs", type=int, choices=(1, 2), default=2)
    parser.add_argument("--smoke", action="store_true", help="2,000 rows")
    options = parser.parse_args()
    if options.smoke:
        options.rows = [2000]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.toml").write_text(MAPPING)
        write_zones(folder / "zones.geojson")
        manage(folder, "migrate")
        manage(folder, "import_zones", str(folder / "zones.geojson"), "--name", "name")
        for rows in options.rows:
            write_jobs(folder / "jobs.csv", rows=rows)
            for run in ("first", "again")[: options.runs]:
                import_file(folder, rows=rows, run=run)


def import_file(folder: Path, *, rows: int, run: str) -> None:
    arguments = ["import_jobs", str(folder / "jobs.csv"), "--mapping", str(folder / "mapping.toml")]
    seconds, megabytes, summary = manage(folder, *arguments)
    figures = {"rows": rows, "run": run, "seconds": seconds, "max_rss_mb": megabytes}
    print(json.dumps({"benchmark": "import_jobs", **figures, "summary": json.loads(summary)}))


if __name__ == "__main__":
    main()
