"""The week and the month: who sees what, what stands where, what the figures count."""

import re
from datetime import date, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.board.calendar import month_of, week_of
from dispatch.board.calendar_week import CHIPS
from dispatch.models import Job, Priority, Status
from technicians.models import Proficiency, TechnicianSkill, TimeOff, WorkingHours
from tests.dispatch.board_page import counts_on
from tests.factories import ServiceZoneFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, links_of, text_of

MONDAY = date(2037, 11, 16)
FRAGMENT = {"HX-Request": "true", "HX-Target": "calendar-content"}


def at(day, hour, minute=0):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


@pytest.fixture
def week(client, omar):
    client.force_login(omar)
    return lambda query="", **kwargs: get(client, "calendar_week", query or f"?day={MONDAY}", **kwargs)


@pytest.fixture
def month(client, omar):
    client.force_login(omar)
    return lambda query="", **kwargs: get(client, "calendar_month", query or f"?day={MONDAY}", **kwargs)


def get(client, name, query, **kwargs):
    response = client.get(reverse(name) + query, **kwargs)
    assert response.status_code == 200
    return response


def rows_on(response) -> dict[str, str]:
    """The row's key -> its HTML."""
    parts = re.split(r'<div class="week-row" id="week-row-(\w+)"', html_of(response))
    return {key: part.split("\n  </div>")[0] for key, part in zip(parts[1::2], parts[2::2], strict=True)}


def cell(response, key, day) -> str:
    return re.split(r'<div class="week-cell', rows_on(response)[str(key)])[1:][(day - MONDAY).days]


def jobs_in(html) -> list[int]:
    return [int(pk) for pk in re.findall(r'data-job="(\d+)"', html)]


def day_of(response, day) -> str:
    return re.search(
        rf'<li class="month-day[^>]*data-drop-day="{day}".*?</li>\s*(?=<li class="month-day|</ol>)',
        html_of(response),
        re.S,
    )[0]


def words(html) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html.split(">", 1)[1]).split())


# What others may not see --------------------------------------------------------------------------


@pytest.fixture
def two_zones(omar, tess, tom, north, south):
    """A job of North with tess, one of South with tom, both on Monday."""
    mine = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tess, scheduled_on=MONDAY)
    foreign = make_job(
        Status.ASSIGNED, by=omar, zone=south, technician=tom, scheduled_on=MONDAY, description="Secret of South"
    )
    return mine, foreign


def test_dispatcher_of_north_sees_neither_jobs_nor_technicians_of_south(client, dana, two_zones, tess):
    mine, _ = two_zones
    client.force_login(dana)
    page = get(client, "calendar_week", f"?day={MONDAY}")
    assert set(rows_on(page)) == {"none", str(tess.pk)}
    assert jobs_in(html_of(page)) == [mine.pk]
    assert "Secret" not in html_of(page)
    assert "Tom" not in html_of(page)
    assert counts_on(page)["assigned"] == 1


def test_dispatcher_of_north_gets_no_row_of_south_by_asking_for_it(client, dana, two_zones, tess, tom):
    _, foreign = two_zones
    client.force_login(dana)
    page = get(client, "calendar_rows", f"?day={MONDAY}&ids={foreign.pk}&present={tom.pk},{tess.pk},others")
    assert "Secret" not in html_of(page)
    assert "Tom" not in html_of(page)
    assert str(tom.pk) not in rows_on(page)


def test_rows_do_not_tell_who_has_a_job_of_south(client, dana, omar, tess, south):
    foreign = make_job(Status.ASSIGNED, by=omar, zone=south, technician=tess, scheduled_on=MONDAY)
    client.force_login(dana)
    assert rows_on(get(client, "calendar_rows", f"?day={MONDAY}&ids={foreign.pk}")) == {}


def test_dispatcher_of_north_counts_only_north_in_the_month(client, dana, two_zones, tess, tom):
    client.force_login(dana)
    day = day_of(get(client, "calendar_month", f"?day={MONDAY}"), MONDAY)
    assert "1 Assigned" in words(day)
    assert "1 of the 8 jobs" in day


