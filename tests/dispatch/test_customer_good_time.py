"""Customers are told who comes once and in good time: not weeks before, and not too late because of a hold."""

import json
from datetime import date, datetime, time, timedelta

import pytest
from django.core import mail
from django.utils import timezone

from dispatch import actions
from dispatch.models import CustomerDelivery, DispatchSettings, Job, Status
from dispatch.placement import Placement
from tests.factories import CustomerFactory, SiteFactory, TechnicianFactory, make_job, make_plan
from tests.pages import text_of

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def from_assignment(db, settings):
    settings.EMAIL_HOST, settings.SITE_URL = "mail.example", "https://dispatch.example.com"
    DispatchSettings.objects.update_or_create(pk=1, defaults={"customer_link_from": "assigned"})


@pytest.fixture
def site(north):
    customer = CustomerFactory(name="Rivera", email="rivera@example.com", phone="")
    return SiteFactory(customer=customer, address="118 Ash St", latitude=40.1, longitude=-75.1)


def in_days(days: int) -> date:
    return timezone.localdate() + days * DAY


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def subjects_at(*instants: datetime) -> list[int]:
    """How many letters had gone by then: the scheduled task runs at each instant."""
    counts = []
    for now in instants:
        actions.deliver_due_to_customers(now=now)
        counts.append(len(mail.outbox))
    return counts


def in_three_weeks(dana, tess, site) -> Job:
    return make_job(Status.ASSIGNED, by=dana, technician=tess, site=site, scheduled_on=in_days(21))


def test_customer_hears_of_a_visit_in_three_weeks_on_the_day_before(client, dana, tess, site):
    job = in_three_weeks(dana, tess, site)
    link = job.customer_links.get()
    assert subjects_at(timezone.now() + timedelta(hours=1), at(in_days(20), 8, 59)) == [0, 0]
    assert subjects_at(at(in_days(20), 9, 1), at(in_days(20), 9, 2)) == [1, 1]
    assert "Tess is coming tomorrow" in mail.outbox[0].subject
    client.force_login(dana)
    assert link.deliveries.get().state == "sent"


def test_dispatcher_sees_on_which_day_the_customer_will_be_told(client, dana, tess, site):
    job = in_three_weeks(dana, tess, site)
    client.force_login(dana)
    told_at = in_days(20)
    assert f"E-mail: goes out {told_at.day} {told_at:%b} 09:00" in text_of(client.get(f"/jobs/{job.pk}/"))


def test_customer_of_a_weekly_plan_gets_one_message_at_a_time(dana, tess, site):
    plan = make_plan(by=dana, site=site, technician=tess, days_ahead=28)
    days = sorted(visit.due_on for visit in plan.visits.filter(job__status=Status.ASSIGNED))
    assert len(days) >= 3
    later = [day for day in days if day > in_days(1)]
    before = subjects_at(timezone.now() + timedelta(minutes=5))[0]
    assert before <= 1
    assert subjects_at(*(at(day - DAY, 9, 1) for day in later)) == [before + n + 1 for n in range(len(later))]


def test_visit_put_off_is_told_before_its_new_day_and_one_moved_nearer_at_once(dana, tess, site):
    job = in_three_weeks(dana, tess, site)
    actions.place_job(job, Placement(tess, in_days(28), None), by=dana, on_conflict="anyway")
    assert subjects_at(at(in_days(20), 9, 1), at(in_days(26), 9, 1)) == [0, 0]
    actions.place_job(job, Placement(tess, in_days(0), None), by=dana, on_conflict="anyway")
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [1]
    assert "Tess is coming today" in mail.outbox[0].subject


