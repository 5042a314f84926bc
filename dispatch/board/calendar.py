"""What the calendar's week and month have in common: their days, whose days they are, and how full."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

from dispatch.board.filters import JobFilter
from dispatch.board.frame import Frame
from dispatch.models import Job, Status
from technicians.models import Technician

DAY, WEEK = timedelta(days=1), timedelta(days=7)
EARLIEST, LATEST = date(1970, 1, 5), date(2200, 12, 28)  # the last weeks that a time zone can still be asked about
NOBODY = "none"  # the technician filter's word, and the key of the row of unassigned jobs


def week_of(day: date) -> tuple[date, date]:
    day = min(max(day, EARLIEST), LATEST)
    monday = day - DAY * day.weekday()
    return monday, monday + DAY * 6


def month_of(day: date) -> tuple[date, date]:
    """The whole weeks that hold the day's month."""
    day = min(max(day, EARLIEST), LATEST)
    return week_of(day.replace(day=1))[0], week_of(day.replace(day=monthrange(day.year, day.month)[1]))[1]


def days_between(first: date, last: date) -> list[date]:
    return [first + DAY * number for number in range((last - first).days + 1)]


def day_query(frame: Frame, day: date) -> str:
    """The query string with which another view shows that day with the same filters."""
    params = frame.params.copy()
    for own in ("page", "ids", "present", "from", "to"):
        params.pop(own, None)
    params["day"] = day.isoformat()
    return params.urlencode()


def technicians_for(job_filter: JobFilter, user):
    """Whom the user may see and the technician and zone filters let pass."""
    technicians = Technician.objects.visible_to(user).active()
    if chosen := job_filter.chosen.get("technician"):
        technicians = technicians.filter(pk__in=keys_of(chosen))
    if zones := keys_of(job_filter.chosen.get("zone", ())):
        covering = Technician.zones.through.objects.filter(servicezone__in=zones).values("technician")
        technicians = technicians.filter(pk__in=covering)
    return technicians


def keys_of(chosen: Iterable) -> list[int]:
    return [row.pk for row in chosen if row != NOBODY]


def booked(technician_ids: Iterable[int], first: date, last: date):
    """What takes these technicians' days: all their jobs, also those that filters hide."""
    jobs = Job.objects.filter(technician__in=technician_ids).on_days(first, last)
    return jobs.exclude(status=Status.CANCELLED).order_by()