def test_job_whose_technician_is_not_shown_stays_on_the_calendar(client, dana, omar, tom, north):
    job = make_job(Status.ASSIGNED, by=omar, zone=north, technician=tom, scheduled_on=MONDAY)
    client.force_login(dana)
    page = get(client, "calendar_week", f"?day={MONDAY}")
    assert jobs_in(cell(page, "others", MONDAY)) == [job.pk]
    assert "Tom" not in html_of(page)
    assert "data-drop-technician" not in rows_on(page)["others"]


# The week -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", [MONDAY, date(2037, 11, 18), date(2037, 11, 22)])
def test_week_begins_on_monday_and_holds_the_chosen_day(week, day):
    assert week_of(day) == (MONDAY, date(2037, 11, 22))
    page = week(f"?day={day}")
    assert "16–22 Nov 2037" in text_of(page)
    found = re.findall(r'data-drop-day="([^"]*)"', rows_on(page)["none"])
    assert found == [(MONDAY + timedelta(days=number)).isoformat() for number in range(7)]


def test_jobs_stand_at_their_technician_and_day_in_route_order(week, omar, tess):
    late = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY, planned_starts_at=at(MONDAY, 15))
    early = make_job(
        Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY, planned_starts_at=at(MONDAY, 8, 30)
    )
    untimed = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    nobodys = make_job(by=omar, scheduled_on=MONDAY + timedelta(days=6))
    make_job(by=omar, scheduled_on=MONDAY + timedelta(days=7))
    page = week()
    assert jobs_in(cell(page, tess.pk, MONDAY)) == [early.pk, late.pk, untimed.pk]
    assert jobs_in(cell(page, "none", MONDAY + timedelta(days=6))) == [nobodys.pk]
    assert len(jobs_in(html_of(page))) == 4
    assert "08:30" in cell(page, tess.pk, MONDAY)
    assert untimed.number in cell(page, tess.pk, MONDAY)


def test_cancelled_jobs_show_only_when_asked_for(week, omar):
    job = make_job(Status.CANCELLED, by=omar, scheduled_on=MONDAY)
    assert jobs_in(html_of(week())) == []
    assert jobs_in(cell(week(f"?day={MONDAY}&status=cancelled"), "none", MONDAY)) == [job.pk]


def test_cells_say_where_a_drop_goes(week, tess):
    page = week()
    assert f'data-drop-day="{MONDAY}" data-drop-technician="none"' in rows_on(page)["none"]
    assert f'data-drop-day="{MONDAY}" data-drop-technician="{tess.pk}"' in rows_on(page)[str(tess.pk)]


def test_chip_says_status_priority_and_marks_in_words(week, omar, tess):
    job = make_job(
        Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY, priority=Priority.URGENT, is_fixed=True,
        planned_starts_at=at(MONDAY, 9),
    )  # fmt: skip
    actions.hold_job(job, "Waiting for parts", by=omar)
    said = words(cell(week(), tess.pk, MONDAY))
    for word in (job.number, job.customer.name, "Assigned", "Urgent priority", "on hold: Waiting for parts", "fixed"):
        assert word in said
    assert "‼" in said
    assert "‖" in said


