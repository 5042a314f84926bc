import re
from datetime import date, timedelta

import pytest
from django.core import mail
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import Handing
from dispatch.models import BoardAction, LiveVersion, Notification, Status
from technicians import attendance
from technicians.models import Proficiency, TimeOff, WorkingHours
from tests.dispatch.board_page import at, day
from tests.factories import SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def sue(north):
    return TechnicianFactory(user__username="sue", zones=[north])


@pytest.fixture
def review(client, dana):
    client.force_login(dana)
    return lambda **query: client.get(reverse("morning_review"), query)


def call_in_sick(technician, by, *, first=0, last=0):
    return actions.mark_sick(technician, starts_at=at(0, first), ends_at=at(0, last + 1), by=by)


def assigned(technician, by, zone, **fields):
    return make_job(Status.ASSIGNED, by=by, technician=technician, zone=zone, **fields)


def hand_over(client, absence, *, handings, **more):
    """`handings` maps a job to the technician who is to have it, None for nobody."""
    data = {"job": [job.pk for job in handings]} | more
    for job, to in handings.items():
        data |= {f"to-{job.pk}": to.pk if to else "none", f"seen-{job.pk}": job.seen}
    return client.post(reverse("redistribute", args=[absence.pk]), data)


# The review ---------------------------------------------------------------------------------------


def test_everybody_is_named_with_where_they_stand(review, dana, north, tess, sue):
    WorkingHours.objects.create(technician=sue, weekday=day().weekday(), starts_at="00:00", ends_at="23:59")
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    shown = text_of(review())
    assert "Tess In since" in shown
    assert "Sue Not in yet" in shown or timezone.localtime().strftime("%H:%M") < "00:11"


def test_who_is_sick_with_a_job_under_way_is_listed_once_as_sick(review, omar, north, tess):
    attendance.clock_in(tess, now=timezone.now() - timedelta(hours=1))
    make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=north)
    call_in_sick(tess, omar)
    shown = html_of(review())
    assert shown.count(f'data-technician="{tess.pk}"') == 1
    assert "Hand over 1 job" in shown


def test_leftovers_are_moved_to_today_at_their_time_of_day(client, review, dana, omar, north, tess):
    job = assigned(
        tess,
        omar,
        north,
        scheduled_on=day(-2),
        planned_starts_at=at(9, -2),
        window_starts_at=at(8, -2),
        window_ends_at=at(12, -2),
    )
    assert job.number in text_of(review())
    data = {"jobs": job.pk, "day": day().isoformat(), "page": "morning_review", "anyway": "1"}
    client.post(reverse("move_jobs"), data)
    job.refresh_from_db()
    moved = (job.scheduled_on, job.planned_starts_at, job.window_starts_at, job.window_ends_at)
    assert moved == (day(), at(9), at(8), at(12))
    assert job.technician == tess


def test_all_leftovers_are_moved_in_one_action_with_one_undo(client, review, dana, omar, north):
    jobs = [make_job(by=omar, zone=north, scheduled_on=day(-back)) for back in (1, 2, 3)]
    before = BoardAction.objects.count()
    client.post(reverse("move_jobs"), {"jobs": [job.pk for job in jobs], "day": day().isoformat()})
    assert {type(job).objects.get(pk=job.pk).scheduled_on for job in jobs} == {day()}
    assert BoardAction.objects.count() == before + 1
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert [type(job).objects.get(pk=job.pk).scheduled_on for job in jobs] == [day(-1), day(-2), day(-3)]


def test_a_move_that_something_speaks_against_asks_first(client, dana, omar, north, tess):
    client.force_login(dana)
    assigned(tess, omar, north, planned_starts_at=at(9))
    job = assigned(tess, omar, north, scheduled_on=day(-1), planned_starts_at=at(9, -1))
    data = {"jobs": job.pk, "day": day().isoformat()}
    asked = client.post(reverse("move_jobs"), data, headers=HTMX)
    assert asked.status_code == 409
    assert "Overlaps" in text_of(asked)
    assert "Move anyway" in text_of(asked)
    job.refresh_from_db()
    assert job.scheduled_on == day(-1)
    assert client.post(reverse("move_jobs"), data | {"anyway": "1"}, headers=HTMX).status_code == 204
    job.refresh_from_db()
    assert job.scheduled_on == day()


@pytest.mark.parametrize("data", [{}, {"jobs": "x"}, {"jobs": "1", "day": "soon"}, {"jobs": "1", "day": "0001-01-01"}])
def test_a_move_that_is_not_understood_changes_nothing(client, dana, data):
    client.force_login(dana)
    assert client.post(reverse("move_jobs"), data, headers=HTMX).status_code == 422


