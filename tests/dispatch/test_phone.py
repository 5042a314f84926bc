import json
import re
from datetime import date, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import CustomerMessage, DispatchSettings, Status
from dispatch.templatetags.phone import sick_until, when
from technicians import attendance
from technicians.models import Position
from tests.factories import SiteFactory, UserFactory, make_job

HTMX_DAY = {"HX-Request": "true", "HX-Target": "phone"}
VARIES = re.compile(r'name="(csrfmiddlewaretoken|id)" value="[\w-]+"|data-as-of="\d+"')


@pytest.fixture
def job(omar, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, description="No heat upstairs")


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


def pages_of(job):
    return [reverse("phone"), reverse("phone_job", args=[job.pk])]


def test_strangers_are_sent_to_the_login(client, job):
    for url in pages_of(job):
        assert client.get(url).url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["ada", "omar", "dana", "nick"])
def test_only_technicians_have_a_phone_page(client, request, db, job, who):
    client.force_login(request.getfixturevalue(who))
    for url in pages_of(job):
        assert client.get(url).status_code == 403
    assert "for technicians" in client.get(reverse("phone")).content.decode()


def test_a_technician_without_a_profile_is_told_so(client, db):
    client.force_login(UserFactory(role="technician"))
    response = client.get(reverse("phone"))
    assert response.status_code == 403
    assert "no active technician profile" in response.content.decode()


@pytest.mark.parametrize("closed", ["account", "profile"])
def test_a_technician_who_is_no_longer_active_is_told_whom_to_call(phone, tess, job, closed):
    DispatchSettings.load()
    DispatchSettings.objects.update(office_phone="(412) 555-0100")
    shut = tess.user if closed == "account" else tess
    type(shut).objects.filter(pk=shut.pk).update(is_active=False)
    for url in pages_of(job):
        response = phone.get(url)
        page = response.content.decode()
        assert response.status_code == 403
        assert 'href="tel:4125550100"' in page and f'data-user="{tess.user_id}"' in page
        assert job.number not in page


def test_jobs_of_others_do_not_exist_on_the_phone(client, job, tom):
    client.force_login(tom.user)
    assert client.get(reverse("phone_job", args=[job.pk])).status_code == 404


def test_reading_pages_take_no_posts(phone, job):
    for url in pages_of(job):
        assert phone.post(url).status_code == 405


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


def test_the_fragment_is_part_of_the_page(phone, tess):
    attendance.clock_in(tess, now=timezone.now())
    page, fragment = (
        VARIES.sub("", phone.get(reverse("phone"), headers=headers).content.decode()) for headers in ({}, HTMX_DAY)
    )
    assert "<html" not in fragment
    assert fragment.split('<div class="phone-head"')[0].strip() in page


def steps_of(page, *, shown):
    """The forms of the foot, by what they lead to."""
    forms = re.findall(r'<form class="step" data-when-status="(\w+)" (hidden)?.*?name="to" value="(\w+)"', page, re.S)
    return [(when, to) for when, hidden, to in forms if bool(hidden) != shown]


@pytest.mark.parametrize("at", [0, 1])
def test_page_holds_each_step_ahead_and_shows_the_next_one(phone, job, at):
    page = phone.get(pages_of(job)[at]).content.decode()
    assert steps_of(page, shown=True) == [("assigned", "en_route")]
    assert steps_of(page, shown=False) == [("en_route", "in_progress"), ("in_progress", "completed")]
    for status in ("assigned", "en_route", "in_progress"):
        assert f'name="seen" value="{status}.{job.technician_id}"' in page


def test_a_job_on_hold_is_shown_but_is_not_the_next_one(phone, omar, tess, job):
    later = make_job(Status.ASSIGNED, by=omar, technician=tess, description="Leaking tap")
    actions.hold_job(job, "Waiting for the part", by=omar)
    page = phone.get(reverse("phone")).content.decode()
    assert f'data-foot-of="{later.pk}"' in page
    details = phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    assert "Waiting for the part" in details
    assert steps_of(details, shown=True) == []
    assert 'value="en_route"' not in details


def test_job_page_names_the_job_in_the_way(phone, job, omar, tess):
    other = make_job(Status.EN_ROUTE, by=omar, technician=tess)
    page = phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    assert f'data-busy-with="{other.pk}"' in page
    assert f"Open <span data-busy-number>{other.number}</span>" in page
    assert steps_of(page, shown=True) == []


def test_a_note_is_text_and_never_markup(phone, job, tess):
    actions.add_note(job, "<script>alert(1)</script>", by=tess.user)
    assert "<script>alert" not in phone.get(reverse("phone_job", args=[job.pk])).content.decode()


def test_page_says_whom_to_call_in_the_office(phone, job):
    DispatchSettings.load()
    DispatchSettings.objects.update(office_phone="(412) 555-0100")
    for url in pages_of(job):
        assert 'data-office="tel:4125550100"' in phone.get(url).content.decode()


