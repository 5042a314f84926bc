import json
import uuid
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import DispatchSettings, Notification, Status, Tap
from technicians import attendance
from technicians.models import ClockRecord, Position
from tests.factories import UserFactory, make_job
from tests.taps import ms, send, step, tap


@pytest.fixture
def job(omar, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, description="No heat upstairs")


@pytest.fixture
def phone(client, tess):
    client.force_login(tess.user)
    return client


def outcomes(answers):
    return [answer["outcome"] for answer in answers]


def assigned_long_ago(technician, *, by):
    """Five hours ago."""
    then = timezone.now() - timedelta(hours=5)
    return actions.assign_job(make_job(by=by, now=then), technician, by=by, now=then)


def log_of(job):
    """What was done since the job was assigned."""
    return [change.to_status for change in job.status_changes.order_by("pk")][2:]


def here(**changed):
    place = {"latitude": 40.1, "longitude": -75.1, "accuracy": 12.5, "fix_at": ms(timezone.now())}
    return place | changed


# In order, once each, at their own time -----------------------------------------------------------


def test_chain_tapped_without_signal_is_done_in_order_with_its_own_times(phone, omar, tess):
    job = assigned_long_ago(tess, by=omar)
    start = timezone.now() - timedelta(hours=3)
    times = [start + timedelta(minutes=minutes) for minutes in (0, 5, 30, 60, 90)]
    chain = [
        tap("duty", at=times[0], duty="in"),
        step(job, "en_route", at=times[1]),
        step(job, "in_progress", seen=f"en_route.{tess.pk}", at=times[2]),
        tap("note", job, at=times[3], text="Replaced the valve"),
        step(job, "completed", seen=f"in_progress.{tess.pk}", at=times[4], note="All fine"),
    ]
    answers = send(phone, *chain)
    assert outcomes(answers) == ["done"] * 5
    assert [answer["id"] for answer in answers] == [each["id"] for each in chain]
    assert answers[-1]["job"] == {"id": job.pk, "seen": f"completed.{tess.pk}", "status": "completed"}
    assert log_of(job) == ["en_route", "in_progress", "completed"]
    changes = list(job.status_changes.order_by("pk"))[2:]
    assert [ms(change.happened_at) for change in changes] == [ms(times[1]), ms(times[2]), ms(times[4])]
    assert all(change.is_received_later for change in changes)
    job.refresh_from_db()
    assert [ms(job.en_route_at), ms(job.started_at), ms(job.completed_at)] == [ms(times[n]) for n in (1, 2, 4)]
    assert ms(tess.clock_records.get().clocked_in_at) == ms(times[0])
    assert ms(job.notes.get().written_at) == ms(times[3])


def test_nothing_happens_on_a_job_before_what_happened_on_it_last(phone, job):
    assigned_at = job.status_changes.last().happened_at
    send(phone, step(job, "en_route", at=timezone.now() - timedelta(hours=1)))
    assert job.status_changes.last().happened_at == assigned_at
    assert Tap.objects.get().happened_at == assigned_at


def test_same_taps_sent_again_are_answered_as_before_and_done_once(phone, job, tess):
    batch = [step(job, "en_route"), tap("note", job, text="Ring twice"), tap("duty", duty="in")]
    first, second = send(phone, *batch), send(phone, *batch)
    assert [(each["id"], each["outcome"], each["answer"]) for each in first] == [
        (each["id"], each["outcome"], each["answer"]) for each in second
    ]
    assert (log_of(job), job.notes.count(), Tap.objects.count()) == (["en_route"], 1, 3)


def test_one_tap_twice_in_one_batch_counts_once(phone, job):
    note = tap("note", job, text="Ring twice")
    assert outcomes(send(phone, note, note)) == ["done", "done"]
    assert job.notes.count() == 1


def test_refused_tap_stays_refused_and_holds_up_no_other(phone, job, omar):
    actions.hold_job(job, "Waiting for the part", by=omar)
    batch = [step(job, "en_route"), tap("note", job, text="I am here")]
    assert outcomes(send(phone, *batch)) == ["refused", "done"]
    actions.release_job(job, by=omar)
    assert outcomes(send(phone, *batch)) == ["refused", "done"]
    assert log_of(job) == []


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), -timedelta(hours=1), -timedelta(days=400)])
def test_phones_clock_is_put_right_by_what_it_says_when_sending(phone, job, wrong_by):
    now = timezone.now()
    tapped = tap("note", job, at=now - timedelta(minutes=30) + wrong_by, text="Hello")
    send(phone, tapped, sent_at=now + wrong_by)
    stored = Tap.objects.get()
    assert abs(stored.happened_at - (now - timedelta(minutes=30))) < timedelta(seconds=20)
    assert abs(stored.tapped_at - stored.happened_at - wrong_by) < timedelta(seconds=20)


