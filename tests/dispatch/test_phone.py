import re
import uuid
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import Status, StatusChange
from technicians import attendance
from technicians.models import Position
from technicians.positions import Fix
from tests.factories import SiteFactory, UserFactory, make_job

HTMX_DAY = {"HX-Request": "true", "HX-Target": "phone"}
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')  # another each time
HTMX_JOB = {"HX-Request": "true", "HX-Target": "phone-job"}


@pytest.fixture
def job(omar, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, description="No heat upstairs")


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


def step_of(job, to, **fields):
    return {"to": to, "seen": job.seen, "tap_id": str(uuid.uuid4()), **fields}


def here(**changed):
    now_ms = int(timezone.now().timestamp() * 1000)
    return {"latitude": "40.1", "longitude": "-75.1", "accuracy": "12.5", "fix_at": str(now_ms), **changed}


def take(client, job, to, *, headers=None, **fields):
    return client.post(reverse("take_step", args=[job.pk]), step_of(job, to, **fields), headers=headers)


def requests_for(job):
    return [
        ("get", reverse("phone")),
        ("get", reverse("phone_job", args=[job.pk])),
        ("post", reverse("take_step", args=[job.pk])),
        ("post", reverse("phone_note", args=[job.pk])),
        ("post", reverse("change_duty")),
    ]


def test_strangers_are_sent_to_the_login(client, job):
    for method, url in requests_for(job):
        response = getattr(client, method)(url)
        assert response.status_code == 302
        assert response.url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["ada", "omar", "dana", "nick"])
def test_only_technicians_have_a_phone_page(client, request, db, job, who):
    client.force_login(request.getfixturevalue(who))
    for method, url in requests_for(job):
        assert getattr(client, method)(url).status_code == 403
    assert "for technicians" in client.get(reverse("phone")).content.decode()


def test_a_technician_without_a_profile_is_told_so(client, db):
    client.force_login(UserFactory(role="technician"))
    response = client.get(reverse("phone"))
    assert response.status_code == 403
    assert "no active technician profile" in response.content.decode()


def test_a_technician_who_is_no_longer_active_has_no_phone_page(phone, tess):
    type(tess).objects.update(is_active=False)
    assert phone.get(reverse("phone")).status_code == 403


def test_jobs_of_others_do_not_exist_on_the_phone(client, job, tom):
    client.force_login(tom.user)
    for method, url in requests_for(job)[1:4]:
        assert getattr(client, method)(url, step_of(job, Status.EN_ROUTE, text="Hello")).status_code == 404
    job.refresh_from_db()
    assert job.status == Status.ASSIGNED
    assert not job.notes.exists()


def test_reading_pages_take_no_posts_and_taps_no_gets(phone, job):
    for method, url in requests_for(job):
        other = {"get": "post", "post": "get"}[method]
        assert getattr(phone, other)(url).status_code == 405


def test_technician_sees_the_job_with_all_that_is_needed_to_get_there(phone, omar, tess):
    site = SiteFactory(customer__phone="+1 (555) 0100", address="12 Harbor View", access_notes="Gate code 4471")
    make_job(Status.ASSIGNED, by=omar, technician=tess, site=site)
    page = phone.get(reverse("phone")).content.decode()
    for text in ("12 Harbor View", "Gate code 4471", 'href="tel:+15550100"', "geo:0,0?q=12%20Harbor%20View"):
        assert text in page


def test_a_site_with_coordinates_is_navigated_to_by_them(phone, job, omar, tess):
    site = SiteFactory(latitude=40.5, longitude=-75.25, address="1 Mill Rd")
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, site=site)
    page = phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    assert "geo:40.5,-75.25?q=40.5,-75.25(1%20Mill%20Rd)" in page
    assert "destination=40.5%2C-75.25" in page


def test_the_day_holds_todays_jobs_what_was_left_over_and_what_is_under_way(phone, omar, tess):
    today = timezone.localdate()
    days = {"today": today, "left over": today - timedelta(days=2), "tomorrow": today + timedelta(days=1)}
    for text, day in days.items():
        make_job(Status.ASSIGNED, by=omar, technician=tess, description=f"Job {text}", scheduled_on=day)
    make_job(Status.COMPLETED, by=omar, technician=tess, description="Job finished")
    page = phone.get(reverse("phone")).content.decode()
    assert "Job today" in page and "Job left over" in page and "Job finished" in page
    assert "Job tomorrow" not in page
    assert "3 jobs · 1 done" in page


