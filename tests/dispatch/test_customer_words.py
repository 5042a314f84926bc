"""What customers read, on their page and in letters: only what fits the hour, and as they are used to it."""

import re
from datetime import datetime, time, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dispatch import actions
from dispatch.customer_link.door import token_of
from dispatch.customer_link.words import clock
from dispatch.models import Job, Status
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, make_job
from tests.pages import html_of, text_of

pytestmark = pytest.mark.once


@pytest.fixture(autouse=True)
def company(settings):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://dispatch.example.com"
    settings.COMPANY_NAME, settings.COMPANY_PHONE = "Hill & Sons", "+1 215 555 0100"


@pytest.fixture
def site(north):
    customer = CustomerFactory(name="Rivera", email="rivera@example.com", phone="")
    return SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)


def visit(client, job):
    return client.get(f"/visit/{token_of(job.customer_links.get())}/")


@pytest.fixture
def job(dana, tess, site):
    return make_job(Status.EN_ROUTE, by=dana, technician=tess, site=site, job_type=JobTypeFactory(name="<Leak> & drip"))


def test_letter_says_the_same_in_plain_text_and_in_html(job):
    actions.deliver_due_to_customers(now=timezone.now() + timedelta(minutes=3))
    [letter] = mail.outbox
    [(html, kind)] = letter.alternatives
    url = f"https://dispatch.example.com/visit/{token_of(job.customer_links.get())}/"
    assert kind == "text/html"
    assert 'lang="en"' in html
    assert f'href="{url}"' in html
    assert url in letter.body
    assert 'href="tel:+12155550100"' in html
    assert "&lt;Leak&gt; &amp; drip" in html
    assert "<Leak> & drip" in letter.body
    assert "ask for another time" not in letter.body + html, "whoever is on the way cannot be moved"
    for words in ("Tess is on the way", "Hill & Sons", "118 Ash St", job.number):
        assert words in letter.body
    assert "<img" not in html, "nobody is told that the letter was opened"


def test_hours_are_told_as_customers_are_used_to(client, settings, job):
    noon, night = (timezone.make_aware(datetime.combine(timezone.localdate(), time(hour, 5))) for hour in (12, 0))
    assert (clock(noon), clock(night)) == ("12:05", "00:05")
    settings.CLOCK_12_HOURS = True
    assert (clock(noon), clock(night)) == ("12:05 pm", "12:05 am")
    page = text_of(visit(client, job))
    assert re.search(r"As of \d{1,2}:\d\d [ap]m ", page)


def test_page_says_whose_time_it_is(client, job):
    assert timezone.localtime().tzname() in text_of(visit(client, job))


def test_whoever_is_there_is_not_told_how_to_get_in(client, dana, job):
    assert "I am ready for the visit" in text_of(visit(client, job))
    actions.change_status(job, Status.IN_PROGRESS, by=dana)
    page = visit(client, job)
    assert "I am ready for the visit" not in text_of(page)
    assert 'name="kind" value="message"' in html_of(page)


def test_nobody_has_to_be_ready_for_a_visit_on_hold(client, dana, job):
    actions.change_status(job, Status.ASSIGNED, by=dana)
    actions.hold_job(job, "Waiting for a part", by=dana)
    page = text_of(visit(client, job))
    assert "Your visit is paused" in page
    assert "I am ready" not in page
    assert "Waiting for a part" not in page


def test_cancelled_visit_promises_nothing(client, dana, job):
    now = timezone.now()
    Job.objects.filter(pk=job.pk).update(window_starts_at=now, window_ends_at=now + timedelta(hours=2))
    assert "Promised" in text_of(visit(client, job))
    actions.change_status(job, Status.CANCELLED, by=dana, note="x")
    page = text_of(visit(client, job))
    assert "If you did not expect this, please call us." in page
    assert "Promised" not in page


def test_link_that_does_not_work_says_whom_to_call(client, db):
    page = client.get(f"/visit/{'x' * 43}/")
    assert "Hill & Sons" in text_of(page)
    assert 'href="tel:+12155550100"' in html_of(page)