@pytest.mark.parametrize("wrong_by", [timedelta(hours=1), -timedelta(hours=1)])
def test_clock_put_right_between_tapping_and_sending_shifts_nothing(phone, job, wrong_by):
    at = timezone.now() - timedelta(minutes=30)
    tapped = tap("note", job, at=at + wrong_by, text="Hello") | {"offset": -wrong_by.total_seconds() * 1000}
    send(phone, tapped)
    stored = Tap.objects.get()
    assert ms(stored.happened_at) == ms(at)
    assert ms(stored.tapped_at) == ms(at + wrong_by)


@pytest.mark.parametrize("offset", ["soon", 10**400, float("1e300"), [1], None])
def test_offset_that_makes_no_sense_is_left_out(phone, job, offset):
    at = timezone.now() - timedelta(minutes=30)
    send(phone, tap("note", job, at=at, text="Hello") | {"offset": offset})
    assert ms(Tap.objects.get().happened_at) == ms(at)


def test_clock_that_is_off_by_seconds_is_left_alone(phone, job):
    now = timezone.now()
    at = now - timedelta(minutes=10)
    send(phone, tap("note", job, at=at, text="Hello"), sent_at=now - timedelta(seconds=30))
    assert ms(Tap.objects.get().happened_at) == ms(at)


def test_nothing_happens_in_the_future(phone, job):
    send(phone, tap("note", job, at=timezone.now() + timedelta(hours=2), text="Hello"))
    stored = Tap.objects.get()
    assert stored.happened_at <= stored.received_at


@pytest.mark.parametrize("tapped_at", [None, "yesterday", -5, 1e300, 10**400, True, [1]])
def test_time_that_is_none_counts_as_now_and_the_answer_says_so(phone, job, tapped_at):
    (answer,) = send(phone, tap("note", job, text="Hello") | {"tapped_at": tapped_at})
    stored = Tap.objects.get()
    assert stored.happened_at == stored.received_at
    assert answer["outcome"] == "done"
    assert "the time at which it arrived counts" in answer["answer"]


def test_what_is_older_than_a_week_counts_as_now_and_the_answer_says_so(phone, job):
    (answer,) = send(phone, tap("note", job, at=timezone.now() - timedelta(days=8), text="Hello"))
    assert "the time at which it arrived counts" in answer["answer"]
    assert Tap.objects.get().happened_at == Tap.objects.get().received_at


# What no longer fits ------------------------------------------------------------------------------


def conflict_notices(user):
    return user.notifications.filter(kind=Notification.Kind.FIELD_CONFLICT)


def test_step_on_a_job_given_to_somebody_else_is_kept_as_a_note_for_the_dispatcher(phone, job, omar, tess, tom):
    taken = step(job, "in_progress", at=timezone.now() - timedelta(minutes=20), note="Door was open")
    actions.assign_job(job, tom, by=omar)
    (answer,) = send(phone, taken)
    job.refresh_from_db()
    assert (answer["outcome"], answer["job"]) == ("kept", None)
    assert "kept as a note for the dispatcher" in answer["answer"]
    assert (job.status, job.technician) == ("assigned", tom)
    text = job.notes.get().text
    assert text.startswith("Tapped In Progress with the note “Door was open” at ")
    assert f"by then {job.number} is Assigned to {tom}" in text
    assert job.notes.get().author == tess.user
    assert conflict_notices(omar).count() == 1


@pytest.mark.parametrize("kind", ["note", "check", "material"])
def test_nothing_written_on_a_job_given_to_somebody_else_is_lost(phone, job, omar, tom, kind):
    item = job.job_type.checklist.create(text="Filter changed")
    content = {
        "note": {"text": "Valve is stuck"},
        "check": {"item": item.pk, "is_done": True},
        "material": {"name": "Filter", "unit": "pcs", "quantity": 2},
    }
    actions.assign_job(job, tom, by=omar)
    assert outcomes(send(phone, tap(kind, job, **content[kind]))) == ["kept"]
    words = {"note": "Wrote “Valve is stuck”", "check": "Checked “Filter changed”", "material": "Used 2 pcs Filter"}
    assert job.notes.get().text.startswith(words[kind])
    assert (job.checks.count(), job.material_uses.count()) == (0, 0)


