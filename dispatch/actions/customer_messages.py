"""What customers say through their link, and what dispatchers answer."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from dispatch.actions.base import ActionRefused, bump, check_may_dispatch, fresh, publish_job
from dispatch.actions.customer_links import queue, standing_link
from dispatch.actions.edit import edit_job
from dispatch.actions.journal import board_action
from dispatch.actions.place import ANYWAY, ASK, place_job
from dispatch.customer_link.words import wish_in_words
from dispatch.models import CustomerDelivery, CustomerLink, CustomerMessage, Job, Rating, Status
from dispatch.notices.notify import Kind as NoticeKind
from dispatch.notices.notify import dispatchers_of, notify
from dispatch.placement import Placement
from dispatch.smart import suggestions
from dispatch.webhooks import events

Kind = CustomerMessage.Kind
Answer = CustomerMessage.Answer

MOST_AN_HOUR: Final = 12
MOST_OF_A_JOB: Final = 60
FARTHEST: Final = timedelta(days=180)


@transaction.atomic
def write_as_customer(link: CustomerLink, kind: str, text: str = "", *, now: datetime | None = None) -> CustomerMessage:
    """Ready, how to get in, or anything else: the technician reads it, and the office what has words."""
    now = now or timezone.now()
    job = _open_job(link)
    text = text.strip()
    if kind == Kind.READY and (said := said_by(link).filter(kind=Kind.READY).first()):
        return said
    if kind != Kind.READY and not text:
        raise ActionRefused("Write something first.", job)
    same = said_by(link).filter(kind=kind, text=text, sent_at__gt=now - timedelta(seconds=30)).first()
    if same:  # a second tap
        return same
    _check_not_too_many(job, now=now)
    message = CustomerMessage.objects.create(job=job, customer_id=job.customer_id, kind=kind, text=text, sent_at=now)
    events.tell_of_customer(message, now=now)
    people = [job.technician.user] if job.technician else []
    if kind != Kind.READY:
        people += dispatchers_of(job.zone_id)
    said = f"{job.number} {job.customer}: {text or message.get_kind_display().lower()}"
    notify(people, NoticeKind.CUSTOMER_WROTE, said, job=job, now=now)
    _show(job, now=now)
    return message


@transaction.atomic
def ask_other_time(
    link: CustomerLink, *, starts_at: datetime, ends_at: datetime, text: str = "", now: datetime | None = None
) -> CustomerMessage:
    """Only a wish: the job stays where it is until a dispatcher takes it."""
    now = now or timezone.now()
    job = _open_job(link)
    if job.status not in (Status.CREATED, Status.ASSIGNED):
        raise ActionRefused("Your visit is under way: please call us.", job)
    if not now < starts_at < ends_at:
        raise ActionRefused("Choose a time that is still to come.", job)
    if starts_at > now + FARTHEST:
        raise ActionRefused("Choose a day within the next six months, or call us.", job)
    if said_by(link).filter(kind=Kind.OTHER_TIME, answer="").exists():
        raise ActionRefused("You have asked for another time already: we answer it first.", job)
    _check_not_too_many(job, now=now)
    wish = CustomerMessage.objects.create(
        job=job,
        customer_id=job.customer_id,
        kind=Kind.OTHER_TIME,
        text=text.strip(),
        wanted_starts_at=starts_at,
        wanted_ends_at=ends_at,
        sent_at=now,
    )
    events.tell_of_customer(wish, now=now)
    said = f"{job.number} {job.customer} asks for {wish_in_words(wish)} instead"
    said += f": {wish.text}" if wish.text else "."
    notify(dispatchers_of(job.zone_id), NoticeKind.OTHER_TIME, said, job=job, once_key=f"wish.{wish.pk}", now=now)
    _show(job, now=now)
    return wish


@transaction.atomic
def rate_visit(link: CustomerLink, stars: int, comment: str = "", *, now: datetime | None = None) -> Rating:
    """May be changed as long as the link works."""
    now = now or timezone.now()
    job = fresh(link.job)
    if job.status != Status.COMPLETED:
        raise ActionRefused("You can rate the visit once it is done.", job)
    values = {"stars": stars, "comment": comment.strip()}
    if same := Rating.objects.filter(job=job, **values).first():  # a second tap
        return same
    values["rated_at"] = now
    rating, _ = Rating.objects.update_or_create(job=job, defaults=values)
    told = {"stars": rating.stars, "comment": rating.comment}
    events.tell(events.Kind.RATED, job=job, content=told, now=now)
    _show(job, now=now)
    return rating


@transaction.atomic
def accept_other_time(
    wish: CustomerMessage, *, by, anyway: bool = False, base_version: int | None = None, now: datetime | None = None
) -> Job:
    """The time block is the customer's from now on, and the start its beginning. One board action: undone as one.

    Raises PlacementConflict where something speaks against it, unless `anyway`.
    """
    now = now or timezone.now()
    check_may_dispatch(by)
    starts_at, ends_at = wish.wanted_starts_at, wish.wanted_ends_at
    day = timezone.localdate(starts_at)
    with board_action(by=by, now=now, label=f"Took the customer's time for {wish.job.number}") as entry:
        entry.watch([wish.job])
        job = fresh(wish.job)
        _check_is_theirs(wish, job)
        if job.status not in (Status.CREATED, Status.ASSIGNED):
            raise ActionRefused(f"{job.number} is {job.get_status_display()} by now.", job)
        if starts_at <= now:
            raise ActionRefused("The time that the customer asked for is over.", job)
        _answer(wish, Answer.ACCEPTED, "", by=by, now=now)
        block = {"scheduled_on": day, "window_starts_at": starts_at, "window_ends_at": ends_at}
        edit_job(job, block, by=by, base_version=job.version if base_version is None else base_version, now=now)
        start = starts_at if job.technician or job.planned_starts_at else None
        placement = Placement(job.technician, day, start)
        job = place_job(job, placement, by=by, on_conflict=ANYWAY if anyway else ASK, now=now)
    _tell_answer(wish, job, now=now)
    return job


@transaction.atomic
def decline_other_time(wish: CustomerMessage, text: str, *, by, now: datetime | None = None) -> CustomerMessage:
    now = now or timezone.now()
    check_may_dispatch(by)
    job = fresh(wish.job)
    _check_is_theirs(wish, job)
    if not text.strip():
        raise ActionRefused("Tell the customer why, or what else would do.", job)
    _answer(wish, Answer.DECLINED, text.strip(), by=by, now=now)
    _tell_answer(wish, job, now=now)
    _show(job, now=now)
    wish.refresh_from_db()
    return wish


def _check_is_theirs(wish: CustomerMessage, job: Job) -> None:
    if wish.customer_id != job.customer_id:
        raise ActionRefused(f"{job.number} is another customer's by now: {wish.customer} asked for this.", job)


def _answer(wish: CustomerMessage, answer: str, text: str, *, by, now: datetime) -> None:
    unanswered = CustomerMessage.objects.filter(pk=wish.pk, kind=Kind.OTHER_TIME, answer="")
    if not unanswered.update(answer=answer, answer_text=text, answered_at=now, answered_by=by):
        wish.refresh_from_db()
        raise ActionRefused(f"{wish.answered_by} has answered this already: {wish.get_answer_display()}.", wish.job)


def _tell_answer(wish: CustomerMessage, job: Job, *, now: datetime) -> None:
    link = standing_link(job)
    if link and wish.sent_at >= link.created_at:
        queue(link, job, CustomerDelivery.Kind.ANSWER, once_key=f"answer.{wish.pk}", now=now)


def said_by(link: CustomerLink) -> QuerySet:
    """Not by whom an earlier link of the job was: it may have been another customer, or in wrong hands."""
    return CustomerMessage.objects.filter(job=link.job_id, sent_at__gte=link.created_at)


def _open_job(link: CustomerLink) -> Job:
    """Locked: of two wishes at once only one is taken."""
    Job.objects.select_for_update(no_key=True).only("pk").get(pk=link.job_id)
    job = fresh(link.job)
    if not job.is_open:
        raise ActionRefused("This visit is over.", job)
    return job


def _check_not_too_many(job: Job, *, now: datetime) -> None:
    said = job.customer_messages.all()
    if said.count() >= MOST_OF_A_JOB or said.filter(sent_at__gt=now - timedelta(hours=1)).count() >= MOST_AN_HOUR:
        raise ActionRefused("That is many messages: please call us instead.", job)


def _show(job: Job, *, now: datetime) -> None:
    """As with a note: pages show it, and a suggestion that stands keeps standing."""
    bump(job)
    suggestions.keep_beside_note(job)
    publish_job(job, now=now)
