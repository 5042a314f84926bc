"""Whoever changes SLA rules is asked whether open jobs follow, and sees what came of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import Priority
from sla.models import BusinessCalendar, ClockRecalculation, SLAPolicy
from tests.admin_pages import adding, errors_on, filled, listing, page_of
from tests.factories import make_job
from tests.pages import html_of, links_of, text_of

QUESTION = reverse("recalculations")


@pytest.fixture
def standard(db):
    return SLAPolicy.objects.get(name="Standard")


@pytest.fixture
def high(dana):
    """Response in 4 hours, resolution in 24."""
    return make_job(by=dana, priority=Priority.HIGH)


@pytest.fixture
def as_ada(client, ada):
    client.force_login(ada)
    return client


def save(client, row, **changes):
    """As on the row's page in the admin."""
    response = client.post(page_of(row), filled(client.get(page_of(row)), **changes))
    assert response.status_code == 302, errors_on(response)
    return response


def promise(standard, **target):
    standard.targets.filter(priority=Priority.HIGH).update(**target)


# In the admin -------------------------------------------------------------------------------------


def test_another_target_asks_about_the_open_jobs(as_ada, high, standard):
    response = save(as_ada, standard, **{"targets-1-response_amount": 2})
    assert response.url == f"{QUESTION}?policy={standard.pk}"
    page = text_of(as_ada.get(response.url))
    assert "1 open job has deadlines by the former rules of SLA policy “Standard”: should it follow?" in page
    assert high.number in page


def test_a_target_without_open_jobs_asks_nothing(as_ada, high, standard):
    assert save(as_ada, standard, **{"targets-0-response_amount": 2}).url == listing(SLAPolicy)  # urgent ones


def test_another_name_asks_nothing_though_jobs_have_kept_former_deadlines(as_ada, high, standard):
    promise(standard, response_amount=2)
    assert save(as_ada, standard, name="Usual").url == listing(SLAPolicy)


def test_another_default_asks_about_jobs_without_a_policy_of_their_own(as_ada, high):
    premium = SLAPolicy.objects.get(name="Premium")
    assert save(as_ada, premium, is_default="on").url == f"{QUESTION}?policy={premium.pk}"


def test_a_new_default_asks_too(as_ada, high, standard):
    data = filled(as_ada.get(adding(SLAPolicy)), name="Gold", calendar=standard.calendar_id, is_default="on")
    data |= {"targets-1-response_amount": 1}
    response = as_ada.post(adding(SLAPolicy), data)
    assert response.status_code == 302, errors_on(response)
    assert response.url == f"{QUESTION}?policy={SLAPolicy.objects.get(name='Gold').pk}"


def test_other_business_hours_ask_about_the_jobs_that_count_them(as_ada, dana, high, standard):
    calendar = standard.calendar
    hours = {"opening_intervals-0-opens_at": "12:00"}
    assert save(as_ada, calendar, **hours).url == listing(BusinessCalendar)  # high ones run around the clock
    make_job(by=dana, priority=Priority.LOW)
    closed = {"holidays-TOTAL_FORMS": 1, "holidays-0-name": "Moving house"}
    tomorrows = [timezone.localdate() + timedelta(days=days) for days in range(1, 4)]
    weekday = next(day for day in tomorrows if day.weekday() < 5)
    response = save(as_ada, calendar, **closed, **{"holidays-0-date_on": weekday.isoformat()})
    assert response.url == f"{QUESTION}?calendar={calendar.pk}"


@pytest.mark.parametrize("whose", ["customer", "job_type"])
def test_another_policy_of_a_customer_or_a_job_type_asks(as_ada, high, whose):
    row = getattr(high, whose)
    premium = SLAPolicy.objects.get(name="Premium")
    assert save(as_ada, row, sla_policy=premium.pk).url == f"{QUESTION}?{whose}={row.pk}"
    assert save(as_ada, row, name="Other").url == listing(type(row))


def test_a_popup_closes_and_leaves_a_message(as_ada, dana, standard):
    make_job(by=dana, priority=Priority.HIGH)
    promise(standard, resolution_unit="business_hours")
    response = as_ada.post(
        page_of(standard.calendar) + "?_popup=1",
        filled(as_ada.get(page_of(standard.calendar)), time_zone="Asia/Tokyo", _popup="1"),
    )
    assert "popup_response" in html_of(response)
    assert "Open jobs have other deadlines than" in html_of(as_ada.get(listing(SLAPolicy)))


