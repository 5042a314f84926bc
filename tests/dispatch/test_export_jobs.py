import csv
import zlib
from datetime import timedelta
from io import StringIO

import pytest
from asgiref.sync import async_to_sync
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.middleware.gzip import GZipMiddleware
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import SkillNeed
from dispatch.board.board_list import PAGE_SIZE
from dispatch.board.job_export import COLUMNS
from dispatch.csv_files import csv_response, text_cell
from dispatch.models import Priority, Status
from technicians.models import Proficiency
from tests.dispatch.board_page import at, day
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory, make_job

EXPORT = reverse("export_jobs")


@pytest.fixture
def exported(client, omar):
    """The rows of Omar's file by column."""
    client.force_login(omar)
    return lambda **query: rows_of(client.get(EXPORT, query))


def content_of(response) -> str:
    return b"".join(response.streaming_content).decode()


def rows_of(response) -> list[dict]:
    return list(csv.DictReader(StringIO(content_of(response).removeprefix("\ufeff"))))


def iso(instant) -> str:
    return timezone.localtime(instant).isoformat(timespec="minutes")


def numbers(rows) -> list[str]:
    return [row["Job"] for row in rows]


def test_dispatcher_of_north_exports_nothing_of_south(client, dana, omar, north, south):
    mine = make_job(by=omar, zone=north)
    make_job(by=omar, zone=south)
    client.force_login(dana)
    assert numbers(rows_of(client.get(EXPORT))) == [mine.number]
    assert numbers(rows_of(client.get(EXPORT, {"zone": south.pk, "day": "all"}))) == [mine.number]


def test_file_has_what_the_list_has_and_how_to_reach_the_customer(exported, omar, tess, north):
    customer = CustomerFactory(name="Bea Brook", phone="(412) 555-0100")
    job = make_job(
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        site=SiteFactory(customer=customer, address="12 Quince Lane", latitude=40.1, longitude=-75.1),
        job_type=JobTypeFactory(name="Repair"),
        priority=Priority.URGENT,
        description="No heat, upstairs\nThe tenant is in from nine",
        skills=[SkillNeed(SkillFactory(name="HVAC").pk, Proficiency.ADVANCED)],
        planned_starts_at=at(9),
        window_starts_at=at(8),
        window_ends_at=at(12),
        duration_minutes=90,
        is_fixed=True,
    )
    actions.hold_job(job, "Waiting for parts", by=omar)
    (row,) = exported()
    assert row == {
        "Job": job.number,
        "Type": "Repair",
        "Priority": "Urgent",
        "Status": "Assigned",
        "On hold": "Waiting for parts",
        "Technician": "Tess",
        "Date": f"{day():%Y-%m-%d}",
        "Planned start": iso(at(9)),
        "Block from": iso(at(8)),
        "Block to": iso(at(12)),
        "Fixed": "yes",
        "Minutes": "90",
        "Customer": "Bea Brook",
        "Phone": "(412) 555-0100",
        "Address": "12 Quince Lane",
        "Zone": "North",
        "Skills": "HVAC (Advanced)",
        "Response due": iso(job.created_at + timedelta(hours=1)),
        "Response": "Running",
        "Resolution due": "",
        "Resolution": "Paused",
        "Description": "No heat, upstairs\nThe tenant is in from nine",
    }


def test_times_are_the_business_s_own_with_their_offset(exported, omar):
    midsummer = timezone.make_aware(timezone.datetime(2026, 7, 1, 9, 30))
    make_job(by=omar, scheduled_on=midsummer.date(), planned_starts_at=midsummer)
    (row,) = exported(day="2026-07-01")
    assert row["Planned start"] == "2026-07-01T09:30-04:00"
    assert row["Block from"] == ""


def test_filters_and_order_are_those_of_the_list(exported, omar):
    low = make_job(by=omar, priority=Priority.LOW)
    urgent = make_job(by=omar, priority=Priority.URGENT)
    other_day = make_job(by=omar, scheduled_on=day(3))
    done = make_job(Status.COMPLETED, by=omar)
    assert numbers(exported(status="created", sort="-priority")) == [low.number, urgent.number]
    assert numbers(exported(status="created", sort="priority")) == [urgent.number, low.number]
    assert numbers(exported(day=f"{day(3)}")) == [other_day.number]
    assert done.number in numbers(exported(day="all"))
    assert len(exported(day="all")) == 4