def test_step_on_a_cancelled_job_is_kept(phone, job, omar):
    begun = step(job, "en_route")
    actions.change_status(job, Status.CANCELLED, by=omar, note="Customer called")
    (answer,) = send(phone, begun)
    assert (answer["outcome"], answer["job"]["status"]) == ("kept", "cancelled")
    assert "by then" in job.notes.get().text
    job.refresh_from_db()
    assert job.status == Status.CANCELLED


def test_tap_that_says_what_the_dispatcher_says_of_another_time_is_kept(phone, omar, tess):
    job = assigned_long_ago(tess, by=omar)
    job = actions.change_status(job, Status.IN_PROGRESS, by=tess.user, now=timezone.now() - timedelta(hours=4))
    done = step(job, "completed", at=timezone.now() - timedelta(hours=2))
    actions.change_status(job, Status.COMPLETED, by=omar)
    (answer,) = send(phone, done)
    assert (answer["outcome"], answer["job"]["status"]) == ("kept", "completed")
    assert log_of(job) == ["in_progress", "completed"]


def test_tap_that_says_what_the_dispatcher_has_just_said_is_no_conflict(phone, job, omar):
    tapped = step(job, "en_route")
    actions.change_status(job, Status.EN_ROUTE, by=omar)
    assert outcomes(send(phone, tapped)) == ["done"]
    assert not job.notes.exists()


def test_job_of_somebody_else_does_not_exist(phone, omar, tom):
    foreign = make_job(Status.ASSIGNED, by=omar, technician=tom)
    (unknown,) = send(phone, tap("note", foreign, text="Hello") | {"job": 10**9})
    (answer,) = send(phone, tap("note", foreign, text="Hello"))
    assert (answer["outcome"], answer["answer"], answer["job"]) == (
        unknown["outcome"],
        unknown["answer"],
        unknown["job"],
    )
    assert answer["outcome"] == "refused"
    assert not foreign.notes.exists()
    assert not Tap.objects.filter(job=foreign).exists()


def test_what_another_phone_of_theirs_has_done_already_is_not_done_again(phone, job, tess):
    """Two phones without signal, of the same technician: what was tapped comes into the log once each, in order."""
    one = [step(job, "en_route"), step(job, "in_progress", seen=f"en_route.{tess.pk}")]
    other = [step(job, "en_route"), step(job, "in_progress", seen=f"en_route.{tess.pk}")]
    other.append(step(job, "completed", seen=f"in_progress.{tess.pk}"))
    assert outcomes(send(phone, *one)) == ["done", "done"]
    assert outcomes(send(phone, *other)) == ["done", "done", "done"]
    assert log_of(job) == ["en_route", "in_progress", "completed"]


def test_phone_that_does_not_know_of_the_other_ones_taps_goes_on_from_there(phone, job, tess):
    straight = step(job, "in_progress")
    send(phone, step(job, "en_route"))
    assert outcomes(send(phone, straight)) == ["done"]
    assert log_of(job) == ["en_route", "in_progress"]


def test_hold_while_the_phone_was_offline_does_not_undo_what_has_happened(phone, job, omar):
    begun = step(job, "in_progress", at=timezone.now() - timedelta(minutes=30))
    actions.hold_job(job, "Waiting for the part", by=omar)
    assert outcomes(send(phone, begun)) == ["kept"]
    assert "Tapped In Progress" in job.notes.get().text


# What makes no sense ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        {"id": "one"},
        {"id": None},
        {"id": ["x"]},
        {"kind": "teleport"},
        {"kind": None},
        {"kind": "photo"},
        {"job": "abc"},
        {"job": -1},
        {"job": 2**80},
        {"job": 10**400},
        {"id": 10**400},
        {"content": {"to": 10**400, "seen": 10**400}},
        {"content": None},
        {"content": []},
        {"content": {"to": "teleport", "seen": "x"}},
        {"content": {"to": {"a": 1}, "seen": "x"}},
        {"content": {"to": "en_route"}},
    ],
)
def test_tap_that_makes_no_sense_is_refused_with_a_sentence_and_the_others_go_on(phone, job, broken):
    answers = send(phone, step(job, "en_route") | broken, tap("note", job, text="Hello"))
    assert outcomes(answers) == ["refused", "done"]
    assert answers[0]["answer"].endswith(".")
    assert log_of(job) == []