def test_dispatcher_cannot_move_jobs_of_other_zones(client, dana, omar, south):
    job = make_job(by=omar, zone=south, scheduled_on=day(-1))
    client.force_login(dana)
    client.post(reverse("move_jobs"), {"jobs": job.pk, "day": day().isoformat()})
    job.refresh_from_db()
    assert job.scheduled_on == day(-1)


@pytest.mark.parametrize("query", ["", "?day=", "?day=nonsense", "?day=0001-01-01", "?day=2026-02-30"])
def test_an_odd_day_shows_today(client, dana, query):
    client.force_login(dana)
    for name in ("morning_review", "close_out"):
        assert client.get(reverse(name) + query).status_code == 200


def test_the_review_takes_as_many_queries_for_fifty_jobs_as_for_five(review, omar, north):
    counts = []
    for more in (5, 45):
        for number in range(more):
            technician = TechnicianFactory(zones=[north])
            WorkingHours.objects.create(
                technician=technician, weekday=day().weekday(), starts_at="08:00", ends_at="16:00"
            )
            assigned(technician, omar, north)
            make_job(by=omar, zone=north, scheduled_on=day(-number % 3))
        with CaptureQueriesContext(connection) as queries:
            review()
        counts.append(len(queries))
    assert counts[0] == counts[1]


# Calling out sick ---------------------------------------------------------------------------------


def test_calling_out_sick_changes_no_job_and_leads_to_the_proposal(client, dana, omar, north, tess, sue):
    job = assigned(tess, omar, north)
    client.force_login(dana)
    data = {"first": day().isoformat(), "last": day(1).isoformat(), "note": "Flu"}
    response = client.post(reverse("mark_sick", args=[tess.pk]), data)
    absence = tess.time_off.get()
    assert (absence.kind, absence.starts_at, absence.ends_at, absence.note) == ("sick", at(0), at(0, 2), "Flu")
    assert response.url == reverse("redistribute", args=[absence.pk])
    shown = client.get(response.url)
    assert f'<option value="{sue.pk}" selected>' in html_of(shown)
    job.refresh_from_db()
    assert job.technician == tess


def test_calling_out_sick_clocks_out_unless_a_job_is_under_way(omar, north, tess, sue):
    for technician in (tess, sue):
        attendance.clock_in(technician, now=timezone.now() - timedelta(hours=1))
    make_job(Status.IN_PROGRESS, by=omar, technician=sue, zone=north)
    for technician in (tess, sue):
        call_in_sick(technician, omar)
    assert [attendance.is_on_duty(technician) for technician in (tess, sue)] == [False, True]


