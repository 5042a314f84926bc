"""A technician's calendar feed: read by the `icalendar` package, it says what the phone page says."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse
from django.utils import timezone
from icalendar import Calendar

from dispatch import actions
from dispatch.field.phone import load_day
from dispatch.models import Job, Status
from technicians.models import CalendarFeed, Technician
from tests.factories import make_job

DAY = timedelta(days=1)


@pytest.fixture
def token(tess, omar):
    return actions.make_calendar_feed(tess, by=omar)


@pytest.fixture
def today():
    return timezone.localdate()


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=timezone.get_current_timezone())


def read(client, token) -> dict[int, object]:
    """The feed's events by the id of their job."""
    answer = client.get(reverse("calendar", args=[token]))
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    events = Calendar.from_ical(answer.content).walk("VEVENT")
    uids = [str(event["UID"]) for event in events]
    assert len(uids) == len(set(uids))
    return {int(str(event["UID"]).split("-")[1]): event for event in events}


def days_of(event) -> date:
    start = event.decoded("DTSTART")
    return timezone.localdate(start) if isinstance(start, datetime) else start


def test_calendar_gives_the_same_day_as_the_phone_page(client, omar, tess, tom, token, today):
    mine = {"by": omar, "technician": tess}
    make_job(Status.ASSIGNED, **mine, scheduled_on=today, planned_starts_at=at(today, 9), duration_minutes=45)
    make_job(Status.ASSIGNED, **mine, scheduled_on=today)  # some time
    make_job(Status.ASSIGNED, **mine, scheduled_on=today - 2 * DAY)  # left over
    make_job(Status.ASSIGNED, **mine, scheduled_on=None)  # no day yet
    make_job(Status.COMPLETED, **mine, scheduled_on=today + DAY)  # done before its day
    make_job(Status.EN_ROUTE, **mine, scheduled_on=today + 3 * DAY)  # under way before its day
    block = {"window_starts_at": at(today, 13), "window_ends_at": at(today, 17)}
    make_job(Status.ASSIGNED, **mine, scheduled_on=today, **block)
    make_job(Status.ASSIGNED, **mine, scheduled_on=today + DAY, planned_starts_at=at(today + DAY, 9))  # tomorrow's
    make_job(Status.ASSIGNED, by=omar, technician=tom, scheduled_on=today)  # another's
    day = load_day(tess)
    shown = {job.pk: job for job in [day.current, *day.following, *day.finished]}
    assert len(shown) == 7
    events = read(client, token)
    assert {pk for pk, event in events.items() if days_of(event) == today} == shown.keys()
    for pk, job in shown.items():
        event = events[pk]
        assert job.number in str(event["SUMMARY"]) and str(job.customer) in str(event["SUMMARY"])
        assert str(event["LOCATION"]) == job.site.address
        assert str(event["STATUS"]) == "CONFIRMED"
        if job.planned_starts_at:
            assert event.decoded("DTSTART") == job.planned_starts_at
            assert event.decoded("DTEND") == job.planned_starts_at + timedelta(minutes=45)
        elif job.window_starts_at:
            assert event.decoded("DTSTART") == job.window_starts_at
            assert event.decoded("DTEND") == job.window_ends_at
        elif job.status == Status.COMPLETED:
            assert event.decoded("DTSTART") == job.started_at.replace(microsecond=0)


def test_times_are_in_utc_on_both_sides_of_a_clock_change(client, omar, tess, token, time_machine):
    time_machine.move_to(datetime(2026, 10, 28, 12, tzinfo=UTC), tick=False)
    days = {date(2026, 10, 30): 13, date(2026, 11, 2): 14}  # New York leaves summer time on 1 November
    for day in days:
        local = datetime(day.year, day.month, day.day, 9, tzinfo=ZoneInfo("America/New_York"))
        make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=day, planned_starts_at=local)
    body = client.get(reverse("calendar", args=[token])).content.decode()
    assert "TZID" not in body
    for day, hour in days.items():
        assert f"DTSTART:{day:%Y%m%d}T{hour}0000Z" in body