def test_open_jobs_can_be_dragged_and_say_what_was_seen(week, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    done = make_job(Status.COMPLETED, by=omar, technician=tess, scheduled_on=MONDAY)
    found = cell(week(), tess.pk, MONDAY)
    assert f'data-drag-job="{job.pk}" data-seen="assigned.{tess.pk}"' in found
    assert f'data-drag-job="{done.pk}"' not in found


def test_chip_opens_the_drawer(week, omar):
    job = make_job(by=omar, scheduled_on=MONDAY)
    assert f'href="/jobs/{job.pk}/" hx-get="/jobs/{job.pk}/drawer/" hx-target="#drawer"' in cell(week(), "none", MONDAY)


def test_full_cells_fold_and_open_the_day_with_the_filters(week, omar):
    for _ in range(CHIPS + 3):
        make_job(by=omar, scheduled_on=MONDAY, priority=Priority.HIGH)
    page = week(f"?day={MONDAY}&priority=3")
    assert len(jobs_in(cell(page, "none", MONDAY))) == CHIPS
    assert "+3 more" in words(cell(page, "none", MONDAY))
    assert f"/board/?day={MONDAY}&priority=3" in links_of(page)


def test_a_cell_of_just_six_does_not_fold(week, omar):
    for _ in range(CHIPS):
        make_job(by=omar, scheduled_on=MONDAY)
    assert "more" not in words(cell(week(), "none", MONDAY))


@pytest.mark.parametrize(("jobs", "tone"), [(6, ""), (7, "busy"), (8, "busy"), (9, "full"), (11, "full")])
def test_load_turns_amber_from_70_percent_and_red_from_90(week, omar, jobs, tone):
    technician = TechnicianFactory(daily_maximum=10)
    for _ in range(jobs):
        make_job(Status.ASSIGNED, by=omar, technician=technician, scheduled_on=MONDAY)
    found = cell(week(), technician.pk, MONDAY)
    assert f"{jobs}/10" in words(found)
    assert f'class="cell-load {tone}"' in found
    assert f"width: {min(100, jobs * 10)}%" in found


def test_load_counts_what_filters_hide_but_not_what_was_cancelled(week, omar, tess):
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY, priority=Priority.LOW)
    cancelled = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    actions.change_status(cancelled, Status.CANCELLED, by=omar, note="No")
    page = week(f"?day={MONDAY}&priority=1")
    assert jobs_in(html_of(page)) == [job.pk]
    assert "2/8" in words(cell(page, tess.pk, MONDAY))


def works(technician, *weekdays):
    for weekday in weekdays:
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(8), ends_at=time(16))


def test_days_off_and_time_off_are_said_in_a_word(week, omar, tess):
    works(tess, 0, 1, 2, 3)
    tuesday, wednesday, thursday = (MONDAY + timedelta(days=number) for number in (1, 2, 3))
    TimeOff.objects.create(technician=tess, kind="sick", starts_at=at(tuesday, 0), ends_at=at(wednesday, 12))
    TimeOff.objects.create(technician=tess, kind="training", starts_at=at(thursday, 13), ends_at=at(thursday, 20))
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=tuesday)
    page = week()
    said = [words(cell(page, tess.pk, MONDAY + timedelta(days=number))) for number in range(7)]
    assert said[0] == "0/8"
    assert said[1].startswith("Called out sick 1/8")
    assert said[2] == "Called out sick until 12:00 0/8"
    assert said[3] == "Training from 13:00 0/8"
    assert said[4:] == ["Day off"] * 3
    assert html_of(page).count("week-cell is-off") == 4
    assert html_of(page).count("is-clash") == 1


def test_who_has_no_hours_entered_has_no_day_off(week, tess):
    assert "Day off" not in text_of(week())


def test_technician_and_zone_filters_choose_the_rows(week, omar, tess, tom, north):
    job = make_job(Status.ASSIGNED, by=omar, technician=tom, zone=north, scheduled_on=MONDAY)
    assert set(rows_on(week())) == {"none", str(tess.pk), str(tom.pk)}
    assert set(rows_on(week(f"?day={MONDAY}&technician={tom.pk}"))) == {"none", str(tom.pk)}
    page = week(f"?day={MONDAY}&zone={north.pk}")
    assert set(rows_on(page)) == {"none", str(tess.pk), "others"}
    assert jobs_in(rows_on(page)["others"]) == [job.pk]


def test_row_names_the_skills_in_short(week, tess):
    for number, level in enumerate((Proficiency.EXPERT, Proficiency.ADVANCED, Proficiency.BEGINNER, 1)):
        TechnicianSkill.objects.create(technician=tess, skill=SkillFactory(name=f"S{number}"), level=level)
    assert "S0 Exp, S1 Adv, S2 Beg, +1" in words(rows_on(week())[str(tess.pk)])


