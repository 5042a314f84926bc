"""The views of the board against Django admin's changelist of the same rows, in one run, and in a real browser.

python benchmarks/board.py [--smoke] [--only list|views]
"""

import argparse
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import stage

QUERIES_AT_MOST = 15
RATIO_AT_MOST = 1.0
# Rows that no board has asked for in the last seconds are drawn: with a tick, a menu and a prediction that the
# changelist has not. Two runs of the same differ by 0.1.
RATIO_OF_FIRST_LOOK = 1.25
SLACK_OF_FEW_ROUNDS = 1.3
SEARCH = "juniper"


@dataclass(frozen=True)
class View:
    name: str
    query: dict[str, str]

    @property
    def url(self) -> str:
        return f"/board/list/?{urlencode(self.query)}"

    @property
    def peer_url(self) -> str:
        return f"/peer/dispatch/job/?{urlencode({'q': self.query['q']} if 'q' in self.query else {})}"


def views() -> list[View]:
    from dispatch.board.filters import DEFAULT_SORT, SORTS

    sorts = [View(f"sort {key}", {"sort": key}) for key in SORTS if key != DEFAULT_SORT]
    whole = [View("all days", {"day": "all"}), View("search all days", {"day": "all", "q": SEARCH})]
    return [View("today", {}), View("search", {"q": SEARCH}), *whole, *sorts]


class Comparison:
    def __init__(self, user, *, today):
        from django.conf import settings
        from django.test import Client

        settings.ROOT_URLCONF = "stage.peer"
        self.client = Client(SERVER_NAME="localhost")
        self.client.force_login(user)
        self.today = today

    def prepare_peer(self, view: View) -> None:
        from stage.peer import PEER

        from dispatch.board.filters import DEFAULT_SORT, SORTS
        from dispatch.models import Job

        PEER.ordering = SORTS[view.query.get("sort", DEFAULT_SORT)]
        is_all = view.query.get("day") == "all"

        def rows(user):
            jobs = Job.objects.visible_to(user)
            return jobs if is_all else jobs.for_dispatch_day(self.today, today=self.today)

        PEER.rows = rows

    def get(self, url: str):
        response = self.client.get(url)
        if response.status_code != 200:
            raise SystemExit(f"{url}: {response.status_code} {response.headers.get('Location', '')}")
        return response

    def queries(self, url: str) -> int:
        from django.core.cache import cache
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self.get(url)  # what is loaded once does not count
        cache.clear()  # and no row has been drawn
        with CaptureQueriesContext(connection) as captured:
            self.get(url)
        return len(captured)

    def seconds(self, url: str) -> float:
        begun = time.perf_counter()
        self.get(url)
        return time.perf_counter() - begun

    def gzip_kb(self, urls: list[str]) -> float:
        """On the wire, without what is fetched once and kept."""
        answers = [self.client.get(url, headers={"Accept-Encoding": "gzip"}) for url in urls]
        return round(sum(len(answer.content) for answer in answers) / 1024, 1)

    def shown(self, url: str) -> list[str]:
        html = self.get(url).content.decode()
        return re.findall(r'<tr id="job-row-(\d+)"', html) or re.findall(r"/peer/dispatch/job/(\d+)/change/", html)

    def interleaved(self, *urls: str, rounds: int, forgets_first: bool = False) -> list[list[float]]:
        """`forgets_first`: the first of each round finds no rows that have been drawn already."""
        from django.core.cache import cache

        for url in urls * 3:
            self.get(url)
        taken = []
        for _ in range(rounds):
            if forgets_first:
                cache.clear()
            taken.append([self.seconds(url) for url in urls])
        return [list(column) for column in zip(*taken, strict=True)]


def rows_url(comparison: Comparison) -> str:
    pk = comparison.shown("/board/list/")[0]
    return f"/board/rows/?ids={pk}&present={pk}"


def count_queries(comparison: Comparison) -> dict[str, tuple[int, int]]:
    """What each view takes, ours and the peer's."""
    counts = {}
    for view in views():
        comparison.prepare_peer(view)
        counts[view.name] = comparison.queries(view.url), comparison.queries(view.peer_url)
    return counts | {"changed row": (comparison.queries(rows_url(comparison)), 0)}


def compare(comparison: Comparison, view: View, *, rounds: int) -> dict:
    comparison.prepare_peer(view)
    ours, theirs = comparison.shown(view.url), comparison.shown(view.peer_url)
    if ours != theirs:
        raise SystemExit(f"{view.name}: the two show different rows: {ours} {theirs}")
    first, again, theirs = comparison.interleaved(view.url, view.url, view.peer_url, rounds=rounds, forgets_first=True)
    figures = _ratio(again, theirs, names=("board", "admin"))
    at_first = _ratio(first, theirs, names=("first_look", "admin"))
    return {"rows": len(ours), **figures, "first_look": at_first["first_look"], "first_look_ratio": at_first["ratio"]}


def compare_row(comparison: Comparison, *, rounds: int) -> dict:
    taken = comparison.interleaved(rows_url(comparison), "/board/list/", rounds=rounds)
    return {"rows": 1, **_ratio(*taken, names=("board_rows", "board_list"))}


# Lanes, week, month and map ------------------------------------------------------------------------


@dataclass(frozen=True)
class Budget:
    """What a view with all its jobs may take. Milliseconds are of the two cores that README.md names."""

    view: str
    jobs: int
    days: int  # on how many they lie
    server_ms: int
    gzip_kb: int
    first_render_ms: int
    layout_ms: int


