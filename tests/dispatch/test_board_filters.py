import pytest

from dispatch import actions
from dispatch.models import Priority, Status
from tests.dispatch.board_page import at, board_of, day, site_of
from tests.factories import CustomerFactory, JobTypeFactory, make_job
from tests.pages import job_rows, links_of, text_of


@pytest.fixture
def board(client, omar):
    """Omar's board: `board(status="created")`, or `board("?...")` to follow a link."""
    client.force_login(omar)
    return board_of(client)


@pytest.mark.parametrize(
    "query",
    [
        "status=bogus",
        "priority=9",
        "priority=high",
        "technician=999999",
        "technician=abc",
        "zone=999999",
        "zone=%3Cscript%3E",
        "job_type=999999",
        "location=moon",
        "day=yesterday",
        "from=2026-02-30",
        "to=soon",
        "q=%00",
    ],
)
def test_unknown_filter_value_is_named_and_left_out(board, omar, query):
    job = make_job(by=omar)
    page = board(f"?{query}")
    name = query.partition("=")[0]
    assert f"Filter “{name}” is not understood and was left out" in text_of(page)
    assert job_rows(page) == [job.pk]


@pytest.mark.parametrize("query", ["day=0001-01-01", "day=9999-12-31", "page=0", "page=x", "page=99", "sort=nothing"])
def test_odd_addresses_still_show_a_board(board, omar, query):
    make_job(by=omar)
    board(f"?{query}")


def test_status_filter_takes_several(board, omar):
    created = make_job(by=omar)
    cancelled = make_job(Status.CANCELLED, by=omar)
    make_job(Status.COMPLETED, by=omar)
    assert job_rows(board(status="created")) == [created.pk]
    assert set(job_rows(board("?status=created&status=cancelled"))) == {created.pk, cancelled.pk}


def test_priority_filter_takes_several(board, omar):
    low, _, urgent = (make_job(by=omar, priority=priority).pk for priority in (1, 2, 4))
    assert job_rows(board(priority="4")) == [urgent]
    assert set(job_rows(board("?priority=1&priority=4"))) == {low, urgent}


def test_technician_filter_knows_nobody(board, omar, tess, tom):
    with_tess = make_job(Status.ASSIGNED, by=omar, technician=tess)
    make_job(Status.ASSIGNED, by=omar, technician=tom)
    nobodys = make_job(by=omar)
    assert job_rows(board(technician=tess.pk)) == [with_tess.pk]
    assert job_rows(board(technician="none")) == [nobodys.pk]
    assert set(job_rows(board(f"?technician=none&technician={tess.pk}"))) == {with_tess.pk, nobodys.pk}


def test_zone_filter_knows_no_zone(board, omar, north, south):
    in_north = make_job(by=omar, zone=north)
    make_job(by=omar, zone=south)
    nowhere = make_job(by=omar)
    assert job_rows(board(zone=north.pk)) == [in_north.pk]
    assert job_rows(board(zone="none")) == [nowhere.pk]
    assert set(job_rows(board(f"?zone=none&zone={north.pk}"))) == {in_north.pk, nowhere.pk}


def test_type_filter_takes_several(board, omar):
    repair, install, survey = (JobTypeFactory(name=name) for name in ("Repair", "Install", "Survey"))
    first, second, _ = (make_job(by=omar, job_type=kind).pk for kind in (repair, install, survey))
    assert job_rows(board(job_type=repair.pk)) == [first]
    assert set(job_rows(board(f"?job_type={repair.pk}&job_type={install.pk}"))) == {first, second}


def test_dates_choose_a_day_a_range_or_all(board, omar):
    jobs = {offset: make_job(by=omar, scheduled_on=day(offset)).pk for offset in (1, 2, 3, 4)}
    undated = make_job(by=omar, scheduled_on=None).pk

    def shown(**params):
        return set(job_rows(board(**params)))

    assert shown(day=day(2)) == {jobs[2]}
    assert shown(**{"from": day(2), "to": day(3)}) == {jobs[2], jobs[3]}
    assert shown(**{"from": day(3)}) == {jobs[3], jobs[4]}
    assert shown(to=day(1)) == {jobs[1]}
    assert shown(**{"from": day(3), "to": day(2)}) == set()
    assert shown(day="all") == {*jobs.values(), undated}


def test_late_hold_and_missing_location_can_be_asked_for(board, omar, north):
    block = {"window_starts_at": at(7, -1), "window_ends_at": at(9, -1), "scheduled_on": day(-1)}
    late = make_job(by=omar, zone=north, **block)
    make_job(Status.COMPLETED, by=omar, zone=north, **block)
    held = actions.hold_job(make_job(by=omar, zone=north), "Parts", by=omar)
    nowhere = make_job(by=omar)
    assert job_rows(board(late="true")) == [late.pk]
    assert job_rows(board(hold="true")) == [held.pk]
    assert job_rows(board(location="none")) == [nowhere.pk]


def test_all_filters_together_leave_only_what_passes_each(board, omar, tess, tom, north):
    repair, install = JobTypeFactory(name="Repair"), JobTypeFactory(name="Install")
    wanted = {
        "technician": tess,
        "zone": north,
        "job_type": repair,
        "priority": Priority.HIGH,
        "scheduled_on": day(2),
        "description": "Boiler leaks",
    }
    others = {
        "technician": tom,
        "zone": None,
        "job_type": install,
        "priority": Priority.LOW,
        "scheduled_on": day(5),
        "description": "Fan hums",
    }
    job = make_job(Status.ASSIGNED, by=omar, **wanted)
    for name, other in others.items():
        make_job(Status.ASSIGNED, by=omar, **wanted | {name: other})
    make_job(Status.CANCELLED, by=omar, **{**wanted, "technician": None})
    page = board(
        **{
            "status": "assigned",
            "technician": tess.pk,
            "zone": north.pk,
            "job_type": repair.pk,
            "priority": Priority.HIGH,
            "from": day(1),
            "to": day(3),
            "q": "boiler",
        }
    )
    assert job_rows(page) == [job.pk]


def test_search_finds_by_number_customer_phone_address_and_description(board, omar):
    customer = CustomerFactory(name="Zoë O'Brien", phone="(412) 555-0199")
    job = make_job(by=omar, site=site_of(customer, "Quince Lane"), description="Chiller trips\nevery night")
    other = CustomerFactory(name="Someone", phone="412 555 7777")
    make_job(by=omar, site=site_of(other, "Main Street"), description="Duct cleaning")
    spellings = ["4125550199", "412.555.0199", "+1 412 555 0199", "(412)555-0199", "555 0199"]
    texts = [job.number, job.number.lower(), f"J{job.pk}", str(job.pk), "o'brien", "quince", "EVERY night", *spellings]
    for text in texts:
        assert job_rows(board(q=text)) == [job.pk], text
    assert job_rows(board(q="  quince ")) == [job.pk]


@pytest.mark.parametrize("text", ["J-000000", "J-999999999999999999", "9" * 40, "nothing like it", "%", "412 55x"])
def test_search_for_what_is_not_there_finds_nothing(board, omar, text):
    make_job(by=omar, site=site_of(CustomerFactory(name="Ann"), "Main Street"))
    page = board(q=text)
    assert job_rows(page) == []
    assert "No job matches these filters" in text_of(page)


def test_empty_search_offers_all_days(board, omar):
    job = make_job(by=omar, scheduled_on=day(9), description="Boiler")
    page = board(q="boiler")
    assert job_rows(page) == []
    link = next(link for link in links_of(page) if "day=all" in link and "q=boiler" in link)
    assert job_rows(board(link)) == [job.pk]