def test_the_job_under_way_comes_first_and_then_the_route_order(phone, omar, tess):
    first = make_job(Status.ASSIGNED, by=omar, technician=tess, description="Second stop")
    second = make_job(Status.ASSIGNED, by=omar, technician=tess, description="First stop")
    for position, job in enumerate((second, first), start=1):
        type(job).objects.filter(pk=job.pk).update(route_position=position)
    page = phone.get(reverse("phone")).content.decode()
    assert page.index("First stop") < page.index("Second stop")
    actions.change_status(first, Status.EN_ROUTE, by=tess.user)
    page = phone.get(reverse("phone")).content.decode()
    assert page.index("Second stop") < page.index("First stop")


def test_a_job_on_hold_is_shown_but_is_not_the_next_one(phone, omar, tess, job):
    later = make_job(Status.ASSIGNED, by=omar, technician=tess, description="Leaking tap")
    actions.hold_job(job, "Waiting for the part", by=omar)
    page = phone.get(reverse("phone")).content.decode()
    assert reverse("take_step", args=[later.pk]) in page
    assert reverse("take_step", args=[job.pk]) not in page
    details = phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    assert "Waiting for the part" in details
    assert 'data-step="en_route"' not in details


def test_the_fragment_is_part_of_the_page(phone, tess):
    attendance.clock_in(tess, now=timezone.now())
    page, fragment = (
        TOKEN.sub("", phone.get(reverse("phone"), headers=headers).content.decode()) for headers in ({}, HTMX_DAY)
    )
    assert "<html" not in fragment
    assert fragment.split('<div class="phone-head"')[0].strip() in page


def test_a_normal_day_takes_three_taps(phone, job):
    for to in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
        response = take(phone, job, to, headers=HTMX_DAY)
        assert response.status_code == 200
        job.refresh_from_db()
        assert job.status == to
    assert "All done for today" in response.content.decode()


def test_without_javascript_a_tap_comes_back_to_the_page_it_came_from(phone, job):
    assert take(phone, job, Status.EN_ROUTE).url == reverse("phone")
    job.refresh_from_db()
    response = take(phone, job, Status.IN_PROGRESS, page="job")
    assert response.url == reverse("phone_job", args=[job.pk])
    assert f"{job.number} is In Progress" in phone.get(response.url).content.decode()


def test_the_same_tap_sent_twice_counts_once(phone, job):
    data = step_of(job, Status.EN_ROUTE)
    url = reverse("take_step", args=[job.pk])
    assert phone.post(url, data, headers=HTMX_DAY).status_code == 200
    assert phone.post(url, data, headers=HTMX_DAY).status_code == 200
    assert job.status_changes.filter(to_status=Status.EN_ROUTE).count() == 1


def test_a_tap_made_on_another_job_changes_nothing(phone, job, omar, tess):
    other = make_job(Status.ASSIGNED, by=omar, technician=tess)
    data = step_of(job, Status.EN_ROUTE)
    phone.post(reverse("take_step", args=[job.pk]), data)
    actions.change_status(job, Status.ASSIGNED, by=omar)
    assert phone.post(reverse("take_step", args=[other.pk]), data, headers=HTMX_DAY).status_code == 422
    other.refresh_from_db()
    assert other.status == Status.ASSIGNED


def test_a_second_tap_on_an_old_button_does_not_take_the_next_step(phone, job):
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY)
    response = take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY)
    assert response.status_code == 409
    job.refresh_from_db()
    assert job.status == Status.EN_ROUTE


def test_a_refused_tap_says_why_and_shows_the_current_truth(phone, job, omar):
    stale = step_of(job, Status.EN_ROUTE)
    actions.change_status(job, Status.CANCELLED, by=omar, note="Customer called")
    response = phone.post(reverse("take_step", args=[job.pk]), stale, headers=HTMX_DAY)
    page = response.content.decode()
    assert response.status_code == 409
    assert "This has changed since you looked" in page
    assert 'data-step="en_route"' not in page