@pytest.mark.parametrize("raw", [None, 5, "tap", [], {}])
def test_tap_that_is_no_tap_is_refused(phone, db, raw):
    assert outcomes(send(phone, raw)) == ["refused"]


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001, "\0", "\ud800"])
def test_empty_or_endless_note_is_refused(phone, job, text):
    assert outcomes(send(phone, tap("note", job, text=text))) == ["refused"]
    assert not job.notes.exists()


@pytest.mark.parametrize("value", ["1e400", "-1e400", "9" * 400, '{"a": []}', '"\\u0000"', "[[[]]]"])
def test_no_content_is_a_server_error(phone, job, value):
    names = {
        "step": ["to", "seen", "note"],
        "check": ["item", "is_done"],
        "material": ["quantity", "material", "withdraws", "name", "unit"],
        "late": ["minutes"],
        "duty": ["duty"],
        "sick": ["note"],
        "note": ["text"],
    }
    taps = [tap(kind, job, **{name: "VALUE"}) for kind, fields in names.items() for name in fields]
    body = json.dumps({"sent_at": ms(timezone.now()), "taps": taps}).replace('"VALUE"', value)
    assert phone.post(reverse("take_taps"), body, content_type="application/json").status_code == 200


def test_answer_is_json_whatever_the_id(phone, db):
    body = b'{"sent_at": 1, "taps": [{"id": 1e400}]}'
    response = phone.post(reverse("take_taps"), body, content_type="application/json")
    assert b"Infinity" not in response.content
    assert outcomes(response.json()["taps"]) == ["refused"]


@pytest.mark.expects_error_logs
@pytest.mark.django_db(transaction=True)
def test_tap_that_is_done_is_answered_so_even_if_telling_of_it_fails(phone, job, monkeypatch):
    def fail(*args, **kwargs):
        transaction.on_commit(lambda: int("nobody listens"))

    monkeypatch.setattr("dispatch.actions.edit.publish_job", fail)
    assert outcomes(send(phone, tap("note", job, text="Hello"))) == ["done"]
    assert job.notes.count() == 1


