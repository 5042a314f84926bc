import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.field.time_on_site import Pause, Step, time_spent
from dispatch.models import Material, MaterialUse, Notification, RunningLate, Status
from technicians import attendance
from technicians.models import TimeOff
from tests.factories import make_job
from tests.taps import ms, send, step, tap

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def minutes(count):
    return NOON + timedelta(minutes=count)


@pytest.fixture
def job(omar, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, description="No heat upstairs")


@pytest.fixture
def items(job):
    texts = [("Gas shut-off tested", True), ("Filter changed", False)]
    return [job.job_type.checklist.create(text=text, is_required=required) for text, required in texts]


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


# Checklist ----------------------------------------------------------------------------------------


def test_technician_cannot_complete_while_required_checks_are_open(phone, job, items, tess):
    send(phone, step(job, "in_progress"))
    done = {"seen": f"in_progress.{tess.pk}"}
    (answer,) = send(phone, step(job, "completed", **done))
    assert (answer["outcome"], answer["answer"]) == ("refused", "Check first: Gas shut-off tested.")
    check = tap("check", job, item=items[0].pk, is_done=True)
    assert [each["outcome"] for each in send(phone, check, step(job, "completed", **done))] == ["done", "done"]
    job.refresh_from_db()
    assert job.status == Status.COMPLETED


def test_dispatcher_can_complete_what_nobody_has_checked(job, items, omar):
    job = actions.change_status(job, Status.IN_PROGRESS, by=omar)
    assert actions.change_status(job, Status.COMPLETED, by=omar).status == Status.COMPLETED


def test_last_word_by_the_phones_own_time_counts(phone, job, items):
    now = timezone.now()
    later = tap("check", job, at=now - timedelta(minutes=5), item=items[0].pk, is_done=False)
    earlier = tap("check", job, at=now - timedelta(minutes=20), item=items[0].pk, is_done=True)
    send(phone, later)
    send(phone, earlier)
    check = job.checks.get()
    assert (check.is_done, check.text) == (False, "Gas shut-off tested")


def test_item_of_another_type_or_gone_from_the_list_is_refused(phone, job, items):
    item = items[1].pk
    items[1].delete()
    (answer,) = send(phone, tap("check", job, item=item, is_done=True))
    assert (answer["outcome"], answer["answer"]) == ("refused", "This is not on the checklist any more.")


def test_what_was_checked_stays_to_be_read_when_the_item_is_gone(client, omar, phone, job, items):
    send(phone, tap("check", job, item=items[0].pk, is_done=True))
    items[0].delete()
    client.force_login(omar)
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "Gas shut-off tested" in page and "no longer on the list" in page


def test_phone_lists_what_has_to_be_checked(phone, job, items):
    page = phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    assert "Gas shut-off tested" in page and "required" in page
    day = phone.get(reverse("phone")).content.decode()
    assert "Gas shut-off tested" in day and "Filter changed" not in day


def test_check_without_script(phone, job, items):
    data = {"id": str(uuid.uuid4()), "kind": "check", "job": job.pk, "page": "job", "item": items[0].pk}
    phone.post(reverse("take_taps"), data | {"is_done": "true"})
    assert job.checks.get().is_done
    phone.post(reverse("take_taps"), data | {"id": str(uuid.uuid4()), "is_done": "false"})
    assert not job.checks.get().is_done


# Materials ----------------------------------------------------------------------------------------


def test_material_of_the_list_is_known_by_its_name_too(phone, job, tess):
    pipe = Material.objects.create(name="Copper pipe 15 mm", unit="m")
    send(
        phone,
        tap("material", job, material=pipe.pk, quantity=1.5),
        tap("material", job, name="copper PIPE 15 mm", quantity="2"),
    )
    assert sorted(map(str, job.material_uses.all())) == ["1.5 m Copper pipe 15 mm", "2 m Copper pipe 15 mm"]
    assert {use.used_by for use in job.material_uses.all()} == {tess.user}