def test_a_refused_tap_on_the_job_page_keeps_what_was_typed(phone, job, tess):
    take(phone, job, Status.IN_PROGRESS)
    job.refresh_from_db()
    stale = step_of(job, Status.COMPLETED, page="job", note="New capacitor")
    stale["seen"] = "assigned.99"
    response = phone.post(reverse("take_step", args=[job.pk]), stale, headers=HTMX_JOB)
    assert response.status_code == 409
    assert "New capacitor" in response.content.decode()


def test_a_job_given_away_meanwhile_is_not_found(phone, job, omar, tom):
    stale = step_of(job, Status.EN_ROUTE)
    actions.assign_job(job, tom, by=omar)
    assert phone.post(reverse("take_step", args=[job.pk]), stale, headers=HTMX_DAY).status_code == 404


def test_interrupting_asks_for_a_reason(phone, job):
    take(phone, job, Status.IN_PROGRESS)
    job.refresh_from_db()
    response = take(phone, job, Status.ASSIGNED, headers=HTMX_JOB, page="job")
    assert response.status_code == 409
    assert "Give a reason." in response.content.decode()
    take(phone, job, Status.ASSIGNED, headers=HTMX_JOB, page="job", note="Part missing")
    assert job.status_changes.last().note == "Part missing"


def test_technician_cannot_take_a_dispatchers_step(phone, job):
    response = take(phone, job, Status.CANCELLED, headers=HTMX_DAY, note="No thanks")
    assert response.status_code == 409
    job.refresh_from_db()
    assert job.status == Status.ASSIGNED


def test_a_second_job_cannot_be_begun_and_the_page_names_the_first(phone, job, omar, tess):
    other = make_job(Status.EN_ROUTE, by=omar, technician=tess)
    response = take(phone, job, Status.EN_ROUTE, headers=HTMX_JOB, page="job")
    assert response.status_code == 409
    assert f"still En Route on {other.number}" in response.content.decode()
    assert "Finish it first." in phone.get(reverse("phone_job", args=[job.pk])).content.decode()


@pytest.mark.parametrize("broken", [{"to": "teleport"}, {"seen": ""}, {"tap_id": "one"}, {"tap_id": ""}])
def test_a_tap_that_makes_no_sense_changes_nothing(phone, job, broken):
    data = step_of(job, Status.EN_ROUTE) | broken
    response = phone.post(reverse("take_step", args=[job.pk]), data, headers=HTMX_DAY)
    assert response.status_code == 422
    job.refresh_from_db()
    assert job.status == Status.ASSIGNED


def test_the_position_goes_into_the_log_and_becomes_the_technicians(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here())
    change = job.status_changes.last()
    assert (change.latitude, change.longitude, change.accuracy_m) == (40.1, -75.1, 12.5)
    assert change.position_age_seconds <= 2
    tess.refresh_from_db()
    assert (tess.latitude, tess.longitude) == (40.1, -75.1)
    assert Position.objects.get().source == Position.Source.PHONE


def test_off_duty_the_position_goes_into_the_log_only(phone, job, tess):
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here())
    assert job.status_changes.last().latitude == 40.1
    tess.refresh_from_db()
    assert tess.latitude is None
    assert not Position.objects.exists()


def test_position_from_before_duty_is_kept_nowhere_but_in_the_log(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    at_home = int((timezone.now() - timedelta(hours=1)).timestamp() * 1000)
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here(fix_at=str(at_home)))
    phone.post(reverse("change_duty"), {"duty": "in", **here(fix_at=str(at_home))}, headers=HTMX_DAY)
    assert job.status_changes.last().latitude == 40.1
    assert not Position.objects.exists()


def test_tap_that_clocks_in_says_where_the_technician_is(phone, tess):
    phone.post(reverse("change_duty"), {"duty": "in", **here()}, headers=HTMX_DAY)
    assert Position.objects.get().technician == tess


