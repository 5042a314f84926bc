"""1,000 phones that send their positions to two web processes: how many a second, none lost, how soon on a board.

python benchmarks/positions.py [--phones 1000] [--seconds 20] [--smoke]
"""

import argparse
import json
import tempfile
import time
from bisect import bisect_left
from collections import Counter, defaultdict
from pathlib import Path

import stage
from live import HOST, Cpu, Program, log_in, server

EVERY_SECONDS = 10  # a phone's fix, where the time to the board is measured
BATCH = 500  # rows of the bare INSERT
FLOOR_PER_SECOND = 300  # fixes, on a machine of two busy cores
FLOOR_MARKER_SECONDS = 3


def prepare(folder: Path, options) -> dict:
    """All on duty since two hours ago, each with a device; and a dispatcher who sees them all."""
    from datetime import timedelta

    from stage.company import Company

    from technicians.devices import hash_of
    from technicians.models import ClockRecord, Device

    company = Company(technicians=options.phones, customers=50)
    begun = company.now - timedelta(hours=2)
    ClockRecord.objects.bulk_create(ClockRecord(technician=one, clocked_in_at=begun) for one in company.technicians)
    secrets = [f"secret-of-{number:06d}" for number in range(options.phones)]
    Device.objects.bulk_create(
        Device(technician=one, client="osmand", secret_hash=hash_of(secret), created_at=begun)
        for one, secret in zip(company.technicians, secrets, strict=True)
    )
    cookie = log_in(company.dispatcher("omar", zones=None))
    return {"secrets": secrets, "cookie": cookie, "technicians": [one.pk for one in company.technicians]}


def run_phones(folder: Path, port: int, plan: dict, watched: dict) -> tuple[dict, dict]:
    file = folder / "plan.json"
    file.write_text(json.dumps(plan))
    phones = Program(folder, "trackers", HOST, port, file)
    meters = {name: Cpu(pid) for name, pid in watched.items()} | {"phones": phones.cpu}
    phones.process.stdin.write("\n")
    phones.process.stdin.flush()
    time.sleep(plan["seconds"])
    cpu = {f"{name}_cpu_seconds": meter.seconds for name, meter in meters.items()}
    if phones.process.wait(timeout=60):
        raise SystemExit("trackers.py failed.")
    return json.loads(phones.result.read_text()), cpu


def described(story: dict) -> dict:
    sent = [fix for phone in story["sent"] for fix in phone]
    accepted = [fix for fix in sent if fix[3] == 200]
    return {
        "sent": len(sent),
        "acknowledged": len(accepted),
        "statuses": Counter(str(fix[3]) for fix in sent),
        "fixes_per_second": round(len(accepted) / story["seconds"], 1),
        "answer_ms": stage.percentiles_ms([fix[2] for fix in sent], 50, 95, 99),
    }


def marker_delays(story: dict, technicians: list[int]) -> tuple[list[float], int]:
    """From sending each fix to the first event with it or a later one of that technician; and of how many none came."""
    told = defaultdict(list)
    for technician, recorded_at, at in story["heard"]:
        told[technician].append((recorded_at, at))
    delays, missing = [], 0
    for technician, phone in zip(technicians, story["sent"], strict=True):
        events = sorted(told[technician])
        for recorded_at, at, _, _ in phone:
            place = bisect_left(events, (recorded_at, 0))
            if place == len(events):
                missing += 1
            else:
                delays.append(min(heard_at for _, heard_at in events[place:]) - at)
    return delays, missing


def measure_bare() -> dict:
    """The same rows into a table like it, with the same indexes: many a statement, and one a statement."""
    from django.db import connection

    from technicians.models import Position

    fields = [field.column for field in Position._meta.concrete_fields if field.column != "id"]
    rows = list(Position.objects.order_by("pk").values_list(*[field.removesuffix("_id") for field in fields]))
    one = f"({', '.join(['%s'] * len(fields))})"
    figures = {"rows": len(rows)}
    with connection.cursor() as cursor:
        for name, size, part in (("many", BATCH, rows), ("single", 1, rows[:5000])):
            cursor.execute("CREATE TABLE bare (LIKE technicians_position INCLUDING ALL)")
            begun = time.perf_counter()
            for start in range(0, len(part), size):
                batch = part[start : start + size]
                sql = f"INSERT INTO bare ({', '.join(fields)}) VALUES {', '.join([one] * len(batch))}"  # noqa: S608
                cursor.execute(f"{sql} ON CONFLICT DO NOTHING", [value for row in batch for value in row])
            figures[f"{name}_per_second"] = round(len(part) / (time.perf_counter() - begun))
            cursor.execute("DROP TABLE bare")
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--phones", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--smoke", action="store_true", help="50 phones for 3 seconds")
    options = parser.parse_args()
    if options.smoke:
        options.phones, options.seconds = 50, 3
    floor = FLOOR_PER_SECOND // 5 if options.smoke else FLOOR_PER_SECOND
    report = stage.Report("positions")
    with stage.services() as (postgres, redis), tempfile.TemporaryDirectory(prefix="truckroll-bench-") as name:
        folder = Path(name)
        ready = prepare(folder, options)
        with server(folder, "config.asgi:application") as (port, web):
            watched = {"server": web.process.pid, "postgresql": postgres.process.pid, "redis": redis.process.pid}
            measure(report, options, folder, port, ready, watched, floor=floor)
    report.exit()


def measure(report, options, folder: Path, port: int, ready: dict, watched: dict, *, floor: int) -> None:
    from technicians.models import Position

    plan = {"secrets": ready["secrets"], "cookie": ready["cookie"], "seconds": options.seconds}
    story, cpu = run_phones(folder, port, plan | {"per_second": 0, "is_now": False}, watched)
    full = described(story)
    stored = Position.objects.count()
    report.line(what="as fast as they can", phones=options.phones, stored=stored, **full, **cpu)
    bare = measure_bare()
    ratio = round(full["fixes_per_second"] / bare["many_per_second"], 4)
    single = round(full["fixes_per_second"] / bare["single_per_second"], 3)
    report.line(what="bare INSERT", **bare, ours_over_many=ratio, ours_over_single=single)
    report.check(full["statuses"].keys() == {"200"} and stored == full["acknowledged"], "none lost")
    report.check(full["fixes_per_second"] >= floor, f"{floor} fixes a second")

    Position.objects.all().delete()
    pace = options.phones / EVERY_SECONDS
    story, cpu = run_phones(folder, port, plan | {"per_second": pace, "is_now": True}, watched)
    paced = described(story)
    stored = Position.objects.count()
    delays, missing = marker_delays(story, ready["technicians"])
    markers = stage.percentiles_ms(delays, 50, 95, 99)
    report.line(
        what=f"each every {EVERY_SECONDS} s", stored=stored, marker_ms=markers, without_marker=missing, **paced, **cpu
    )
    report.check(stored == paced["acknowledged"] == paced["sent"], "none lost at a pace")
    report.check(not missing, "every fix, or a later one, reaches the board")
    report.check(markers["p95"] <= FLOOR_MARKER_SECONDS * 1000, f"95 % on the board in {FLOOR_MARKER_SECONDS} s")


if __name__ == "__main__":
    main()