# The question -------------------------------------------------------------------------------------


def test_they_follow(as_ada, high, standard):
    promise(standard, response_amount=2)
    response = as_ada.post(QUESTION, {"policy": standard.pk, "follow": ""})
    asked = ClockRecalculation.objects.get()
    assert response.url == reverse("recalculation", args=[asked.pk])
    assert "Waiting for a worker" in text_of(as_ada.get(response.url))
    actions.work_out_recalculation(asked.pk)
    polled = as_ada.get(response.url, headers={"HX-Request": "true"})
    assert polled.headers["HX-Refresh"] == "true"
    assert "Jobs 1 With other deadlines 1 Breached by it 0" in text_of(as_ada.get(response.url))
    page = text_of(as_ada.get(f"{QUESTION}?policy={standard.pk}"))
    assert "There is nothing to decide." in page
    assert "SLA policy “Standard”: 1 job, 1 with other deadlines, 0 breached" in page


def test_only_new_jobs_leaves_everything_as_it_is(as_ada, high, standard):
    promise(standard, response_amount=2)
    response = as_ada.post(QUESTION, {"policy": standard.pk, "keep": ""}, follow=True)
    assert response.redirect_chain == [(listing(SLAPolicy), 302)]
    assert "Open jobs keep their deadlines" in text_of(response)
    assert not ClockRecalculation.objects.exists()
    high.response_clock.refresh_from_db()
    assert high.response_clock.amount == 4


def test_question_says_what_would_be_breached_at_once(as_ada, dana, standard):
    make_job(by=dana, priority=Priority.HIGH, created_at=timezone.now() - timedelta(hours=2))
    promise(standard, response_amount=1)
    page = text_of(as_ada.get(f"{QUESTION}?policy={standard.pk}"))
    assert "1 target would be breached at once" in page
    assert "4 hours" in page


def test_question_shows_the_first_eight_of_many(as_ada, dana, standard):
    for _ in range(10):
        make_job(by=dana, priority=Priority.HIGH)
    promise(standard, response_amount=2)
    page = as_ada.get(QUESTION)
    assert "10 open jobs have deadlines by the former rules: should they follow?" in text_of(page)
    assert html_of(page).count("data-job=") == 8


@pytest.mark.parametrize("query", ["policy=0", "policy=x", "policy=" + "9" * 40, "policy=1&customer=1", "job_type=7"])
def test_what_does_not_exist_is_not_asked_about(as_ada, high, query):
    assert as_ada.get(f"{QUESTION}?{query}").status_code == 404
    assert as_ada.post(QUESTION, dict(pair.split("=") for pair in query.split("&")) | {"follow": ""}).status_code == 404


def test_one_that_broke_off_can_be_gone_on_with(as_ada, high):
    broken = ClockRecalculation.objects.create(
        asked_at=timezone.now(), state="failed", error="It broke off: no disk", total=2, done=1
    )
    url = reverse("recalculation", args=[broken.pk])
    page = text_of(as_ada.get(url))
    assert "It broke off: no disk" in page
    assert "1 of 2 jobs follow already" in page
    assert as_ada.post(url).url == url
    actions.work_out_recalculation(broken.pk)
    assert "Jobs 2" in text_of(as_ada.get(url))
    assert "there is nothing to go on with" in text_of(as_ada.post(url, follow=True))


def test_queries_of_the_question_do_not_grow_with_the_jobs(as_ada, dana, standard):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert as_ada.get(f"{QUESTION}?policy={standard.pk}").status_code == 200
        return len(queries)

    promise(standard, response_amount=2)
    for _ in range(5):
        make_job(by=dana, priority=Priority.HIGH)
    count()
    few = count()
    for _ in range(45):
        make_job(by=dana, priority=Priority.HIGH)
    assert count() == few


def test_only_who_may_change_policies_is_led_there(client, ada, omar):
    for user, may in ((ada, True), (omar, False)):
        client.force_login(user)
        assert (QUESTION in links_of(client.get(listing(SLAPolicy)))) is may