def test_tap_from_where_nobody_can_be_so_soon_is_logged_there_and_moves_nobody(phone, job, tess):
    now = timezone.now()
    attendance.clock_in(tess, now=now - timedelta(hours=1))
    actions.take_position(tess, Fix(41.9, -75.1, now - timedelta(minutes=1)), source="phone", now=now)
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here())
    tess.refresh_from_db()
    assert tess.latitude == 41.9
    assert job.status_changes.last().latitude == 40.1


def test_position_that_is_a_guess_of_many_miles_moves_nobody(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here(accuracy="20000"))
    tess.refresh_from_db()
    assert tess.latitude is None
    assert not Position.objects.exists()


@pytest.mark.parametrize(
    "broken",
    [
        {"latitude": "91"},
        {"latitude": "nan"},
        {"longitude": "inf"},
        {"longitude": ""},
        {"accuracy": "-4"},
        {"fix_at": "yesterday"},
        {"fix_at": "99999999999999999999"},
        {"fix_at": "1000"},
        {"latitude": "0", "longitude": "0"},
    ],
)
def test_a_position_that_makes_no_sense_does_not_lose_the_tap(phone, job, broken):
    assert take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY, **here(**broken)).status_code == 200
    assert job.status_changes.last().latitude is None
    assert not Position.objects.exists()
    job.refresh_from_db()
    assert job.status == Status.EN_ROUTE


def test_the_log_says_that_the_technician_did_it(phone, job, tess):
    take(phone, job, Status.EN_ROUTE, headers=HTMX_DAY)
    change = job.status_changes.last()
    assert (change.actor_kind, change.actor) == (StatusChange.Actor.TECHNICIAN, tess.user)


def test_technician_adds_a_note(phone, job, tess):
    url = reverse("phone_note", args=[job.pk])
    response = phone.post(url, {"text": "Filter is odd-sized", "page": "job"}, headers=HTMX_JOB)
    assert "Filter is odd-sized" in response.content.decode()
    assert job.notes.get().author == tess.user
    phone.post(url, {"text": "Filter is odd-sized", "page": "job"}, headers=HTMX_JOB)
    assert job.notes.count() == 1


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_an_empty_or_endless_note_is_not_taken(phone, job, text):
    response = phone.post(reverse("phone_note", args=[job.pk]), {"text": text, "page": "job"}, headers=HTMX_JOB)
    assert response.status_code == 422
    assert not job.notes.exists()


def test_a_note_is_text_and_never_markup(phone, job):
    phone.post(reverse("phone_note", args=[job.pk]), {"text": "<script>alert(1)</script>"})
    assert "<script>alert" not in phone.get(reverse("phone_job", args=[job.pk])).content.decode()


def test_technician_clocks_in_and_out(phone, tess):
    assert "Clock in" in phone.get(reverse("phone"), headers=HTMX_DAY).content.decode()
    phone.post(reverse("change_duty"), {"duty": "in"} | here(), headers=HTMX_DAY)
    assert attendance.is_on_duty(tess)
    assert Position.objects.count() == 1
    phone.post(reverse("change_duty"), {"duty": "in"}, headers=HTMX_DAY)
    assert tess.clock_records.count() == 1
    phone.post(reverse("change_duty"), {"duty": "out"}, headers=HTMX_DAY)
    assert not attendance.is_on_duty(tess)


def test_clocking_out_is_refused_while_a_job_is_under_way(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    take(phone, job, Status.EN_ROUTE)
    response = phone.post(reverse("change_duty"), {"duty": "out"}, headers=HTMX_DAY)
    assert response.status_code == 409
    assert f"Finish or interrupt {job.number} first" in response.content.decode()
    assert attendance.is_on_duty(tess)


def test_duty_is_in_or_out_and_nothing_else(phone, tess):
    assert phone.post(reverse("change_duty"), {"duty": "lunch"}, headers=HTMX_DAY).status_code == 422
    assert not tess.clock_records.exists()


def test_a_full_day_costs_as_few_queries_as_a_short_one(phone, omar, tess, django_assert_max_num_queries):
    for _ in range(12):
        make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory())
    with django_assert_max_num_queries(14):
        phone.get(reverse("phone"))
