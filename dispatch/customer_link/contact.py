"""What dispatchers see of a job's customer: the link and what became of it, what was said, the rating."""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db.models import Prefetch

from dispatch.actions.customer_links import ways_to
from dispatch.customer_link.words import url_of
from dispatch.models import CustomerDelivery, CustomerLink, CustomerMessage, Job, Rating

DELIVERIES_SHOWN = 12


@dataclass
class Contact:
    link: CustomerLink | None  # the newest, which may be over
    deliveries: list[CustomerDelivery]
    messages: list[CustomerMessage]
    rating: Rating | None
    ways: str  # “e-mail and text message”; empty: only by copying the link
    why_no_ways: str
    now: datetime

    @property
    def is_standing(self) -> bool:
        return self.link is not None and self.link.revoked_at is None and self.link.expires_at > self.now

    @property
    def is_expired(self) -> bool:
        return self.link is not None and self.link.revoked_at is None and self.link.expires_at <= self.now

    @property
    def url(self) -> str:
        return url_of(self.link) if self.is_standing else ""

    @property
    def open_wish(self) -> CustomerMessage | None:
        wishes = (one for one in self.messages if one.kind == CustomerMessage.Kind.OTHER_TIME and not one.answer)
        return next(wishes, None)


def load_contact(job: Job, *, now: datetime) -> Contact:
    """Four queries, whatever there is."""
    newest = Prefetch("deliveries", CustomerDelivery.objects.order_by("-queued_at", "-pk"))
    links = CustomerLink.objects.filter(job=job).order_by("-created_at", "-pk").prefetch_related(newest)
    link = links.first()
    ways = ways_to(job.customer)
    return Contact(
        link,
        deliveries=list(link.deliveries.all())[:DELIVERIES_SHOWN] if link else [],
        messages=list(job.customer_messages.of_present_customer().select_related("answered_by")),
        rating=Rating.objects.filter(job=job).first(),
        ways=" and ".join(CustomerDelivery.Channel(channel).label.lower() for channel, _ in ways),
        why_no_ways="" if ways else _why_no_ways(job),
        now=now,
    )


def _why_no_ways(job: Job) -> str:
    if not (job.customer.email or job.customer.phone):
        return "No e-mail address and no phone number of the customer is known."
    if not settings.SITE_URL:
        return "Messages need SITE_URL, the address of this site, to be set up."
    return "E-mail is not set up."