def test_unassigned_row_tells_of_overdue_and_undated_jobs(week, omar):
    make_job(by=omar, scheduled_on=None)
    make_job(by=omar, scheduled_on=timezone.localdate() - timedelta(days=30))
    assert "+ 2 overdue or undated" in text_of(week(f"?day={timezone.localdate()}"))
    assert "overdue or undated" not in text_of(week())


def test_many_technicians_come_in_pages(week, omar, monkeypatch):
    monkeypatch.setattr("dispatch.board.calendar_week.PAGE_SIZE", 2)
    people = [TechnicianFactory(user__first_name=name) for name in ("Abe", "Bea", "Cy")]
    job = make_job(Status.ASSIGNED, by=omar, technician=people[2], scheduled_on=MONDAY)
    first, second = week(), week(f"?day={MONDAY}&page=2")
    assert set(rows_on(first)) == {"none", str(people[0].pk), str(people[1].pk)}
    assert jobs_in(html_of(first)) == []
    assert jobs_in(cell(second, people[2].pk, MONDAY)) == [job.pk]


# Live rows ----------------------------------------------------------------------------------------


def test_rows_come_for_where_a_job_was_and_where_it_is_now(client, week, omar, tess, tom):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    bystander = TechnicianFactory()
    make_job(Status.ASSIGNED, by=omar, technician=bystander, scheduled_on=MONDAY)
    week()
    actions.assign_job(job, tom, by=omar)
    response = get(client, "calendar_rows", f"?day={MONDAY}&ids={job.pk}&present={tess.pk}")
    assert set(rows_on(response)) == {str(tess.pk), str(tom.pk)}
    assert jobs_in(html_of(response)) == [job.pk]
    assert counts_on(response)["assigned"] == 2
    alone = rows_on(response)[str(tom.pk)].replace(' hx-swap-oob="true"', "")
    assert "".join(alone.split()) in "".join(html_of(week()).split())


@pytest.mark.parametrize("query", ["?ids=x", "?ids=1;2", "?ids=" + "9" * 30])
def test_rows_of_what_is_no_number_are_refused(client, week, query):
    week()
    assert client.get(reverse("calendar_rows") + query).status_code == 422


@pytest.mark.parametrize("name", ["calendar_week", "calendar_month"])
def test_fragment_is_contained_in_the_page(client, omar, tess, name):
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    client.force_login(omar)
    query = f"?day={MONDAY}&priority=2"
    fragment = html_of(get(client, name, query, headers=FRAGMENT)).strip()
    assert fragment.startswith('<div id="calendar-content"')
    assert fragment in html_of(get(client, name, query))


# The month ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "first", "last"),
    [
        (date(2037, 11, 16), date(2037, 10, 26), date(2037, 12, 6)),
        (date(2038, 2, 28), date(2038, 2, 1), date(2038, 2, 28)),
        (date(2037, 12, 31), date(2037, 11, 30), date(2038, 1, 3)),
    ],
)
def test_month_is_made_of_whole_weeks(month, day, first, last):
    assert month_of(day) == (first, last)
    days = re.findall(r'<li class="month-day[^>]*data-drop-day="([^"]*)"', html_of(month(f"?day={day}")))
    assert (days[0], days[-1]) == (first.isoformat(), last.isoformat())
    assert len(days) == (last - first).days + 1


def test_month_counts_each_day_by_status(month, omar, tess):
    for _ in range(2):
        make_job(by=omar, scheduled_on=MONDAY)
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    make_job(Status.COMPLETED, by=omar, technician=tess, scheduled_on=MONDAY)
    make_job(Status.CANCELLED, by=omar, scheduled_on=MONDAY)
    page = month()
    said = words(day_of(page, MONDAY))
    assert "2 unassigned" in said
    for count in ("1 Assigned", "1 Completed", "1 Cancelled"):
        assert count in said
    assert "25 % of the capacity" in said
    assert "is-empty" in day_of(page, MONDAY + timedelta(days=1))
    assert f"/board/?day={MONDAY}" in links_of(page)


