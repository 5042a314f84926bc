"""The five-minute check and the report over a large history.

Against one bare UPDATE of the clocks that are due, and against one bare count of the clocks reported on.

python benchmarks/sla.py [--smoke]
"""

import argparse
import resource
import time
from contextlib import contextmanager
from datetime import UTC, datetime

import stage

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday at 10:00 in New York: everything may be told
RECORDING_AT_MOST = 30.0  # times the bare UPDATE; violations, circumstances and live events are in it
QUERIES_A_BATCH = 12  # at most, however many rows it has, beside one for each zone whose boards hear of it
PAGE_AT_MOST = 20.0  # times the bare count


def due_clocks() -> dict:
    from sla.models import CLOCKS

    return {model: list(model.objects.overdue(now=NOW).values_list("pk", flat=True)) for model in CLOCKS}


def bare_update(due: dict) -> float:
    """Seconds for the same columns of the same clocks, one statement a table; taken back afterwards."""
    from django.db import connection, transaction
    from django.db.models import F

    with transaction.atomic():
        begun = time.perf_counter()
        for model, ids in due.items():
            model.objects.filter(pk__in=ids).update(state="breached", decided_at=F("due_at"))
        taken = time.perf_counter() - begun
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE sla_responseclock, sla_resolutionclock")  # as if it had not been
    return taken


@contextmanager
def counted_queries():
    from django.db import connection

    count = [0]

    def count_one(execute, *args):
        count[0] += 1
        return execute(*args)

    with connection.execute_wrapper(count_one):
        yield count


def run_check() -> tuple[dict, dict]:
    """What it did; and seconds, those of telling people among them, queries and how much memory it took."""
    from dispatch import actions
    from dispatch.actions import sla_check

    spent, tell = [], sla_check.tell_of_sla

    def timed(**when):
        begun = time.perf_counter()
        try:
            return tell(**when)
        finally:
            spent.append(time.perf_counter() - begun)

    sla_check.tell_of_sla = timed
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with counted_queries() as queries:
        begun = time.perf_counter()
        done = actions.check_sla(now=NOW)
        seconds = time.perf_counter() - begun
    sla_check.tell_of_sla = tell
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    recording = seconds - sum(spent)
    return done, {"seconds": seconds, "recording": recording, "queries": queries[0], "grown_mb": round(grown / 1024, 1)}


def recipients_of(due: dict) -> int:
    """How many notices there must be."""
    from django.db.models import Count

    from dispatch.models import Job
    from dispatch.notices.notify import dispatchers_of

    total = 0
    for ids in due.values():
        by_zone = Job.objects.filter(pk__in=ids).order_by().values_list("zone").annotate(jobs=Count("pk"))
        total += sum(jobs * len(dispatchers_of(zone)) for zone, jobs in by_zone)
    return total


def check_once_each(report, due: dict, *, notices: int) -> None:
    from dispatch.models import Notification
    from dispatch.notices.notify import Kind
    from sla.models import Violation

    for model, ids in due.items():
        recorded = Violation.objects.filter(kind=model.kind, job__in=ids, recorded_at=NOW).count()
        breached = model.objects.filter(pk__in=ids, state="breached").count()
        report.check(recorded == breached == len(ids), f"each {model.kind} that is due is recorded once")
    told = Notification.objects.filter(kind=Kind.SLA_BREACHED).count()
    report.check(told == notices, "everybody is told of each breach once")


def measure_check(report, *, zones: int, is_smoke: bool) -> None:
    from sla import check

    due = due_clocks()
    notices = recipients_of(due)
    bare = min(bare_update(due) for _ in range(3))
    done, figures = run_check()
    again, idle = run_check()
    batches = 3 + sum(-(-number // check.BATCH) for number in done.values())
    report.line(
        part="check",
        **done,
        notices=notices,
        bare_update_ms=round(bare * 1000),
        recording_ms=round(figures["recording"] * 1000),
        recording_ratio=round(figures["recording"] / bare, 1),
        whole_ms=round(figures["seconds"] * 1000),
        whole_ratio=round(figures["seconds"] / bare, 1),
        queries=figures["queries"],
        grown_mb=figures["grown_mb"],
        nothing_due_ms=round(idle["seconds"] * 1000),
        nothing_due_queries=idle["queries"],
    )
    check_once_each(report, due, notices=notices)
    report.check(not any(again.values()), "a second check has nothing to do")
    # Who dispatches in a zone is asked once, and what its boards have heard is counted from the first event on.
    allowed = idle["queries"] + (QUERIES_A_BATCH + zones) * batches + 4 * zones
    report.check(figures["queries"] <= allowed, f"queries are those of its batches: at most {allowed}")
    if not is_smoke:  # for a hundred rows the UPDATE takes no time
        is_cheap = figures["recording"] <= RECORDING_AT_MOST * bare
        report.check(is_cheap, f"recording takes at most {RECORDING_AT_MOST} times the UPDATE")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a run of seconds: a fiftieth of the jobs")
    smoke = parser.parse_args().smoke
    report, share = stage.Report("sla"), 50 if smoke else 1
    with stage.services():
        from stage import sla_report
        from stage.company import Company
        from stage.sla_history import fill

        company = Company(technicians=40 if smoke else 200, customers=200 if smoke else 12_000)
        for number in range(6):  # each of them dispatches in a third of the zones
            company.dispatcher(f"dispatcher{number}", zones=company.zones[number % 3 :: 3])
        begun = time.perf_counter()
        fill(
            company,
            jobs=1_000_000 // share,
            open_clocks=100_000 // share,
            due=5_000 // share,
            at_risk=2_000 // share,
            now=NOW,
        )
        report.line(part="history", jobs=1_000_000 // share, seconds=round(time.perf_counter() - begun, 1))
        measure_check(report, zones=len(company.zones) + 1, is_smoke=smoke)
        reader = company.dispatcher("reader", zones=None)
        sla_report.measure(report, reader, now=NOW, at_most=None if smoke else PAGE_AT_MOST)
    report.exit()


if __name__ == "__main__":
    main()
