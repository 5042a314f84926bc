"""Giving customers the link to their job, and telling them by it who comes, who is on the way and that it is done.

Minted and queued in the transaction of the change that makes it due, so that neither happens without the other.
"""

from datetime import datetime, time, timedelta
from typing import Final

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import DateTimeField, Exists, ExpressionWrapper, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import TruncDate
from django.utils import timezone

from config.tokens import derived_token, hash_of, new_token
from dispatch.actions.base import ActionRefused, bump, check_may_dispatch, fresh, log_edits, publish_job
from dispatch.actions.journal import is_made_up
from dispatch.customer_link.door import PURPOSE
from dispatch.customer_link.expectation import LONGEST_DRIVE
from dispatch.models import CustomerDelivery, CustomerLink, DispatchSettings, FieldChange, Job, Status
from dispatch.models.jobs import TO_DO
from dispatch.models.rules import CustomerLinkFrom
from dispatch.queueing import enqueue_each

Kind = CustomerDelivery.Kind
Channel = CustomerDelivery.Channel
State = CustomerDelivery.State

DELIVER: Final = "dispatch.tasks.deliver_to_customer"  # by name: the tasks import the actions
KEPT_AFTER_DAY: Final = timedelta(days=7)
KEPT_AFTER_END: Final = timedelta(days=14)  # for the rating, and to see that it was cancelled
SETTLES_IN: Final = timedelta(minutes=2)  # a dispatcher may try somebody else first; then only the last one is told of
TOLD_FROM: Final = time(9)  # of the day before the visit: one message in good time
SOON: Final = timedelta(hours=1)
ASKED: Final = "asked."  # what the once_key of a link begins with that a dispatcher sends by hand
SECOND_CLICK: Final = timedelta(seconds=30)
LATER_BY: Final = timedelta(minutes=10)
MOST_DELAYS_TOLD: Final = 3
INTO_NEXT_DAY: Final = timedelta(hours=3)  # so long after midnight a window may end and still be the day before's
PASSING: Final = (Kind.COMING, Kind.EN_ROUTE, Kind.LATE)
SAYS_WHEN: Final = (*PASSING, Kind.ANSWER)
FACTS: Final = ("status", "technician_id", "customer_id")
IN_GOOD_TIME: Final = f"{Kind.COMING}."  # what the once_key of a message begins with that waits for the day before
NOT_BEGUN: Final = (Status.CREATED, Status.ASSIGNED)
STEPS: Final = (*PASSING, Kind.DONE, Kind.CANCELLED)  # a newer one of these overtakes those not sent yet


def follow_visit(job: Job, *, was: Job, now: datetime) -> None:
    """Call it in the transaction in which a job has changed, or a hold has begun or ended, from what `was` says."""
    if all(getattr(job, name) == getattr(was, name) for name in (*FACTS, "held_at")) or is_made_up():
        return
    link = standing_link(job)
    if link and job.customer_id != was.customer_id:  # whoever has it must not see the visit of somebody else
        _end(link, "Not sent: the job is another customer's by now.", now=now)
        link = None
    if link is None:
        if not _is_wanted(job):
            return
        link = make_link(job, now=now)
    _keep_open(link, job, now=now)
    kind = _news(job, was, link)
    if kind is None:
        _overtake(link)
    else:
        once_key = f"{kind}.{job.technician_id}.{now.timestamp():.3f}"
        wait = max(SETTLES_IN, good_time(job, now=now) - now) if kind == Kind.COMING else timedelta()
        queue(link, job, kind, once_key=once_key, now=now, wait=wait)


def good_time(job: Job, *, now: datetime) -> datetime:
    """Not before is a customer told of somebody who comes. Without a day there is nothing to tell yet."""
    if job.scheduled_on is None:
        return now + timedelta(days=1)
    return timezone.make_aware(datetime.combine(job.scheduled_on - timedelta(days=1), TOLD_FROM))


def standing_link(job: Job) -> CustomerLink | None:
    return CustomerLink.objects.filter(job=job, revoked_at=None).first()


def _is_wanted(job: Job) -> bool:
    if job.status not in (Status.ASSIGNED, Status.EN_ROUTE):
        return False
    if not (job.customer.email or job.customer.phone):
        return False
    begins = DispatchSettings.load().customer_link_from
    from_now_on = {CustomerLinkFrom.ASSIGNED: True, CustomerLinkFrom.EN_ROUTE: job.status == Status.EN_ROUTE}
    return from_now_on.get(begins, False)


def _news(job: Job, was: Job, link: CustomerLink) -> Kind | None:
    if all(getattr(job, name) == getattr(was, name) for name in FACTS):
        return _unsaid(job, link)
    if job.status == Status.EN_ROUTE:
        return Kind.EN_ROUTE
    sent = link.deliveries.filter(state=State.SENT)
    if job.status == Status.COMPLETED:
        return None if sent.filter(kind=Kind.DONE).exists() else Kind.DONE
    if job.status == Status.CANCELLED:
        return Kind.CANCELLED if sent.exists() else None
    is_new = (job.technician_id, job.customer_id) != (was.technician_id, was.customer_id)
    is_new = is_new or was.status in (Status.EN_ROUTE, Status.CANCELLED)
    return Kind.COMING if job.status == Status.ASSIGNED and is_new else None