def test_capacity_is_of_those_who_work_that_day(month, omar, north):
    monday_only, sick = TechnicianFactory(daily_maximum=4), TechnicianFactory(daily_maximum=6)
    works(monday_only, 0)
    works(sick, 0, 1)
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    TimeOff.objects.create(technician=sick, kind="sick", starts_at=at(MONDAY, 0), ends_at=at(MONDAY, 23))
    make_job(Status.ASSIGNED, by=omar, technician=monday_only, scheduled_on=MONDAY)
    make_job(Status.ASSIGNED, by=omar, technician=sick, scheduled_on=wednesday)
    page = month()
    assert "25 % of the capacity" in words(day_of(page, MONDAY))
    assert "0 of the 6 jobs" in day_of(page, tuesday)
    assert "▲ Nobody works" in words(day_of(page, wednesday))


def test_filters_narrow_counts_but_not_the_load(month, omar, tess):
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY, priority=Priority.LOW)
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=MONDAY)
    said = words(day_of(month(f"?day={MONDAY}&priority=1"), MONDAY))
    assert "1 Assigned" in said
    assert "25 %" in said


# Getting about ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [("calendar_week", "2037-11-09", "2037-11-23"), ("calendar_month", "2037-10-01", "2037-12-01")],
)
def test_links_to_other_periods_keep_the_filters(client, omar, name, before, after):
    client.force_login(omar)
    page = get(client, name, f"?day={MONDAY}&priority=4&page=2")
    links = links_of(page)
    assert {f"?day={before}&priority=4", f"?day={after}&priority=4", "?priority=4"} <= set(links)
    assert {f"/board/{period}/?day={MONDAY}&priority=4" for period in ("week", "month")} <= set(links)
    for key in ("ArrowLeft", "ArrowRight", "t"):
        assert html_of(page).count(f'data-key="{key}"') == 1


def test_counts_are_of_the_whole_period(week, month, omar):
    make_job(by=omar, scheduled_on=MONDAY)
    make_job(by=omar, scheduled_on=MONDAY + timedelta(days=4))
    make_job(by=omar, scheduled_on=MONDAY + timedelta(days=8))
    assert counts_on(week())["unassigned"] == 2
    assert counts_on(month())["unassigned"] == 3


def test_range_of_another_view_opens_its_first_week(week):
    assert "16–22 Nov 2037" in text_of(week("?from=2037-11-17&to=2037-12-24"))


@pytest.mark.parametrize("name", ["calendar_week", "calendar_month", "calendar_rows"])
@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31", "all", "x", ""])
def test_days_at_the_ends_of_time_are_answered(client, omar, tess, name, day):
    client.force_login(omar)
    get(client, name, f"?day={day}")


@pytest.mark.parametrize("name", ["calendar_week", "calendar_month"])
def test_as_many_queries_for_fifty_jobs_as_for_five(client, omar, name, django_assert_max_num_queries):
    client.force_login(omar)

    def fill(count):
        for number in range(count):
            technician = TechnicianFactory(zones=[ServiceZoneFactory()])
            works(technician, 0, 2)
            TechnicianSkill.objects.create(technician=technician, skill=SkillFactory())
            TimeOff.objects.create(technician=technician, starts_at=at(MONDAY, 9), ends_at=at(MONDAY, 11))
            make_job(Status.ASSIGNED, by=omar, technician=technician, scheduled_on=MONDAY)
            make_job(by=omar, scheduled_on=MONDAY + timedelta(days=number % 7))

    fill(5)
    get(client, name, f"?day={MONDAY}")
    with django_assert_max_num_queries(30) as few:
        get(client, name, f"?day={MONDAY}")
    fill(45)
    with django_assert_max_num_queries(len(few)):
        get(client, name, f"?day={MONDAY}")
    assert Job.objects.count() == 100