def test_material_that_is_in_no_list_is_noted_by_its_name(phone, job):
    (answer,) = send(phone, tap("material", job, name="Odd valve", unit="pcs", quantity=1))
    assert answer["answer"] == "1 pcs Odd valve noted."
    assert job.material_uses.get().material is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ({"name": "", "quantity": 1}, "What did you use? Choose it or write its name."),
        ({"name": "Valve", "quantity": 0}, "How many? Write a number above 0."),
        ({"name": "Valve", "quantity": -1}, "How many? Write a number above 0."),
        ({"name": "Valve", "quantity": "lots"}, "How many? Write a number."),
        ({"name": "Valve", "quantity": None}, "How many? Write a number above 0."),
        ({"name": "Valve", "quantity": 10**12}, "That is too many."),
        ({"name": "Valve", "quantity": "1.234"}, "At most two digits after the point."),
        ({"name": "x" * 121, "quantity": 1}, "That name is too long."),
        ({"material": 10**6, "quantity": 1}, "This material is not in the list any more. Write its name."),
    ],
)
def test_material_that_makes_no_sense_is_refused_with_a_sentence(phone, job, content, sentence):
    (answer,) = send(phone, tap("material", job, **content))
    assert (answer["outcome"], answer["answer"]) == ("refused", sentence)
    assert not MaterialUse.objects.exists()


def test_material_taken_back_leaves_a_trace(phone, job, client, omar):
    used = tap("material", job, name="Valve", quantity=2)
    send(phone, used, tap("material", job, withdraws=used["id"]))
    assert job.material_uses.get().withdrawn_at is not None
    assert "Valve" not in phone.get(reverse("phone_job", args=[job.pk])).content.decode()
    client.force_login(omar)
    assert "taken back" in client.get(reverse("job", args=[job.pk])).content.decode()


def test_technician_cannot_take_back_what_somebody_else_has_used(phone, job, omar):
    use = actions.use_material(job, use_id=uuid.uuid4(), name="Valve", quantity=Decimal(1), by=omar)
    (answer,) = send(phone, tap("material", job, withdraws=str(use.pk)))
    assert answer["outcome"] == "refused"
    use.refresh_from_db()
    assert use.withdrawn_at is None


# Running late -------------------------------------------------------------------------------------


def late_notices(user):
    return user.notifications.filter(kind=Notification.Kind.RUNNING_LATE)


def test_running_late_moves_the_predicted_arrival_and_tells_the_dispatchers(phone, omar, tess):
    attendance.clock_in(tess, now=timezone.now())
    planned = timezone.now().replace(microsecond=0) + timedelta(minutes=10)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=planned)
    (answer,) = send(phone, tap("late", job, minutes=30))
    job.refresh_from_db()
    assert answer["outcome"] == "done"
    assert job.arrival.arrives_at == planned + timedelta(minutes=30)
    assert job.arrival.late_minutes == 30
    assert job.arrival.why.startswith(f"The technician says: 30 min late for {job.number}")
    assert late_notices(omar).get().text.startswith(f"{tess} comes 30 min late to {job.number}")
    assert "there at about" in phone.get(reverse("phone")).content.decode()


def test_newest_word_on_being_late_counts(phone, omar, tess):
    planned = timezone.now() + timedelta(minutes=10)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=planned)
    send(phone, tap("late", job, minutes=60), tap("late", job, minutes=10))
    assert RunningLate.objects.count() == 2
    job.refresh_from_db()
    assert job.arrival.arrives_at == planned + timedelta(minutes=10)


def test_who_is_due_already_comes_so_many_minutes_from_now(phone, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=timezone.now() - timedelta(hours=1))
    before = timezone.now()
    send(phone, tap("late", job, minutes=20))
    assert abs(RunningLate.objects.get().arrives_at - before - timedelta(minutes=20)) < timedelta(seconds=20)


