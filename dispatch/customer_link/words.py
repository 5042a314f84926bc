"""What customers are told by e-mail and text message, composed when it is sent: it says what holds then."""

from datetime import datetime

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from dispatch.customer_link.door import token_of
from dispatch.customer_link.expectation import Window
from dispatch.customer_link.visit import expected_window, is_overdue, name_of
from dispatch.models import CustomerDelivery, CustomerLink, CustomerMessage, Job, Status

Kind = CustomerDelivery.Kind
NO_DAY = "on a day that we still agree on"
OVERDUE = "Your visit has not taken place yet. We will get in touch with you about a new time."


def url_of(link: CustomerLink) -> str:
    """As others reach it; only the path where the site does not know its own address."""
    return f"{settings.SITE_URL}{reverse('visit', args=[token_of(link)])}"


def day_in_words(instant_or_day, *, now: datetime) -> str:
    """“today”, “tomorrow”, “on Friday, 21 November”"""
    is_instant = isinstance(instant_or_day, datetime)
    day = timezone.localdate(instant_or_day) if is_instant else instant_or_day
    days = (day - timezone.localdate(now)).days
    year = f" {day.year}" if abs(days) > 180 else ""
    return {0: "today", 1: "tomorrow"}.get(days, f"on {day:%A}, {day.day} {day:%B}{year}")


def clock(instant: datetime) -> str:
    """“14:05”, or “2:05 pm” where customers are used to that"""
    here = timezone.localtime(instant)
    if not settings.CLOCK_12_HOURS:
        return f"{here:%H:%M}"
    return f"{here.hour % 12 or 12}:{here:%M} {'am' if here.hour < 12 else 'pm'}"


def hours_in_words(window: Window) -> str:
    return f"between {clock(window.starts_at)} and {clock(window.ends_at)}"


def wish_in_words(wish: CustomerMessage) -> str:
    """“Fri 21 Nov 12:00–14:00”"""
    starts_at, ends_at = timezone.localtime(wish.wanted_starts_at), timezone.localtime(wish.wanted_ends_at)
    return f"{starts_at:%a} {starts_at.day} {starts_at:%b} {starts_at:%H:%M}–{ends_at:%H:%M}"


def when(job: Job, *, now: datetime) -> tuple[str, datetime | None]:
    """When to expect somebody, in words, and until when; the promise where nothing better is known."""
    if is_overdue(job, now=now):
        return NO_DAY, None
    window = expected_window(job, now=now)
    if window is None and job.window_starts_at:
        window = Window(job.window_starts_at, job.window_ends_at)
    if window is None:
        return day_in_words(job.scheduled_on, now=now) if job.scheduled_on else NO_DAY, None
    return f"{day_in_words(window.starts_at, now=now)} {hours_in_words(window)}", window.ends_at


def sentence_of(kind: str, job: Job, *, wish: CustomerMessage | None = None, now: datetime) -> str:
    who, time_of_visit = name_of(job.technician) or "Somebody", when(job, now=now)[0]
    if kind == Kind.COMING and is_overdue(job, now=now):
        return OVERDUE
    if kind == Kind.COMING:
        return f"{who} is coming {time_of_visit}."
    if kind == Kind.EN_ROUTE:
        return f"{who} is on the way, expected {time_of_visit}."
    if kind == Kind.LATE:
        return f"Sorry, it takes longer than we said: {who} is now expected {time_of_visit}."
    if kind == Kind.CANCELLED:
        return "Your visit is cancelled."
    if kind == Kind.ANSWER and wish is not None:
        if wish.answer == CustomerMessage.Answer.ACCEPTED:
            return f"Your visit is moved as you asked: {time_of_visit}."
        return f"About the other time that you asked for: {wish.answer_text}"
    return "Your visit is done. How was it?"


def subject_of(kind: str, job: Job, *, now: datetime) -> str:
    subjects = {Kind.ANSWER: "About the time of your visit", Kind.CANCELLED: "Your visit is cancelled"}
    return subjects.get(kind) or sentence_of(kind, job, now=now).rstrip(".")


def invitation(job: Job) -> str:
    """What the page is good for."""
    if job.status in (Status.CREATED, Status.ASSIGNED):
        return "Follow your visit, tell us how to get in, or ask for another time:"
    if job.status == Status.COMPLETED:
        return "Tell us how it was:"
    return "Follow your visit, or tell us how to get in:" if job.is_open else "Your visit:"


def html_letter_of(sentence: str, link: CustomerLink) -> str:
    label = "Rate the visit" if link.job.status == Status.COMPLETED else "Open your visit"
    facts = {"sentence": sentence, "job": link.job, "url": url_of(link), "invitation": invitation(link.job)}
    company = {"company": settings.COMPANY_NAME, "company_phone": settings.COMPANY_PHONE}
    return render_to_string("customer/letter.html", facts | company | {"label": label})


def letter_of(sentence: str, link: CustomerLink) -> str:
    job = link.job
    call = f"Or call us: {settings.COMPANY_PHONE}\n" if settings.COMPANY_PHONE else ""
    return (
        f"Hello,\n\n{sentence}\n\n{job.job_type.name}, {job.site.address} ({job.number})\n\n"
        f"{invitation(job)}\n{url_of(link)}\n{call}\n"
        f"{settings.COMPANY_NAME}\n\nPlease keep the link to yourself: whoever has it can see your visit.\n"
    )


def text_message_of(sentence: str, link: CustomerLink) -> str:
    return f"{settings.COMPANY_NAME}: {sentence} {url_of(link)}"