def test_event_keeps_its_uid_and_its_sequence_grows_with_each_change(client, omar, tess, token, today):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, planned_starts_at=at(today, 9))
    before = read(client, token)[job.pk]
    job = actions.edit_job(job, {"planned_starts_at": at(today, 11)}, by=omar, base_version=job.version)
    after = read(client, token)[job.pk]
    assert after["UID"] == before["UID"]
    assert after["SEQUENCE"] > before["SEQUENCE"]
    assert after.decoded("LAST-MODIFIED") >= before.decoded("LAST-MODIFIED")
    assert after["LAST-MODIFIED"].dt == after["DTSTAMP"].dt
    assert after.decoded("DTSTART") == at(today, 11)


def test_cancelled_job_is_cancelled_in_the_calendar(client, omar, tess, token):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    actions.change_status(job, Status.CANCELLED, by=omar, note="Not needed")
    assert str(read(client, token)[job.pk]["STATUS"]) == "CANCELLED"


@pytest.mark.parametrize("to", ["tom", "nobody"])
def test_job_given_to_somebody_else_is_cancelled_and_says_no_more(client, omar, tess, tom, token, to):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, description="Wine cellar")
    before = read(client, token)[job.pk]
    if to == "tom":
        actions.assign_job(job, tom, by=omar)
    else:
        actions.unassign_job(job, by=omar)
    event = read(client, token)[job.pk]
    assert str(event["STATUS"]) == "CANCELLED" and event["UID"] == before["UID"]
    assert event["SEQUENCE"] > before["SEQUENCE"]
    assert "LOCATION" not in event and "DESCRIPTION" not in event and "GEO" not in event
    assert str(job.customer) not in str(event["SUMMARY"])


def test_job_that_comes_back_is_theirs_again_under_the_same_uid(client, omar, tess, tom, token):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    job = actions.assign_job(job, tom, by=omar)
    given_away = read(client, token)[job.pk]
    actions.assign_job(job, tess, by=omar)
    back = read(client, token)[job.pk]
    assert str(back["STATUS"]) == "CONFIRMED"
    assert back["UID"] == given_away["UID"] and back["SEQUENCE"] > given_away["SEQUENCE"]


def test_two_months_back_and_half_a_year_ahead(client, omar, tess, token, today):
    inside = [make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=today + 180 * DAY)]
    inside.append(make_job(Status.CANCELLED, by=omar, scheduled_on=today))
    outside = [make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=today + 181 * DAY)]
    old = make_job(Status.COMPLETED, by=omar, technician=tess, scheduled_on=today - 70 * DAY)
    long_ago = timezone.now() - 70 * DAY
    Job.objects.filter(pk=old.pk).update(started_at=long_ago, completed_at=long_ago)
    events = read(client, token)
    assert inside[0].pk in events
    assert outside[0].pk not in events and old.pk not in events


def test_odd_text_stays_text(client, omar, tess, token):
    description = 'Line one\r\nBEGIN:VEVENT\r\nSUMMARY:forged; "quoted", \\n back\\slash é漢字' + "x" * 500
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, description=description)
    events = read(client, token)
    assert len(events) == 1
    assert "forged" in str(events[job.pk]["DESCRIPTION"]) and "é漢字" in str(events[job.pk]["DESCRIPTION"])


def test_one_jobs_control_characters_do_not_make_the_calendar_unreadable(client, omar, tess, token):
    make_job(Status.ASSIGNED, by=omar, technician=tess, description="Leak\x0b under\x01 sink\r\nfloor\t2")
    content = client.get(reverse("calendar", args=[token])).content.decode()
    assert {sign for sign in content if ord(sign) < 32} == {"\r", "\n", "\t"}
    assert "Leak under sink\\nfloor" in content


def test_unchanged_calendar_is_not_sent_again(client, omar, tess, token):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    url = reverse("calendar", args=[token])
    tag = client.get(url).headers["ETag"]
    again = client.get(url, headers={"If-None-Match": tag})
    assert again.status_code == 304 and again.content == b""
    actions.add_note(job, "Ring twice", by=omar)
    assert client.get(url, headers={"If-None-Match": tag}).status_code == 200


