"""Telling technicians what an action means for them, in words. Called where the journal knows what it changed."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from django.urls import reverse
from django.utils import timezone

from dispatch.models import Job, Priority
from dispatch.notices.news import TIMES, Change, Kind, News, news_of
from dispatch.notices.notify import Message, tell
from technicians.models import Technician

MOST_NAMED: Final = 6  # more jobs than this are not listed in a sentence
SEVERAL: Final = {
    Kind.ASSIGNED: "{count} jobs assigned: {jobs}",
    Kind.UNASSIGNED: "{count} jobs are no longer yours: {jobs}",
    Kind.CANCELLED: "{count} jobs cancelled: {jobs}",
    Kind.CHANGED: "{count} of your jobs have changed: {jobs}",
    Kind.DAY_REORDERED: "Your jobs have new times: {jobs}",
}


def tell_technicians(changes: Iterable[Change], *, by, now: datetime) -> None:
    """Each of them once for each kind of news; not who did it themselves."""
    news = news_of(changes, today=timezone.localdate(now))
    if not news:
        return
    ids = {job_id for one in news for job_id in one.job_ids}
    jobs = Job.objects.select_related("site", "job_type", "technician__user").in_bulk(ids)
    people = {job.technician_id: job.technician for job in jobs.values() if job.technician_id}
    if absent := {one.technician_id for one in news} - people.keys():
        people |= Technician.objects.select_related("user").in_bulk(absent)
    messages = [
        _message(one, people[one.technician_id], [jobs[job_id] for job_id in one.job_ids], now=now)
        for one in news
        if by is None or people[one.technician_id].user_id != by.pk
    ]
    tell(messages, now=now)


def tell_of_new_address(jobs: Iterable[Job], *, by, now: datetime) -> None:
    """Of jobs whose site has been corrected: no job has changed, but where it is."""
    today = timezone.localdate(now)
    coming = [job for job in jobs if job.technician_id and (job.scheduled_on is None or job.scheduled_on >= today)]
    changed = frozenset({"site_id"})
    messages = [
        _message(News(job.technician_id, Kind.CHANGED, (job.pk,), changed), job.technician, [job], now=now)
        for job in coming
        if by is None or job.technician.user_id != by.pk
    ]
    tell(messages, now=now)


def _message(news: News, technician: Technician, jobs: list[Job], *, now: datetime) -> Message:
    single = jobs[0] if len(jobs) == 1 else None
    text = _of_one(news, single, now=now) if single else _of_several(news.kind, jobs, now=now)
    has_it = single is not None and news.kind not in (Kind.UNASSIGNED, Kind.CANCELLED)
    several = () if single else news.job_ids
    url = "" if has_it else reverse("phone")
    return Message(technician.user, news.kind, text, job=single, url=url, job_ids=several)


def _of_one(news: News, job: Job, *, now: datetime) -> str:
    what = f"{job.number} {job.title}, {job.site.address}"
    if news.kind == Kind.ASSIGNED:
        urgent = f"{job.get_priority_display()}: " if job.priority > Priority.NORMAL else ""
        return f"{urgent}{what}, {_when(job, now=now)}"
    if news.kind == Kind.UNASSIGNED:
        return f"No longer yours: {what}, {_when(job, now=now)}"
    if news.kind == Kind.CANCELLED:
        return f"Cancelled: {what}, {_when(job, now=now)}"
    return f"{job.number} {job.title}: {'; '.join(_changed(news.fields, job, now=now))}"


def _changed(fields: frozenset[str], job: Job, *, now: datetime) -> list[str]:
    said = [f"now {_when(job, now=now)}"] if fields & set(TIMES) else []
    if "site_id" in fields:
        said.append(f"the address is {job.site.address}")
    if "priority" in fields:
        said.append(f"priority {job.get_priority_display()}")
    if "held_at" in fields:
        said.append(f"on hold: {job.hold_reason}" if job.is_on_hold else "no longer on hold")
    if "description" in fields:
        said.append("the description has changed")
    return said


def _of_several(kind: Kind, jobs: list[Job], *, now: datetime) -> str:
    if kind == Kind.DAY_REORDERED:
        jobs = sorted(jobs, key=lambda job: (job.scheduled_on is None, job.scheduled_on, _starts_at(job, now), job.pk))
        named = [f"{_when(job, now=now)} {job.number}" for job in jobs[:MOST_NAMED]]
    else:
        named = [job.number for job in jobs[:MOST_NAMED]]
    more = [f"{len(jobs) - MOST_NAMED} more"] if len(jobs) > MOST_NAMED else []
    return SEVERAL[kind].format(count=len(jobs), jobs=", ".join([*named, *more]))


def _starts_at(job: Job, now: datetime) -> datetime:
    return job.planned_starts_at or job.window_starts_at or now


def _when(job: Job, *, now: datetime) -> str:
    """“today 13:00”, “Fri 21 Nov 08:00–10:00”, “no date yet”"""
    if job.scheduled_on is None:
        return "no date yet"
    day = job.scheduled_on
    name = "today" if day == timezone.localdate(now) else f"{day:%a} {day.day} {day:%b}"
    if job.planned_starts_at:
        return f"{name} {timezone.localtime(job.planned_starts_at):%H:%M}"
    if job.window_starts_at:
        block = (timezone.localtime(at) for at in (job.window_starts_at, job.window_ends_at))
        return f"{name} " + "–".join(f"{at:%H:%M}" for at in block)
    return name