def _unsaid(job: Job, link: CustomerLink) -> Kind | None:
    """Who comes, where a hold that is over has kept the customer from hearing of it."""
    if job.is_on_hold or job.status not in (Status.ASSIGNED, Status.EN_ROUTE):
        return None
    newest = link.deliveries.filter(kind__in=(Kind.COMING, Kind.EN_ROUTE)).order_by("-queued_at", "-pk").first()
    if newest and link.deliveries.filter(once_key=newest.once_key, state=State.SENT).exists():
        return None
    return Kind.EN_ROUTE if job.status == Status.EN_ROUTE else Kind.COMING


def make_link(job: Job, *, now: datetime) -> CustomerLink:
    nonce = new_token()
    values = {
        "nonce": nonce,
        "token_hash": hash_of(derived_token(PURPOSE, nonce)),
        "created_at": now,
        "expires_at": expiry_of(job, now=now),
    }
    try:
        with transaction.atomic():
            return CustomerLink.objects.create(job=job, **values)
    except IntegrityError:  # somebody else has just made one
        return CustomerLink.objects.get(job=job, revoked_at=None)


def expiry_of(job: Job, *, now: datetime) -> datetime:
    """A week after the day of the visit or, once that is over, two weeks after its end."""
    if not job.is_open:
        ended_at = (job.completed_at if job.status == Status.COMPLETED else job.cancelled_at) or now
        return ended_at + KEPT_AFTER_END
    day = max(job.scheduled_on or timezone.localdate(now), timezone.localdate(now))
    return timezone.make_aware(datetime.combine(day, time.max)) + KEPT_AFTER_DAY


def _keep_open(link: CustomerLink, job: Job, *, now: datetime) -> None:
    expires_at = expiry_of(job, now=now)
    if expires_at != link.expires_at and expires_at > link.created_at:
        CustomerLink.objects.filter(pk=link.pk).update(expires_at=expires_at)


# Telling ------------------------------------------------------------------------------------------


def ways_to(customer) -> list[tuple[str, str]]:
    """The channels by which this customer can be told, with where to. None without an address of our own to link to."""
    if not settings.SITE_URL:
        return []
    ways = [(Channel.EMAIL, customer.email)] if settings.EMAIL_HOST and customer.email else []
    return ways + ([(Channel.SMS, customer.phone)] if settings.SMS_BACKEND and customer.phone else [])


def queue(
    link: CustomerLink, job: Job, kind: str, *, once_key: str, now: datetime, wait: timedelta = timedelta()
) -> list[CustomerDelivery]:
    """Once for each key and channel, however often it is asked for."""
    if kind in STEPS:
        _overtake(link, besides=once_key)
    ways = ways_to(job.customer)
    known = {"link": link, "once_key": once_key}
    told = set(CustomerDelivery.objects.filter(**known).values_list("channel", flat=True)) if ways else set()
    instants = {"queued_at": now, "due_at": now + wait}
    new = [CustomerDelivery(kind=kind, channel=channel, to=to, **known, **instants) for channel, to in ways]
    new = [delivery for delivery in new if delivery.channel not in told]
    CustomerDelivery.objects.bulk_create(new)
    if new and not wait:  # what waits is found by the scheduled task
        enqueue_each(DELIVER, [(delivery.pk,) for delivery in new])
    return new


def _overtake(link: CustomerLink, *, besides: str = "") -> None:
    waiting = CustomerDelivery.objects.filter(link=link, state=State.QUEUED, attempts=0, kind__in=STEPS)
    waiting.exclude(once_key=besides).update(state=State.FAILED, error="Not sent: something newer had happened.")


def tell_of_delays(*, now: datetime | None = None) -> int:
    """Whoever was told of a time that will not be kept is told of the new one. Returns how many customers."""
    now = now or timezone.now()
    told = CustomerDelivery.objects.filter(link=OuterRef("pk"), kind__in=SAYS_WHEN, state=State.SENT)
    said_until = Subquery(told.order_by("-sent_at", "-pk").values("said_until")[:1])
    links = CustomerLink.objects.filter(revoked_at=None, job__held_at=None).annotate(said_until=said_until)
    soon = CustomerDelivery.objects.filter(link=OuterRef("pk"), state=State.QUEUED, due_at__lte=now + SOON)
    links = links.exclude(Exists(soon))  # which says how it is when it is sent
    return _tell_of_other_days(links, now=now) + _tell_of_later_times(links, now=now)