def test_all_pages_are_exported_whichever_is_shown(exported, omar):
    site = SiteFactory()
    for _ in range(PAGE_SIZE + 2):
        make_job(by=omar, site=site)
    assert len(exported(page="2")) == PAGE_SIZE + 2


def test_spreadsheet_runs_nothing_that_people_typed(exported, omar):
    evil = '=HYPERLINK("http://evil.example")'
    site = SiteFactory(customer=CustomerFactory(name=evil, phone="+1 412 555 0100"), address="@SUM(1)")
    make_job(by=omar, site=site, description="-2+3")
    (row,) = exported()
    assert row["Customer"] == f"'{evil}"
    assert (row["Phone"], row["Address"], row["Description"]) == ("'+1 412 555 0100", "'@SUM(1)", "'-2+3")


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\tx", "\rx"])
def test_what_begins_like_a_formula_is_text(text):
    assert text_cell(text) == f"'{text}"


def test_file_is_utf_8_that_excel_knows_and_is_named_after_the_day(client, omar):
    client.force_login(omar)
    response = client.get(EXPORT)
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"] == f'attachment; filename="jobs-{timezone.localdate():%Y-%m-%d}.csv"'
    assert response["Cache-Control"] == "private, no-store"
    assert content_of(response).startswith("\ufeff" + ",".join(COLUMNS))


def test_long_files_cost_the_same_queries(client, omar, django_assert_num_queries):
    client.force_login(omar)
    site, skill = SiteFactory(), SkillFactory()
    make = lambda: make_job(by=omar, site=site, skills=[SkillNeed(skill.pk, Proficiency.EXPERT)])  # noqa: E731
    for _ in range(5):
        make()
    with CaptureQueriesContext(connection) as few:
        assert len(rows_of(client.get(EXPORT))) == 5
    for _ in range(45):
        make()
    with django_assert_num_queries(len(few)):
        assert len(rows_of(client.get(EXPORT))) == 50


def test_server_sends_while_it_reads():
    """Under ASGI too: the first part is there before the last row was asked for."""
    asked = []

    def rows():
        for number in range(2000):
            asked.append(number)
            yield [number]

    request = ASGIRequest({"type": "http", "method": "GET", "path": "/", "headers": []}, None)
    response = csv_response(request, ["Number"], rows(), name="x.csv")

    async def first_parts():
        parts = aiter(response.streaming_content)
        return [await anext(parts), await anext(parts)]

    head, part = async_to_sync(first_parts)()
    assert head.decode() == "\ufeffNumber\r\n"
    assert part.decode().startswith("0\r\n1\r\n")
    assert len(asked) < 600


@pytest.mark.parametrize("accepted", [b"gzip, deflate, br", b"identity"])
def test_browser_gets_the_whole_file_packed_or_not(accepted):
    """What is packed is one gzip stream: browsers leave out whatever follows its end."""
    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"accept-encoding", accepted)]}
    request = ASGIRequest(scope, None)
    response = csv_response(request, ["Number"], ([number] for number in range(2000)), name="x.csv")
    response = GZipMiddleware(lambda _: response)(request)

    async def sent():
        return b"".join([part async for part in response.streaming_content])

    content = async_to_sync(sent)()
    if response.headers.get("Content-Encoding") == "gzip":
        stream = zlib.decompressobj(wbits=31)
        content = stream.decompress(content)
        assert (stream.eof, stream.unused_data) == (True, b"")
    assert content.decode("utf-8-sig").split() == ["Number", *map(str, range(2000))]
    assert response.headers["Vary"] == "Accept-Encoding"


def test_list_links_to_its_export_with_the_same_filters(client, omar):
    make_job(by=omar, priority=4)
    client.force_login(omar)
    page = client.get(reverse("board_list") + "?priority=4&page=1&sort=-when").content.decode()
    assert f'href="{EXPORT}?priority=4&amp;sort=-when"' in page