def test_broken_characters_do_not_lose_a_note(phone, job):
    assert outcomes(send(phone, tap("note", job, text="Valve\0 is \ud83d stuck"))) == ["done"]
    assert job.notes.get().text == "Valve is  stuck"


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'{"taps": []}',
        b'{"sent_at": 1, "taps": {}}',
        b'{"sent_at": NaN, "taps": []}',
        b'{"sent_at": 1e999, "taps": []}',
        b'{"sent_at": 1, "taps": [' + b",".join([b"{}"] * 51) + b"]}",
        b"[" * 100_000,
        b'{"sent_at": ' + b"9" * 6000 + b"}",
        b'{"sent_at": ' + b"9" * 400 + b', "taps": []}',
        b'{"sent_at": -' + b"9" * 400 + b', "taps": []}',
        b'{"sent_at": 1, "taps": [], "x": "' + b"x" * 600_000 + b'"}',
        b"\xff\xfe",
    ],
)
def test_broken_envelope_is_a_400_with_a_sentence(phone, db, body):
    response = phone.post(reverse("take_taps"), body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["error"].endswith(".")


def test_id_of_another_technicians_tap_tells_nothing_of_it(client, job, tess, tom):
    note = tap("note", job, text="Gate code 4471")
    client.force_login(tess.user)
    send(client, note)
    client.force_login(tom.user)
    (answer,) = send(client, note)
    assert (answer["outcome"], answer["job"]) == ("refused", None)
    assert "4471" not in json.dumps(answer)


# Who ----------------------------------------------------------------------------------------------


def test_script_without_a_login_is_told_so_and_not_redirected(client, db):
    assert send(client, status=401)["error"] == "Log in again."


def test_form_without_a_login_goes_there(client, db):
    assert client.post(reverse("take_taps"), {"kind": "duty"}).url.startswith(reverse("login"))


@pytest.mark.parametrize("who", ["ada", "omar", "dana", "nick"])
def test_only_technicians_tap(client, request, db, who):
    client.force_login(request.getfixturevalue(who))
    body = json.dumps({"sent_at": ms(timezone.now()), "taps": []})
    assert client.post(reverse("take_taps"), body, content_type="application/json").status_code == 403
    assert client.get(reverse("take_taps")).status_code == 405


def test_technician_without_a_profile_is_told_so(client, db):
    client.force_login(UserFactory(role="technician"))
    assert client.post(reverse("take_taps"), {"kind": "duty"}).status_code == 403


@pytest.mark.parametrize("closed", ["account", "profile"])
def test_taps_of_who_is_shut_out_wait_until_the_account_is_back(phone, job, tess, omar, tom, closed):
    DispatchSettings.load()
    DispatchSettings.objects.update(office_phone="(412) 555-0100")
    who = tess.user if closed == "account" else tess
    shut = type(who).objects.filter(pk=who.pk)
    taps = [step(job, "en_route"), tap("note", job, text="At the gate")]
    shut.update(is_active=False)
    assert "Call the office: (412) 555-0100." in send(phone, *taps, status=403)["error"]
    assert not Tap.objects.exists()
    actions.assign_job(job, tom, by=omar)
    shut.update(is_active=True)
    assert outcomes(send(phone, *taps)) == ["kept", "kept"]
    assert conflict_notices(omar).count() == 2
    assert {note.author for note in job.notes.all()} == {tess.user}


def test_technician_cannot_take_a_dispatchers_step(phone, job):
    assert outcomes(send(phone, step(job, "cancelled", note="No thanks"))) == ["refused"]
    assert log_of(job) == []


def test_interrupting_asks_for_a_reason(phone, job, tess):
    send(phone, step(job, "in_progress"))
    (answer,) = send(phone, step(job, "assigned", seen=f"in_progress.{tess.pk}"))
    assert (answer["outcome"], answer["answer"]) == ("refused", "Give a reason.")
    send(phone, step(job, "assigned", seen=f"in_progress.{tess.pk}", note="Part missing"))
    assert job.status_changes.last().note == "Part missing"


def test_second_job_cannot_be_begun_while_one_is_under_way(phone, job, omar, tess):
    other = make_job(Status.EN_ROUTE, by=omar, technician=tess)
    (answer,) = send(phone, step(job, "en_route"))
    assert answer["outcome"] == "refused"
    assert f"still En Route on {other.number}" in answer["answer"]


# Where --------------------------------------------------------------------------------------------


def test_position_goes_into_the_log_and_becomes_the_technicians(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    send(phone, step(job, "en_route") | here())
    change = job.status_changes.last()
    assert (change.latitude, change.longitude, change.accuracy_m) == (40.1, -75.1, 12.5)
    assert change.position_age_seconds <= 2
    tess.refresh_from_db()
    assert (tess.latitude, tess.longitude) == (40.1, -75.1)
    assert Position.objects.get().source == Position.Source.PHONE


def test_position_is_put_right_by_the_phones_clock_too(phone, job, tess):
    ahead = timedelta(hours=1)
    attendance.clock_in(tess, now=timezone.now() - timedelta(minutes=1))
    fix_at = ms(timezone.now() + ahead)
    send(phone, step(job, "en_route", at=timezone.now() + ahead) | here(fix_at=fix_at), sent_at=timezone.now() + ahead)
    assert abs(Position.objects.get().recorded_at - timezone.now()) < timedelta(seconds=20)


def test_off_duty_the_position_goes_into_the_log_only(phone, job, tess):
    send(phone, step(job, "en_route") | here())
    assert job.status_changes.last().latitude == 40.1
    tess.refresh_from_db()
    assert tess.latitude is None
    assert not Position.objects.exists()


def test_position_from_before_duty_is_kept_nowhere_but_in_the_log(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    at_home = ms(timezone.now() - timedelta(hours=1))
    send(phone, step(job, "en_route") | here(fix_at=at_home), tap("duty", duty="in") | here(fix_at=at_home))
    assert job.status_changes.last().latitude == 40.1
    assert not Position.objects.exists()


def test_only_a_tap_that_clocks_in_tells_the_place_off_duty(phone, job, tess):
    note = tap("note", job, text="Valve ordered", duty="in")
    assert outcomes(send(phone, note | here())) == ["done"]
    assert not Position.objects.exists()


def test_tap_that_clocks_in_says_where_the_technician_is(phone, tess):
    send(phone, tap("duty", duty="in") | here())
    assert Position.objects.get().technician == tess


@pytest.mark.parametrize(
    "broken",
    [
        {"latitude": 91},
        {"latitude": "nan"},
        {"longitude": 1e999},
        {"longitude": None},
        {"accuracy": -4},
        {"fix_at": "yesterday"},
        {"fix_at": 10**20},
        {"latitude": 10**400},
        {"accuracy": 10**400},
        {"fix_at": 10**400},
        {"fix_at": 1000},
        {"latitude": 0, "longitude": 0},
        {"latitude": [40]},
    ],
)
def test_position_that_makes_no_sense_does_not_lose_the_tap(phone, job, broken):
    if 1e999 in broken.values():
        broken = {"longitude": "inf"}
    assert outcomes(send(phone, step(job, "en_route") | here(**broken))) == ["done"]
    assert job.status_changes.last().latitude is None
    assert not Position.objects.exists()


# Shift --------------------------------------------------------------------------------------------


def test_technician_clocks_in_pauses_and_clocks_out(phone, tess):
    start = timezone.now() - timedelta(hours=4)
    times = [start + timedelta(hours=hours) for hours in range(4)]
    taps = [tap("duty", duty=what, at=at) for what, at in zip(("in", "break", "back", "out"), times, strict=True)]
    assert outcomes(send(phone, *taps)) == ["done"] * 4
    record = tess.clock_records.get()
    assert [ms(record.clocked_in_at), ms(record.clocked_out_at)] == [ms(times[0]), ms(times[3])]
    pause = record.breaks.get()
    assert [ms(pause.began_at), ms(pause.ended_at)] == [ms(times[1]), ms(times[2])]


def test_clocking_out_is_refused_while_a_job_is_under_way(phone, job, tess):
    attendance.clock_in(tess, now=timezone.now())
    answers = send(phone, step(job, "en_route"), tap("duty", duty="out"))
    assert outcomes(answers) == ["done", "refused"]
    assert f"Finish or interrupt {job.number} first" in answers[1]["answer"]
    assert attendance.is_on_duty(tess)


def test_who_was_clocked_out_as_forgotten_and_says_later_when_they_left_is_believed(phone, tess):
    now = timezone.now()
    attendance.clock_in(tess, now=now - timedelta(hours=12))
    record = tess.clock_records.get()
    ClockRecord.objects.update(clocked_out_at=now - timedelta(hours=4), closed_by_system=True)
    left_at = now - timedelta(hours=3)
    (answer,) = send(phone, tap("duty", duty="out", at=left_at))
    record.refresh_from_db()
    assert (answer["outcome"], ms(record.clocked_out_at)) == ("done", ms(left_at))
    assert not record.closed_by_system


def test_who_clocks_in_late_by_the_log_does_not_overlap_with_the_stretch_before(phone, tess):
    now = timezone.now()
    ClockRecord.objects.create(technician=tess, clocked_in_at=now - timedelta(hours=9), clocked_out_at=now)
    send(phone, tap("duty", duty="in", at=now - timedelta(hours=1)))
    assert tess.clock_records.get(clocked_out_at=None).clocked_in_at == now


# Without script -----------------------------------------------------------------------------------


def test_form_posts_one_tap_and_goes_back_to_its_page(phone, job):
    data = {"id": str(uuid.uuid4()), "kind": "step", "job": job.pk, "page": "job", "to": "en_route", "seen": job.seen}
    response = phone.post(reverse("take_taps"), data, follow=True)
    assert response.redirect_chain == [(reverse("phone_job", args=[job.pk]), 302)]
    assert f"{job.number} is En Route." in response.content.decode()
    phone.post(reverse("take_taps"), data)
    assert log_of(job) == ["en_route"]


def test_form_on_a_job_given_away_leads_to_the_day(phone, job, omar, tom):
    actions.assign_job(job, tom, by=omar)
    data = {"id": str(uuid.uuid4()), "kind": "note", "job": job.pk, "page": "job", "text": "Hello"}
    response = phone.post(reverse("take_taps"), data)
    assert response.url == reverse("phone")


# How much it costs --------------------------------------------------------------------------------


def test_known_taps_cost_as_few_queries_whether_5_or_50(phone, job, django_assert_max_num_queries):
    for count in (5, 50):
        batch = [tap("note", job, text=f"Note {number}") for number in range(count)]
        send(phone, *batch)
        with django_assert_max_num_queries(12):
            send(phone, *batch)