def test_boards_of_their_zones_hear_of_it(omar, north, tess, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        call_in_sick(tess, omar)
    assert LiveVersion.objects.filter(group=f"zone.{north.pk}").exists()


def test_nobody_is_marked_sick_twice_for_the_same_days(client, dana, tess):
    call_in_sick(tess, dana)
    client.force_login(dana)
    data = {"first": day().isoformat(), "last": day().isoformat()}
    response = client.post(reverse("mark_sick", args=[tess.pk]), data)
    assert response.status_code == 409
    assert "known to be sick already" in text_of(response)
    assert tess.time_off.count() == 1


@pytest.mark.parametrize(
    ("first", "last"),
    [("", ""), ("2026-03-09", "2026-03-08"), ("0001-01-01", "0001-01-02"), ("2026-01-01", "2028-01-01")],
)
def test_days_that_make_no_sense_are_refused(client, dana, tess, first, last):
    client.force_login(dana)
    assert client.post(reverse("mark_sick", args=[tess.pk]), {"first": first, "last": last}).status_code == 422
    assert not tess.time_off.exists()


def test_who_is_back_can_be_given_work_and_the_sick_days_stay_known(client, dana, tess):
    absence = call_in_sick(tess, dana, first=-2, last=3)
    client.force_login(dana)
    client.post(reverse("end_sickness", args=[absence.pk]))
    assert tess.time_off.get().ends_at == at(0)
    mistaken = call_in_sick(tess, dana)
    client.post(reverse("end_sickness", args=[mistaken.pk]))
    assert tess.time_off.count() == 1


def test_a_vacation_is_not_ended_as_sickness(client, dana, tess):
    vacation = TimeOff.objects.create(technician=tess, starts_at=at(0), ends_at=at(0, 7))
    client.force_login(dana)
    client.post(reverse("end_sickness", args=[vacation.pk]))
    assert tess.time_off.get() == vacation


@pytest.mark.parametrize("name", ["mark_sick", "clock_out_for"])
def test_technicians_of_other_zones_do_not_exist(client, dana, tom, name):
    client.force_login(dana)
    assert client.get(reverse(name, args=[tom.pk])).status_code == 404


def test_absences_of_other_zones_do_not_exist(client, dana, omar, tom):
    absence = call_in_sick(tom, omar)
    client.force_login(dana)
    assert client.get(reverse("redistribute", args=[absence.pk])).status_code == 404
    assert client.post(reverse("end_sickness", args=[absence.pk])).status_code == 404


# Handing over -------------------------------------------------------------------------------------


def test_jobs_are_handed_over_in_one_action_that_one_undo_gives_back(client, dana, omar, north, tess, sue):
    ann = TechnicianFactory(user__username="ann", zones=[north])
    jobs = [assigned(tess, omar, north) for _ in range(3)]
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    before = BoardAction.objects.count()
    shown = hand_over(client, absence, handings={jobs[0]: sue, jobs[1]: ann, jobs[2]: None})
    assert "3 jobs handed over" in text_of(shown)
    for job in jobs:
        job.refresh_from_db()
    assert [job.technician for job in jobs] == [sue, ann, None]
    assert jobs[2].status == Status.CREATED
    assert BoardAction.objects.count() == before + 1
    assert str(actions.last_to_undo(dana)) == "Handed over 3 jobs of Tess"
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert [type(job).objects.get(pk=job.pk).technician for job in jobs] == [tess] * 3


def test_handing_over_is_one_live_event(omar, north, tess, sue, django_capture_on_commit_callbacks):
    jobs = [assigned(tess, omar, north) for _ in range(3)]
    LiveVersion.objects.all().delete()
    with django_capture_on_commit_callbacks(execute=True):
        actions.hand_over_jobs(tess, [Handing(job.pk, sue, job.seen) for job in jobs], by=omar)
    assert LiveVersion.objects.get(group=f"zone.{north.pk}").number == 1


def test_only_what_is_ticked_is_handed_over(client, dana, omar, north, tess, sue):
    ticked, other = assigned(tess, omar, north), assigned(tess, omar, north)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    hand_over(client, absence, handings={ticked: sue}, **{f"to-{other.pk}": sue.pk, f"seen-{other.pk}": other.seen})
    other.refresh_from_db()
    assert other.technician == tess


def test_a_job_that_changed_meanwhile_is_refused_and_the_others_are_done(client, dana, omar, north, tess, sue):
    ann = TechnicianFactory(user__username="ann", zones=[north])
    changed, other = assigned(tess, omar, north), assigned(tess, omar, north)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    actions.assign_job(changed, ann, by=omar)
    response = hand_over(client, absence, handings={changed: sue, other: sue})
    assert response.status_code == 409
    assert f"{changed.number} This has changed since you looked" in text_of(response)
    for job in (changed, other):
        job.refresh_from_db()
    assert [changed.technician, other.technician] == [ann, sue]


def test_a_job_under_way_is_told_and_not_handed_over(client, dana, omar, north, tess):
    job = make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=north)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    shown = text_of(client.get(reverse("redistribute", args=[absence.pk])))
    assert f"{job.number} {job.title} is In Progress: interrupt it" in shown
    assert "Apply" not in shown


def test_the_proposal_is_of_the_days_of_the_absence_and_what_is_overdue(client, dana, omar, north, tess, sue):
    days = (-3, 0, 1, 2)
    jobs = {offset: assigned(tess, omar, north, scheduled_on=day(offset)) for offset in days}
    absence = call_in_sick(tess, dana, last=1)
    client.force_login(dana)
    shown = text_of(client.get(reverse("redistribute", args=[absence.pk])))
    assert [offset for offset in days if jobs[offset].number in shown] == [-3, 0, 1]


def test_jobs_of_other_zones_are_counted_but_not_shown_nor_handed_over(client, dana, omar, north, south, tess, sue):
    tess.zones.add(south)
    foreign = assigned(tess, omar, south)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    shown = text_of(client.get(reverse("redistribute", args=[absence.pk])))
    assert foreign.number not in shown
    assert "1 more of their jobs lies in zones where you do not dispatch." in shown
    assert hand_over(client, absence, handings={foreign: sue}).status_code == 422
    foreign.refresh_from_db()
    assert foreign.technician == tess