def test_message_that_has_waited_for_weeks_is_tried_again_like_any_other(dana, tess, site, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("Connection refused")

    in_three_weeks(dana, tess, site)
    monkeypatch.setattr("dispatch.actions.customer_deliveries.send_mail", fail)
    assert subjects_at(at(in_days(20), 9, 1)) == [0]
    delivery = CustomerDelivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("queued", 1)
    monkeypatch.undo()
    assert subjects_at(at(in_days(20), 9, 5)) == [1]


def test_message_that_nobody_sent_for_hours_is_of_no_use(dana, tess, site):
    in_three_weeks(dana, tess, site)
    assert subjects_at(at(in_days(20), 18)) == [0]
    assert CustomerDelivery.objects.get().error == "It was not sent in time, and is of no use any more."


def test_visit_without_a_day_is_told_once_it_has_one(dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site, scheduled_on=None)
    assert subjects_at(timezone.now() + timedelta(minutes=3), timezone.now() + 2 * DAY) == [0, 0]
    actions.place_job(job, Placement(tess, in_days(4), None), by=dana, on_conflict="anyway")
    assert subjects_at(at(in_days(3), 9, 1)) == [1]


def test_link_sent_by_hand_goes_at_once_however_far_off_the_visit_is(dana, tess, site):
    job = in_three_weeks(dana, tess, site)
    actions.send_link(job, by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=3), at(in_days(20), 9, 1)) == [1, 1]


def test_customer_told_of_a_day_hears_that_it_is_another_though_somebody_new_is_told_later(dana, tess, site, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    day = in_days(21)
    block = {"window_starts_at": at(day, 10), "window_ends_at": at(day, 12)}
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site, scheduled_on=day, **block)
    actions.send_link(job, by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [1]
    actions.place_job(job, Placement(uma, in_days(30), None), by=dana, on_conflict="anyway")
    assert actions.tell_of_delays() == 1
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [2]
    assert mail.outbox[1].subject.startswith("Uma is coming on ")


def test_customer_hears_who_comes_after_a_hold_that_kept_it_back(dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    actions.hold_job(job, "Waiting for a part", by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [0]
    actions.release_job(job, by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=6)) == [1]
    assert "Tess is coming" in mail.outbox[0].subject


def test_customer_hears_who_comes_when_they_were_chosen_during_the_hold(dana, tess, site, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [1]
    actions.hold_job(job, "Waiting for a part", by=dana)
    actions.assign_job(job, uma, by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=6)) == [1]
    assert CustomerDelivery.objects.latest("pk").error == "Not sent: the job was on hold."
    actions.release_job(job, by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=9)) == [2]
    assert "Uma is coming" in mail.outbox[1].subject


@pytest.mark.parametrize("status", [Status.ASSIGNED, Status.EN_ROUTE])
def test_customer_who_knows_who_comes_is_not_told_again_after_a_hold(dana, tess, site, status):
    job = make_job(status, by=dana, technician=tess, site=site)
    [before] = subjects_at(timezone.now() + timedelta(minutes=3))
    actions.hold_job(job, "Waiting for a part", by=dana)
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=6)) == [before]


def test_customer_of_a_visit_whose_day_is_over_is_told_no_day_that_was(client, dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    Job.objects.filter(pk=job.pk).update(scheduled_on=in_days(-1))
    assert subjects_at(timezone.now() + timedelta(minutes=3)) == [0]
    assert CustomerDelivery.objects.get().state == "failed"
    actions.send_link(Job.objects.get(pk=job.pk), by=dana)
    assert subjects_at(timezone.now() + timedelta(minutes=6)) == [1]
    assert mail.outbox[0].subject.startswith("Your visit has not taken place yet")


def test_page_says_that_a_second_click_sends_nothing(client, dana, tess, site):
    job = make_job(Status.ASSIGNED, by=dana, technician=tess, site=site)
    client.force_login(dana)
    url = f"/jobs/{job.pk}/customer-link/send/"
    said = [json.loads(client.post(url, HTTP_HX_REQUEST="true").headers["HX-Trigger"])["toast"] for _ in range(2)]
    assert "The customer gets the link." in str(said[0])
    assert "The link has just been sent: once is enough." in str(said[1])
