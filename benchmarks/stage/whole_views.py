"""The days that the views of the board are measured on, each on its own so that they do not add up."""

from datetime import date, timedelta

from dispatch.arrivals import refresh_everyone

DAYS_AHEAD = {"lanes": 0, "map": 3, "week": 21, "month": 70}


def prepare(company, budget, *, share: int) -> tuple[date, date]:
    """Fills the days of a view with its jobs, or with one part of `share` of them; returns the first and the last."""
    first = company.today + timedelta(days=DAYS_AHEAD[budget.view])
    if budget.view == "week":
        first -= timedelta(days=first.weekday())
    if budget.view == "month":
        first = first.replace(day=1)
    if budget.view == "lanes":
        _clear(company.today)
    company.fill_days(first, budget.days, budget.jobs // share)
    refresh_everyone(now=company.now)
    return first, first + timedelta(days=budget.days - 1)


def _clear(today: date) -> None:
    """The list's jobs go to yesterday: the lanes' day has its own."""
    from dispatch.models import Job

    Job.objects.filter(scheduled_on=today).update(scheduled_on=today - timedelta(days=1))


def urls_of(view: str, day: date) -> list[str]:
    """The page, and what it fetches for itself each time."""
    return {
        "lanes": [f"/board/?day={day}"],
        "week": [f"/board/week/?day={day}"],
        "month": [f"/board/month/?day={day}"],
        "map": [f"/board/map/?day={day}", f"/board/map/data/?day={day}"],
    }[view]


def few_and_many(comparison, company, budget, first: date) -> tuple[int, int]:
    """The queries of the view with few and with many jobs, on days that are alike: today has some of its own."""
    quiet, busy = (first + timedelta(days=days) for days in (400, 460))
    company.fill_days(quiet, 1, 24)
    company.fill_days(busy, 1, 240)
    refresh_everyone(now=company.now)
    few, many = (queries_of(comparison, urls_of(budget.view, day)) for day in (quiet, busy))
    return few, many


def queries_of(comparison, urls: list[str]) -> int:
    return sum(comparison.queries(url) for url in urls)