def test_what_one_technician_said_does_not_count_for_the_next(phone, omar, tess, tom):
    planned = timezone.now() + timedelta(hours=1)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=planned)
    send(phone, tap("late", job, minutes=60))
    job = actions.assign_job(job, tom, by=omar)
    job.refresh_from_db()
    assert job.arrival.arrives_at < planned + timedelta(minutes=30)


def test_what_was_said_does_not_count_for_another_day(phone, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=timezone.now() + timedelta(minutes=10))
    send(phone, tap("late", job, minutes=60))
    page = reverse("phone_job", args=[job.pk])
    assert "there at about" in phone.get(page).content.decode()
    job.refresh_from_db()
    later = timezone.localdate() + timedelta(days=3)
    actions.edit_job(job, {"scheduled_on": later, "planned_starts_at": None}, by=omar, base_version=job.version)
    assert "there at about" not in phone.get(page).content.decode()


def test_technician_is_told_who_releases_a_job(phone, omar, tess):
    job = actions.hold_job(make_job(Status.ASSIGNED, by=omar, technician=tess), "Parts.", by=omar)
    (answer,) = send(phone, tap("step", job, to="en_route", seen=job.seen))
    assert answer["answer"].endswith("is on hold: Parts. The dispatcher releases it.")


def test_who_is_on_the_way_and_says_so_comes_later_too(phone, omar, tess):
    job = make_job(Status.EN_ROUTE, by=omar, technician=tess, planned_starts_at=timezone.now() + timedelta(minutes=5))
    send(phone, tap("late", job, minutes=40))
    job.refresh_from_db()
    assert job.arrival.late_minutes == 40
    assert job.arrival.why.startswith("The technician says: 40 min late")


def test_nobody_is_late_for_where_they_are(phone, job):
    send(phone, step(job, "in_progress"))
    (answer,) = send(phone, tap("late", job, minutes=20))
    assert answer["outcome"] == "refused"


@pytest.mark.parametrize("count", [0, -5, 481, "soon", None, 10**30])
def test_lateness_that_makes_no_sense_is_refused(phone, job, count):
    (answer,) = send(phone, tap("late", job, minutes=count))
    assert answer["answer"] == "How many minutes? Write a number from 1 to 480."


# Sick ---------------------------------------------------------------------------------------------


def test_technician_calls_out_sick_and_the_dispatcher_is_led_to_the_jobs(phone, client, job, omar, dana, tess):
    attendance.clock_in(tess, now=timezone.now() - timedelta(hours=1))
    (answer,) = send(phone, tap("sick", note="Flu"))
    absence = tess.time_off.get()
    assert (answer["outcome"], absence.kind, absence.note) == ("done", TimeOff.Kind.SICK, "Flu")
    assert timezone.localtime(absence.ends_at).hour == 0
    assert not attendance.is_on_duty(tess)
    notice = dana.notifications.get(kind=Notification.Kind.CALLED_SICK)
    assert "1 job to hand over" in notice.text and "Flu" in notice.text
    client.force_login(omar)
    assert job.number in client.get(notice.url).content.decode()
    client.force_login(tess.user)
    assert "You are marked as sick today" in client.get(reverse("phone")).content.decode()


def test_sick_call_that_arrives_after_midnight_is_about_the_day_before(tess):
    evening = timezone.localtime().replace(hour=23, minute=50, second=0, microsecond=0) - timedelta(days=1)
    absence = actions.call_in_sick(tess, by=tess.user, at=evening, now=evening + timedelta(minutes=25))
    assert (absence.starts_at, absence.ends_at) == (evening, evening + timedelta(minutes=10))


def test_who_is_known_to_be_sick_is_told_so(phone, tess):
    send(phone, tap("sick"))
    (answer,) = send(phone, tap("sick"))
    assert answer["outcome"] == "refused"
    assert tess.time_off.count() == 1