def test_wrong_revoked_and_departed_look_the_same(client, omar, tess, tom, token):
    url = reverse("calendar", args=[token])
    assert client.get(url).status_code == 200
    actions.revoke_calendar_feed(tess, by=omar)
    of_tom = reverse("calendar", args=[actions.make_calendar_feed(tom, by=omar)])
    Technician.objects.filter(pk=tom.pk).update(is_active=False)
    answers = [client.get(one) for one in (url, of_tom, reverse("calendar", args=["x" * 43]))]
    answers += [client.post(url), client.head(url)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers[:4]}) == 1
    assert len({tuple(sorted(a.headers.items())) for a in answers[:4] if a.headers.pop("X-Request-ID", 1)}) == 1


def test_making_a_new_address_ends_the_one_before(client, omar, tess, token):
    newer = actions.make_calendar_feed(tess, by=omar)
    assert client.get(reverse("calendar", args=[token])).status_code == 404
    assert client.get(reverse("calendar", args=[newer])).status_code == 200
    assert token not in CalendarFeed.objects.values_list("token_hash", "nonce")[0]


def test_guessing_is_slowed_down_while_those_who_are_known_come_in(client, token):
    known = reverse("calendar", args=[token])
    assert client.get(known).status_code == 200
    statuses = [client.get(reverse("calendar", args=[f"guess{n}"])).status_code for n in range(40)]
    assert statuses[0] == 404 and statuses[-1] == 429
    assert client.get(known).status_code == 200


def test_the_feed_needs_no_login_and_is_kept_by_nobody_in_between(client, token):
    answer = client.get(reverse("calendar", args=[token]))
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert "noindex" in answer.headers["X-Robots-Tag"]
    assert not answer.cookies


def test_the_token_is_not_in_the_log(client, token, caplog):
    caplog.set_level("INFO")
    client.get(reverse("calendar", args=[token]))
    assert "/calendar/…" in caplog.text and token not in caplog.text


def test_as_many_queries_for_fifty_jobs_as_for_five(client, omar, tess, tom, token, django_assert_max_num_queries):
    numbers = []
    for count in (5, 45):
        for _ in range(count):
            make_job(Status.ASSIGNED, by=omar, technician=tess)
            actions.assign_job(make_job(Status.ASSIGNED, by=omar, technician=tess), tom, by=omar)
        with django_assert_max_num_queries(8) as asked:
            read(client, token)
        numbers.append(len(asked))
    assert numbers[0] >= numbers[1]  # the first time it is noted that it was read


# The page that gives it out -----------------------------------------------------------------------


def test_technician_makes_an_address_and_sees_it_only_then(client, tess):
    client.force_login(tess.user)
    made = client.post(reverse("make_calendar_feed", args=[tess.pk]))
    assert "no-store" in made.headers["Cache-Control"]
    page = made.content.decode()
    assert "webcal://testserver/calendar/" in page
    url = page.split("data-address>")[1].split("<")[0]
    assert client.get(url.removeprefix("http://testserver")).status_code == 200
    later = client.get(reverse("calendar_feed", args=[tess.pk])).content.decode()
    assert "/calendar/" + url.rsplit("/", 1)[1] not in later
    assert "Last read" in later and "Never yet" not in later
    client.post(reverse("revoke_calendar_feed", args=[tess.pk]))
    assert client.get(url.removeprefix("http://testserver")).status_code == 404


def test_technician_cannot_make_one_of_somebody_elses_jobs(client, tess, tom):
    client.force_login(tess.user)
    for name in ("calendar_feed", "make_calendar_feed", "revoke_calendar_feed"):
        method = client.get if name == "calendar_feed" else client.post
        assert method(reverse(name, args=[tom.pk])).status_code == 404
    assert not CalendarFeed.objects.exists()


def test_dispatcher_makes_one_for_technicians_that_she_sees(client, dana, tess, tom):
    client.force_login(dana)
    assert client.post(reverse("make_calendar_feed", args=[tess.pk])).status_code == 200
    assert client.post(reverse("make_calendar_feed", args=[tom.pk])).status_code == 404
    assert CalendarFeed.objects.get().technician == tess