def test_todays_times_have_no_date_and_others_do():
    now = timezone.now().replace(hour=15, minute=0)
    assert when(now, now) == f"{timezone.localtime(now):%H:%M}"
    yesterday = timezone.localtime(now - timedelta(days=1))
    assert when(yesterday, now) == f"{yesterday.day} {yesterday:%b %H:%M}"


@pytest.mark.parametrize("days, said", [(1, "today"), (3, "until Wed 26 Nov")])
def test_sickness_ends_with_a_day_and_not_at_midnight(days, said):
    monday = timezone.make_aware(datetime.combine(date(2025, 11, 24), time.min))
    now, midnight = monday + timedelta(hours=9), monday + timedelta(days=days)
    assert sick_until(midnight, now).removesuffix(" 2025") == said


def test_who_is_sick_is_not_sent_to_the_clock(phone, job, tess):
    clock_in = re.compile(r"data-clock-in (hidden)?")
    assert clock_in.search(phone.get(reverse("phone")).content.decode()).group(1) is None
    actions.call_in_sick(tess, by=tess.user)
    page = phone.get(reverse("phone")).content.decode()
    assert "You are marked as sick today." in page
    assert clock_in.search(page).group(1) == "hidden"
    assert 'class="phone-foot is-sick"' in page


def test_what_the_customer_says_is_on_the_days_card(phone, job, omar, tess):
    later = make_job(Status.ASSIGNED, by=omar, technician=tess)
    now = timezone.now()
    CustomerMessage.objects.create(job=job, customer=job.customer, kind="access", text="Gate code 4711", sent_at=now)
    CustomerMessage.objects.create(job=later, customer=later.customer, kind="message", text="Mind the dog", sent_at=now)
    page = phone.get(reverse("phone")).content.decode()
    assert "<b>How to get in:</b> Gate code 4711" in page
    assert page.count("Customer wrote") == 1
    assert "Mind the dog" not in page


@pytest.mark.parametrize("count", [5, 50])
def test_a_full_day_costs_as_few_queries_as_a_short_one(phone, omar, tess, count, django_assert_max_num_queries):
    DispatchSettings.load()
    for _ in range(count):
        make_job(Status.ASSIGNED, by=omar, technician=tess, site=SiteFactory())
    with django_assert_max_num_queries(16):
        phone.get(reverse("phone"))


# As an app ----------------------------------------------------------------------------------------


def test_manifest_begins_with_the_day_and_has_icons_that_exist(client, db):
    response = client.get(reverse("manifest"))
    manifest = json.loads(response.content)
    assert response["Content-Type"] == "application/manifest+json"
    assert manifest["start_url"] == reverse("phone")
    for icon in manifest["icons"]:
        assert client.get(icon["src"]).status_code == 200


def test_service_worker_knows_its_addresses_and_the_version_of_its_files(client, db):
    script = client.get(reverse("service_worker")).content.decode()
    worker = json.loads(script.split("\n", 1)[0].removeprefix("const WORKER = ").removesuffix(";"))
    assert worker["day"] == reverse("phone")
    assert worker["offline"] == reverse("phone_offline")
    assert worker["static"] == "/static/"
    assert client.get(worker["taps"]).status_code == 200
    assert re.fullmatch(r"[0-9a-f]{12}", worker["version"])


def test_page_for_what_is_not_on_the_phone_is_about_nobody(phone, client, db):
    page = phone.get(reverse("phone_offline")).content
    assert b"My day" in page
    assert b"csrf" not in page and b"data-user" not in page


# Sharing the position -----------------------------------------------------------------------------


HERE = {"latitude": "40.1", "longitude": "-75.1", "accuracy": "12.5", "fix_at": "1763820000000"}


def share(client, **changed):
    return client.post(reverse("share_position"), HERE | changed)


def test_place_is_shared_on_duty_whatever_the_phones_clock_says(phone, tess):
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    assert share(phone).json()["is_shared"] is True
    tess.refresh_from_db()
    assert (tess.latitude, tess.longitude) == (40.1, -75.1)
    assert Position.objects.get().source == Position.Source.PHONE


def test_place_is_not_kept_off_duty_nor_during_a_break(phone, tess):
    assert share(phone).json() == {"is_shared": False}
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=9))
    attendance.begin_break(tess, now=timezone.now() - timedelta(minutes=1))
    assert share(phone).json() == {"is_shared": False}
    assert not Position.objects.exists()


@pytest.mark.parametrize("broken", [{"latitude": "91"}, {"longitude": "nan"}, {"accuracy": "-1"}, {"latitude": ""}])
def test_place_that_makes_no_sense_is_refused(phone, tess, broken):
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    assert share(phone, **broken).status_code == 422
    assert not Position.objects.exists()