def test_job_under_way_goes_on_when_its_technician_calls_out_sick(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    send(phone, step(job, "in_progress"), tap("sick"))
    assert attendance.is_on_duty(tess)
    job.refresh_from_db()
    assert job.status == Status.IN_PROGRESS


def test_place_of_who_calls_out_sick_is_kept_nowhere(phone, tess):
    place = {"latitude": 40.1, "longitude": -75.1, "accuracy": 5, "fix_at": ms(timezone.now())}
    attendance.clock_in(tess, now=timezone.now() - timedelta(hours=1))
    send(phone, tap("sick") | place)
    assert tess.taps.get().latitude is None
    assert not tess.positions.exists()


# Time on site -------------------------------------------------------------------------------------


def test_travel_and_work_are_summed_over_an_interruption():
    log = [
        ("assigned", 0),
        ("en_route", 5),
        ("in_progress", 30),
        ("assigned", 50),
        ("in_progress", 80),
        ("completed", 100),
    ]
    (spent,) = time_spent([Step(status, 1, minutes(at)) for status, at in log], now=minutes(500))
    assert (spent.travel_minutes, spent.on_site_minutes, spent.since) == (25, 40, None)


def test_time_goes_on_while_the_work_does():
    (spent,) = time_spent([Step("in_progress", 1, minutes(0))], now=minutes(42))
    assert (spent.on_site_minutes, spent.since) == (42, minutes(0))


def test_breaks_are_taken_out_and_only_their_own():
    pauses = [Pause(1, minutes(10), minutes(25)), Pause(2, minutes(0), minutes(60)), Pause(1, minutes(50), None)]
    log = [Step("in_progress", 1, minutes(0)), Step("completed", 1, minutes(60))]
    (spent,) = time_spent(log, pauses=pauses, now=minutes(90))
    assert (spent.on_site_minutes, spent.break_minutes) == (35, 25)


def test_each_technician_has_their_own_time():
    log = [("en_route", 1, 0), ("assigned", 2, 20), ("in_progress", 2, 40), ("completed", 2, 70)]
    spent = time_spent([Step(status, who, minutes(at)) for status, who, at in log], now=minutes(90))
    assert [(each.technician_id, each.travel_minutes, each.on_site_minutes) for each in spent] == [
        (1, 20, 0),
        (2, 0, 30),
    ]


def test_job_page_and_drawer_show_what_was_done_in_the_field(client, omar, phone, job, items, tess):
    send(phone, step(job, "in_progress"), tap("check", job, item=items[1].pk, is_done=True))
    send(phone, tap("material", job, name="Valve", quantity=2))
    client.force_login(omar)
    for name in ("job", "job_drawer"):
        page = client.get(reverse(name, args=[job.pk])).content.decode()
        assert "1 of 2" in page and "2 Valve" in page and "min on site" in page


def test_log_says_what_a_wrong_clock_showed(client, omar, tess):
    then = timezone.now() - timedelta(hours=5)
    job = actions.assign_job(make_job(by=omar, now=then), tess, by=omar, now=then)
    client.force_login(tess.user)
    ahead = timezone.now() + timedelta(hours=3)
    send(client, step(job, "en_route", at=ahead - timedelta(minutes=30)), sent_at=ahead)
    client.force_login(omar)
    page = client.get(reverse("job", args=[job.pk])).content.decode()
    assert "received later" in page and "the phone's clock said" in page.replace("&#x27;", "'")


@pytest.mark.parametrize("page", ["phone_job", "job", "job_drawer"])
def test_long_lists_cost_no_more_queries(client, omar, tess, job, page):
    counts = []
    client.force_login(tess.user if page == "phone_job" else omar)
    for number in range(50):
        item = job.job_type.checklist.create(text=f"Item {number}")
        actions.check_item(job, item, is_done=True, by=omar)
        actions.use_material(job, use_id=uuid.uuid4(), name=f"Part {number}", quantity=Decimal(1), by=omar)
        if number in (4, 49):
            client.get(reverse(page, args=[job.pk]))
            with CaptureQueriesContext(
                connection,
            ) as captured:
                client.get(reverse(page, args=[job.pk]))
            counts.append(len(captured))
    assert counts[0] == counts[1]
