"""The board's list page against Django admin's changelist of the same 50 rows, in one run.

python benchmarks/board.py [--smoke]
"""

import argparse
import re
import time
from dataclasses import dataclass
from urllib.parse import urlencode

import stage

QUERIES_AT_MOST = 15
NOISE = 1.1  # two runs of the same thing differ by less
NOISE_OF_FEW_ROUNDS = 1.6
SEARCH = "juniper"


@dataclass(frozen=True)
class View:
    name: str
    query: dict[str, str]

    @property
    def url(self) -> str:
        return f"/board/?{urlencode(self.query)}"

    @property
    def peer_url(self) -> str:
        return f"/peer/dispatch/job/?{urlencode({'q': self.query['q']} if 'q' in self.query else {})}"


def views() -> list[View]:
    from dispatch.filters import DEFAULT_SORT, SORTS

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

        from dispatch.filters import DEFAULT_SORT, SORTS
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
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        self.get(url)  # what is loaded once does not count
        with CaptureQueriesContext(connection) as captured:
            self.get(url)
        return len(captured)

    def seconds(self, url: str) -> float:
        begun = time.perf_counter()
        self.get(url)
        return time.perf_counter() - begun

    def shown(self, url: str) -> list[str]:
        html = self.get(url).content.decode()
        return re.findall(r'<tr id="job-row-(\d+)"', html) or re.findall(r"/peer/dispatch/job/(\d+)/change/", html)

    def interleaved(self, *urls: str, rounds: int) -> list[list[float]]:
        for url in urls * 3:
            self.get(url)
        taken = [[self.seconds(url) for url in urls] for _ in range(rounds)]
        return [list(column) for column in zip(*taken, strict=True)]


def rows_url(comparison: Comparison) -> str:
    pk = comparison.shown("/board/")[0]
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
    taken = comparison.interleaved(view.url, view.peer_url, rounds=rounds)
    return {"rows": len(ours), **_ratio(*taken, names=("board", "admin"))}


def compare_row(comparison: Comparison, *, rounds: int) -> dict:
    taken = comparison.interleaved(rows_url(comparison), "/board/", rounds=rounds)
    return {"rows": 1, **_ratio(*taken, names=("board_rows", "board"))}


def _ratio(ours: list[float], theirs: list[float], *, names: tuple[str, str]) -> dict:
    """Milliseconds of both, and the median of ours over the median of theirs."""
    figures = {name: stage.percentiles_ms(taken, 50, 95) for name, taken in zip(names, (ours, theirs), strict=True)}
    return {**figures, "ratio": round(stage.percentile(ours, 50) / stage.percentile(theirs, 50), 3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a small company, few rounds")
    options = parser.parse_args()
    few, many, rounds = (200, 1000, 15) if options.smoke else (500, 50_000, 60)
    report = stage.Report("board")
    with stage.services():
        from stage.company import Company

        company = Company(customers=500 if options.smoke else 12_000)
        dana = company.dispatcher("dana", zones=company.zones[:10])
        company.add_jobs(few, open_today=few // 2)
        comparison = Comparison(dana, today=company.today)
        before = count_queries(comparison)
        company.add_jobs(many - few, open_today=min(2000, many // 2) - few // 2)
        after = count_queries(comparison)
        for view in views():
            figures = compare(comparison, view, rounds=rounds)
            ours, theirs = after[view.name]
            report.line(view=view.name, jobs=many, queries=ours, admin_queries=theirs, **figures)
            noise = NOISE_OF_FEW_ROUNDS if options.smoke else NOISE
            report.check(figures["ratio"] <= noise, f"{view.name} is not slower than the admin's changelist")
            report.check(ours <= QUERIES_AT_MOST, f"{view.name} takes at most {QUERIES_AT_MOST} queries")
        figures = compare_row(comparison, rounds=rounds)
        report.line(view="changed row", jobs=many, queries=after["changed row"][0], **figures)
        for name, (ours, _) in after.items():
            report.check(ours == before[name][0], f"{name} takes as many queries with {many} jobs as with {few}")
    report.exit()


if __name__ == "__main__":
    main()