def _tell_of_other_days(links: QuerySet, *, now: datetime) -> int:
    to_come = links.filter(job__status__in=NOT_BEGUN, job__scheduled_on__gte=timezone.localdate(now))
    said_on = TruncDate(ExpressionWrapper(F("said_until") - INTO_NEXT_DAY, output_field=DateTimeField()))
    moved = to_come.annotate(said_on=said_on).exclude(job__scheduled_on=F("said_on"))
    count = 0
    for link in moved.filter(said_until__isnull=False).select_related("job__customer").order_by("pk")[:500]:
        once_key = f"moved.{link.said_until.timestamp():.0f}.{link.job.scheduled_on}"
        count += _tell_once(link, Kind.COMING, once_key=once_key, wait=SETTLES_IN, now=now)
    return count


def _tell_of_later_times(links: QuerySet, *, now: datetime) -> int:
    today = links.filter(job__status__in=(Status.ASSIGNED, Status.EN_ROUTE), job__scheduled_on=timezone.localdate(now))
    late = today.filter(job__arrival__arrives_at__gt=F("said_until") + LATER_BY).exclude(
        job__status=Status.EN_ROUTE, job__arrival__arrives_at__gt=now + LONGEST_DRIVE
    )
    sent = Prefetch("deliveries", CustomerDelivery.objects.filter(kind=Kind.LATE))
    count = 0
    for link in late.select_related("job__customer").prefetch_related(sent).order_by("pk")[:500]:
        if len({delivery.once_key for delivery in link.deliveries.all()}) < MOST_DELAYS_TOLD:
            once_key = f"{Kind.LATE}.{link.said_until.timestamp():.0f}"
            count += _tell_once(link, Kind.LATE, once_key=once_key, now=now)
    return count


@transaction.atomic
def _tell_once(link: CustomerLink, kind: str, *, once_key: str, now: datetime, wait: timedelta = timedelta()) -> bool:
    """Not even by what could not be sent: asking again would only overtake what is said since."""
    is_known = CustomerDelivery.objects.filter(link=link, once_key=once_key).exists()
    return not is_known and bool(queue(link, link.job, kind, once_key=once_key, now=now, wait=wait))


# Dispatchers --------------------------------------------------------------------------------------


@transaction.atomic
def send_link(job: Job, *, by, now: datetime | None = None) -> list[CustomerDelivery]:
    """Makes the job's link if it has none, and sends it by every way there is."""
    now = now or timezone.now()
    check_may_dispatch(by)
    job = fresh(job)
    link = standing_link(job)
    if link is None and not job.is_open:
        raise ActionRefused(f"{job.number} is {job.get_status_display()}: there is nothing to follow any more.", job)
    if link is None:
        link = make_link(job, now=now)
    _keep_open(link, job, now=now)
    just_sent = link.deliveries.filter(once_key__startswith=ASKED, queued_at__gt=now - SECOND_CLICK)
    if just_sent.exists():
        raise ActionRefused("The link has just been sent: once is enough.", job)
    kind = Kind.EN_ROUTE if job.status == Status.EN_ROUTE else Kind.COMING if job.is_open else Kind.DONE
    sent = queue(link, job, kind, once_key=f"{ASKED}{now.timestamp():.3f}", now=now)
    _log(job, "sent" if sent else "made", by=by, now=now)
    return sent


@transaction.atomic
def revoke_link(job: Job, *, by, now: datetime | None = None) -> bool:
    """It leads nowhere from now on; what waits to be sent is not. False if there was none."""
    now = now or timezone.now()
    check_may_dispatch(by)
    link = standing_link(job)
    if link is None or not _end(link, "Not sent: the link was revoked.", now=now):
        return False
    _log(fresh(job), "revoked", by=by, now=now)
    return True


def _end(link: CustomerLink, why: str, *, now: datetime) -> bool:
    if not CustomerLink.objects.filter(pk=link.pk, revoked_at=None).update(revoked_at=now):
        return False
    CustomerDelivery.objects.filter(link=link, state=State.QUEUED).update(state=State.FAILED, error=why)
    return True


def _log(job: Job, what: str, *, by, now: datetime) -> None:
    bump(job)
    job = fresh(job)
    changes = {"customer link": ["", what]}
    log_edits([FieldChange(job=job, version=job.version, changed_at=now, actor=by, changes=changes)], now=now)
    publish_job(job, now=now)


def note_opened(link: CustomerLink, *, now: datetime) -> None:
    """Once a minute is enough. A link whose job was put off lives longer."""
    job, lately = link.job, now - timedelta(minutes=1)
    if job.status in TO_DO or job.status == Status.CREATED:
        _keep_open(link, job, now=now)
    stale = CustomerLink.objects.filter(Q(last_opened_at=None) | Q(last_opened_at__lt=lately), pk=link.pk)
    if stale.update(last_opened_at=now) and link.first_opened_at is None:
        CustomerLink.objects.filter(pk=link.pk, first_opened_at=None).update(first_opened_at=now)
        publish_job(fresh(job), now=now)  # the job's page says since when the customer knows
