"""The list's rows, drawn once for all the boards that ask for them at the same moment.

Which rows a user gets is decided for each of them, by a query; what a row looks like is the same for everyone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zlib import crc32

from django.core.cache import cache
from django.template.loader import get_template
from django.utils import timezone
from django.utils.safestring import mark_safe

from dispatch.models import Job

SECONDS = 10  # the names of a customer, technician or skill change without a new version of the job


# id, version, created_at, when its arrival was predicted, and why nobody has it
Seen = tuple[int, int, datetime, datetime | None, str]
ATTRIBUTE = " data-version="  # that every row has


def seen_of(jobs):
    """A queryset of `Seen`."""
    return jobs.values_list("pk", "version", "created_at", "arrival__predicted_at", "why_unassigned")


def rows_of(jobs: Sequence[Seen], *, now: datetime) -> list[str]:
    """A job that has changed since its version was read is left out.

    Its user may no longer be allowed to see it, and the event of that change is on its way.
    """
    keys = [_key(*job) for job in jobs]
    rows = cache.get_many(keys)
    if missing := [job for job, key in zip(jobs, keys, strict=True) if key not in rows]:
        drawn = _draw([pk for pk, *_ in missing], now=now)
        cache.set_many(drawn, SECONDS)
        rows |= drawn
    return [rows[key] for key in keys if key in rows]


def as_swaps(rows: Iterable[str]) -> list[str]:
    """For a page that shows other states of these rows: each takes the place of its own."""
    return [mark_safe(row.replace(ATTRIBUTE, f' hx-swap-oob="true"{ATTRIBUTE}', 1)) for row in rows]  # drawn by _draw


def _key(pk: int, version: int, created_at: datetime, predicted_at: datetime | None, why_unassigned: str) -> str:
    predicted = predicted_at.timestamp() if predicted_at else ""
    why = crc32(why_unassigned.encode())
    # With its creation, for ids come again where a database is emptied.
    return f"row.{pk}.{version}.{predicted}.{why}.{created_at.timestamp()}"


def _key_of(job: Job) -> str:
    predicted_at = job.prediction and job.prediction.predicted_at
    return _key(job.pk, job.version, job.created_at, predicted_at, job.why_unassigned)


def _draw(ids: list[int], *, now: datetime) -> dict[str, str]:
    row = get_template("dispatch/board_list.html#job_row")
    context = {"now": now, "today": timezone.localdate(now)}
    jobs = Job.objects.filter(pk__in=ids).with_board_info()
    return {_key_of(job): row.render(context | {"job": job}) for job in jobs}