def test_dispatcher_cannot_hand_over_to_technicians_of_other_zones(client, dana, omar, north, tess, tom):
    job = assigned(tess, omar, north)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    assert hand_over(client, absence, handings={job: tom}).status_code == 422
    job.refresh_from_db()
    assert job.technician == tess


def test_a_job_that_nobody_can_do_says_why_and_stays_unassigned(client, dana, omar, north, tess, sue):
    gas = SkillFactory(name="Gas")
    needs = [actions.SkillNeed(gas.pk, Proficiency.EXPERT)]
    assigned(tess, omar, north, skills=needs)
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    shown = client.get(reverse("redistribute", args=[absence.pk]))
    assert "Nobody fits Lacks Gas Expert (1)" in text_of(shown)
    assert '<option value="none" selected>' in html_of(shown)


@pytest.mark.parametrize("data", [{}, {"job": "x"}, {"job": "9" * 30, "to-" + "9" * 30: "none"}])
def test_a_form_that_makes_no_sense_changes_nothing(client, dana, tess, data):
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    assert client.post(reverse("redistribute", args=[absence.pk]), data).status_code == 422


def test_the_proposal_takes_as_many_queries_for_thirty_jobs_as_for_three(client, dana, omar, north, tess, sue):
    absence = call_in_sick(tess, dana)
    client.force_login(dana)
    counts = []
    for more in (3, 27):
        for _ in range(more):
            assigned(tess, omar, north)
            assigned(TechnicianFactory(zones=[north]), omar, north)
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("redistribute", args=[absence.pk]))
        counts.append(len(queries))
    assert counts[0] == counts[1]


# Send ---------------------------------------------------------------------------------------------


def test_sending_tells_everyone_who_has_jobs_that_day(client, dana, omar, north, tess, sue, tom, south):
    site = SiteFactory(address="5 Elm St", latitude=40.1, longitude=-75.1)
    make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, planned_starts_at=at(9))
    assigned(tom, omar, south)
    client.force_login(dana)
    shown = text_of(client.post(reverse("send_day"), {"day": day().isoformat()}))
    notice = Notification.objects.get(kind=Notification.Kind.DAY_SENT)
    assert notice.recipient == tess.user
    assert notice.text.endswith("1 job, first 09:00 at 5 Elm St")
    assert "no e-mail server is set up" in shown
    assert "Last sent" in text_of(client.get(reverse("morning_review")))


def test_technician_sees_on_the_phone_when_the_day_was_sent(client, dana, omar, north, tess):
    assigned(tess, omar, north)
    client.force_login(tess.user)
    assert "· sent" not in text_of(client.get(reverse("phone")))
    actions.send_day(day(), by=dana)
    assert re.search(r"1 job · sent \d\d:\d\d", text_of(client.get(reverse("phone"))))


def test_sending_twice_leaves_one_notice(client, dana, omar, north, tess):
    assigned(tess, omar, north)
    client.force_login(dana)
    for _ in range(2):
        client.post(reverse("send_day"), {"day": day().isoformat()})
    assert Notification.objects.filter(kind=Notification.Kind.DAY_SENT).count() == 1


def test_who_has_no_address_is_told_apart_from_who_gets_an_email(client, dana, omar, north, tess, sue, settings):
    settings.EMAIL_HOST = "mail.example"
    for technician in (tess, sue):
        assigned(technician, omar, north)
    type(tess.user).objects.filter(pk=tess.user_id).update(email="tess@example.com")
    client.force_login(dana)
    shown = text_of(client.post(reverse("send_day"), {"day": day().isoformat()}))
    assert "e-mail to tess@example.com" in shown
    assert "no e-mail address is known" in shown


def test_the_email_lists_the_jobs_of_the_day_in_order(omar, north, tess):
    late, early = (assigned(tess, omar, north, planned_starts_at=at(hour)) for hour in (13, 9))
    type(tess.user).objects.filter(pk=tess.user_id).update(email="tess@example.com")
    tess.user.refresh_from_db()
    assert actions.email_day(tess, day())
    (sent,) = mail.outbox
    assert sent.to == ["tess@example.com"]
    assert sent.body.index(early.number) < sent.body.index(late.number)


def test_no_email_is_sent_when_the_jobs_have_gone_meanwhile(omar, tess):
    type(tess.user).objects.filter(pk=tess.user_id).update(email="tess@example.com")
    assert not actions.email_day(tess, date(2026, 3, 9))
    assert mail.outbox == []