BUDGETS = [
    Budget("lanes", jobs=1000, days=1, server_ms=1000, gzip_kb=120, first_render_ms=2500, layout_ms=400),
    Budget("week", jobs=2000, days=7, server_ms=1200, gzip_kb=160, first_render_ms=2500, layout_ms=600),
    Budget("month", jobs=2000, days=28, server_ms=400, gzip_kb=40, first_render_ms=1500, layout_ms=300),
    Budget("map", jobs=2000, days=1, server_ms=800, gzip_kb=60, first_render_ms=1500, layout_ms=600),
]
DROP_MS = 2000  # from the drop to the lane with the job in it
SLACK_OF_SMOKE = 4  # a shared machine of the day: only what has gone badly wrong is found there


def measure_whole_views(company, comparison: Comparison, report, *, is_smoke: bool) -> None:
    from stage.browser import Browser
    from stage.whole_views import few_and_many, prepare, queries_of, urls_of

    stages = {budget.view: prepare(company, budget, share=10 if is_smoke else 1) for budget in BUDGETS}
    slack = SLACK_OF_SMOKE if is_smoke else 1
    with Browser(company.dispatcher("bea", zones=None)) as browser:
        for budget in BUDGETS:
            first, last = stages[budget.view]
            urls = urls_of(budget.view, first)
            few, many = few_and_many(comparison, company, budget, first)
            figures = compare_whole(comparison, urls, first, last, rounds=3 if is_smoke else 15)
            figures |= {"queries": queries_of(comparison, urls), "gzip_kb": comparison.gzip_kb(urls)} | browser.open(
                urls[0], budget.view
            )
            report.line(view=budget.view, **figures)
            report.check(few == many, f"{budget.view} takes as many queries with few jobs as with many")
            for name in ("gzip_kb", "first_render_ms", "layout_ms"):
                allowed = getattr(budget, name) * (1 if name == "gzip_kb" else slack)
                report.check(figures[name] <= allowed, f"{budget.view}: {name} at most {allowed}")
            allowed = budget.server_ms * slack
            report.check(figures["board"]["p50"] <= allowed, f"{budget.view}: server at most {allowed} ms")
        drop = browser.drop(urls_of("lanes", stages["lanes"][0])[0], drops=3 if is_smoke else 10)
        report.line(view="drop", **drop)
        report.check(drop["p50"] <= DROP_MS * slack, f"a drop is confirmed within {DROP_MS * slack} ms")


def compare_whole(comparison: Comparison, urls: list[str], first, last, *, rounds: int) -> dict:
    """A view's page, with what it fetches for itself, against one changelist of all its jobs."""
    from stage.peer import PEER

    from dispatch.models import Job

    PEER.rows = lambda user: Job.objects.visible_to(user).on_days(first, last)
    PEER.ordering, PEER.list_per_page = ("pk",), 5000
    *ours, theirs = comparison.interleaved(*urls, "/peer/dispatch/job/", rounds=rounds)
    together = [sum(parts) for parts in zip(*ours, strict=True)]
    rows = len(comparison.shown("/peer/dispatch/job/"))
    return {"rows": rows, **_ratio(together, theirs, names=("board", "admin"))}


def _ratio(ours: list[float], theirs: list[float], *, names: tuple[str, str]) -> dict:
    """Milliseconds of both, and the median of ours over the median of theirs."""
    figures = {name: stage.percentiles_ms(taken, 50, 95) for name, taken in zip(names, (ours, theirs), strict=True)}
    return {**figures, "ratio": round(stage.percentile(ours, 50) / stage.percentile(theirs, 50), 3)}


def measure_list(company, comparison: "Comparison", report, *, few: int, many: int, is_smoke: bool) -> None:
    rounds = 6 if is_smoke else 60
    company.add_jobs(few, open_today=few // 2)
    before = count_queries(comparison)
    company.add_jobs(many - few, open_today=min(2000, many // 2) - few // 2)
    after = count_queries(comparison)
    for view in views():
        figures = compare(comparison, view, rounds=rounds)
        ours, theirs = after[view.name]
        report.line(view=view.name, jobs=many, queries=ours, admin_queries=theirs, **figures)
        for key, allowed in {"ratio": RATIO_AT_MOST, "first_look_ratio": RATIO_OF_FIRST_LOOK}.items():
            allowed *= SLACK_OF_FEW_ROUNDS if is_smoke else 1
            report.check(figures[key] <= allowed, f"{view.name}: {key} at most {allowed:.2f} of the admin's changelist")
        report.check(ours <= QUERIES_AT_MOST, f"{view.name} takes at most {QUERIES_AT_MOST} queries")
    figures = compare_row(comparison, rounds=rounds)
    report.line(view="changed row", jobs=many, queries=after["changed row"][0], **figures)
    for name, (ours, _) in after.items():
        report.check(ours == before[name][0], f"{name} takes as many queries with {many} jobs as with {few}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a small company, few rounds")
    parser.add_argument("--only", choices=("list", "views"), help="the list, or the other views with all their jobs")
    options = parser.parse_args()
    few, many = (200, 1000) if options.smoke else (500, 50_000)
    report = stage.Report("board")
    with stage.services():
        from stage.company import Company

        company = Company(customers=500 if options.smoke else 12_000)
        comparison = Comparison(company.dispatcher("dana", zones=company.zones[:10]), today=company.today)
        if options.only != "views":
            measure_list(company, comparison, report, few=few, many=many, is_smoke=options.smoke)
        if options.only != "list":
            measure_whole_views(company, comparison, report, is_smoke=options.smoke)
    report.exit()


if __name__ == "__main__":
    main()
