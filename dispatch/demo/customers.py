"""What customers do with their links: some have opened them, written, asked for another time, or rated the visit."""

from datetime import datetime, time, timedelta

from django.utils import timezone

from dispatch import actions
from dispatch.actions.customer_links import make_link
from dispatch.demo.stage import Stage
from dispatch.models import CustomerDelivery, CustomerLink, CustomerMessage, Job, Status

MINUTE = timedelta(minutes=1)
Kind, Sent = CustomerMessage.Kind, CustomerDelivery.Kind
RATINGS = ((5, "On time, friendly, and it is warm again."), (4, ""), (2, "Came an hour later than promised."), (5, ""))
SAID = (
    (Kind.ACCESS, "The gate code is 4711, the bell does not work"),
    (Kind.MESSAGE, "Please call when you are in front of the house, the baby sleeps"),
    (Kind.READY, ""),
)


def let_customers_answer(stage: Stage) -> None:
    """Of the day's jobs, always the same ones for the same seed."""
    jobs = Job.objects.filter(scheduled_on=stage.day).select_related("customer").order_by("pk")
    under_way = list(jobs.filter(status__in=(Status.EN_ROUTE, Status.IN_PROGRESS)))
    assigned = list(jobs.filter(status=Status.ASSIGNED, held_at=None))
    done = list(jobs.filter(status=Status.COMPLETED).order_by("-completed_at", "pk")[:4])
    for number, job in enumerate(under_way):
        link = _opened(job, Sent.EN_ROUTE, at=job.en_route_at or job.started_at, stage=stage)
        kind, text = SAID[number % len(SAID)]
        actions.write_as_customer(link, kind, text, now=max(link.created_at, stage.moment - (4 + number) * MINUTE))
    for job, (stars, comment) in zip(done, RATINGS, strict=False):
        link = _opened(job, Sent.DONE, at=job.completed_at, stage=stage)
        actions.rate_visit(link, stars, comment, now=min(stage.moment, job.completed_at + 12 * MINUTE))
    for number, job in enumerate(assigned[1:3]):
        link = _opened(job, Sent.COMING, at=max(job.assigned_at, stage.moment - 50 * MINUTE), stage=stage)
        starts_at = _in_days(stage, 2 + number, hour=9 + 4 * number)
        text = ("I have to work until noon.", "")[number]
        actions.ask_other_time(
            link, starts_at=starts_at, ends_at=starts_at + timedelta(hours=2), text=text, now=stage.moment - 9 * MINUTE
        )


def _opened(job: Job, kind: str, *, at: datetime, stage: Stage) -> CustomerLink:
    """The link was sent then, and opened a few minutes later."""
    at = min(at, stage.moment - 10 * MINUTE)
    link = make_link(job, now=at)
    opened_at = at + 3 * MINUTE
    CustomerLink.objects.filter(pk=link.pk).update(first_opened_at=opened_at, last_opened_at=stage.moment - 2 * MINUTE)
    CustomerDelivery.objects.create(
        link=link,
        kind=kind,
        channel=CustomerDelivery.Channel.EMAIL,
        to=job.customer.email,
        state=CustomerDelivery.State.SENT,
        attempts=1,
        once_key="demo",
        queued_at=at,
        due_at=at,
        sent_at=at,
    )
    return link


def _in_days(stage: Stage, days: int, *, hour: int) -> datetime:
    return timezone.make_aware(datetime.combine(stage.day + timedelta(days=days), time(hour)))
