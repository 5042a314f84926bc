"""The SLA report over a month and a year of made-up history: its time, its queries and the plans of those.

Import after `stage.services` began.
"""

import json
import time
from collections.abc import Iterator
from datetime import timedelta

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from sla.figures import Filters
from sla.models import CLOCKS
from sla.periods import Period
from sla.reports import load_report

ROUNDS = 3
SCANS = {f"Index Only Scan {model._meta.model_name}_decided" for model in CLOCKS}


def measure(report, user, *, now, at_most: float | None) -> None:
    """`at_most`: the page over a year against one bare count of the same rows; none: too few rows to say."""
    today = timezone.localdate(now)
    queries = set()
    for days in (1, 30, 365):
        period = Period(today - timedelta(days=days - 1), today)
        read, floor = _fastest(lambda period=period: _bare(period))
        figures, loading = _fastest(lambda period=period: load_report(user, Filters(), period, period.before))
        _, answering = _fastest(lambda period=period: _page(user, period))
        with CaptureQueriesContext(connection) as captured:
            load_report(user, Filters(), period, period.before)
        queries.add(len(captured))
        scans = set(_plans(captured))
        report.line(
            part="report",
            days=days,
            clocks=sum(sum(outcomes.values()) for outcomes in read.values()),
            queries=len(captured),
            ms={"bare": _ms(floor), "figures": _ms(loading), "page": _ms(answering)},
            ratio=round(answering / floor, 1),
            scans=sorted(scans),
        )
        _check(report, figures, read, period)
        if at_most:
            report.check(scans <= SCANS, f"{days} days: the report reads clocks from their indexes alone")
            report.check(days < 365 or answering / floor <= at_most, f"the page takes at most {at_most} bare counts")
    report.check(len(queries) == 1, "as many queries for a year as for a day")


def _fastest(call) -> tuple[object, float]:
    taken = []
    for _ in range(ROUNDS):
        begun = time.perf_counter()
        found = call()
        taken.append(time.perf_counter() - begun)
    return found, min(taken)


def _bare(period: Period) -> dict:
    """(kind, period) -> how many of each outcome, by one statement each."""
    zone = timezone.get_current_timezone()
    found = {}
    with connection.cursor() as cursor:
        for model in CLOCKS:
            for one in (period, period.before):
                cursor.execute(
                    f"SELECT state, count(*) FROM {model._meta.db_table}"  # noqa: S608
                    " WHERE decided_at >= %s AND decided_at < %s GROUP BY state",
                    one.instants(zone),
                )
                found[model.kind, one] = dict(cursor.fetchall())
    return found


def _page(user, period: Period) -> bytes:
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    answer = client.get(reverse("sla_report"), {"from": period.first.isoformat(), "to": period.last.isoformat()})
    if answer.status_code != 200:
        raise SystemExit(f"The report answers {answer.status_code}.")
    return answer.content


def _check(report, figures, read: dict, period: Period) -> None:
    for kind in figures.kinds:
        for totals, one in ((kind.totals, period), (kind.before, period.before)):
            bare = read[kind.kind, one]
            same = (totals.tally.met, totals.tally.breached) == (bare.get("met", 0), bare.get("breached", 0))
            report.check(same, f"{kind.kind} from {one.first}: as many met and breached as a bare count says")


def _plans(captured) -> Iterator[str]:
    """How each query reads the clocks: the kind of scan, and the index."""
    tables = {model._meta.db_table for model in CLOCKS}
    for query in captured:
        if any(table in query["sql"] for table in tables):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
                plan = cursor.fetchone()[0]
            plan = json.loads(plan) if isinstance(plan, str) else plan
            yield from _scans(plan[0]["Plan"], tables)


def _scans(node: dict, tables: set[str]) -> Iterator[str]:
    inner = node.get("Plans", [])
    if node.get("Relation Name") in tables:
        index = node.get("Index Name") or next((one["Index Name"] for one in inner if "Index Name" in one), "")
        yield f"{node['Node Type']} {index}".strip()
    for one in inner:
        yield from _scans(one, tables)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
