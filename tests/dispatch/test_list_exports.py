"""Lists as CSV files: route plans, live SLA clocks, addresses that nobody has placed."""

import csv
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from dispatch import actions
from dispatch.models import FileImport, Geocoding, Plan, Priority, Site
from tests.factories import CustomerFactory, SiteFactory, make_job
from tests.pages import html_of, text_of, typed

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
EXPORTS = {"plans": "export_plans", "sla": "export_sla", "unclear_places": "export_unclear_places"}


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


def exported(client, name, **query) -> list[dict]:
    response = client.get(reverse(name), query)
    assert response.headers["Content-Disposition"].endswith('-2026-11-18.csv"')
    return list(csv.DictReader(StringIO(b"".join(response.streaming_content).decode("utf-8-sig"))))


def make_route_plan(by, *technicians, **fields) -> Plan:
    fields = {"kind": "day", "day": NOW.date(), "created_at": NOW, "state": "applied"} | fields
    plan = Plan.objects.create(created_by=by, **fields)
    plan.technicians.set(technicians)
    return plan


def make_unclear(**fields) -> Geocoding:
    fields = {"site": fields.pop("site", None) or SiteFactory(), "state": "ambiguous"} | fields
    return Geocoding.objects.create(address=fields["site"].address, asked_at=NOW, due_at=NOW, **fields)


def job_of(*, by, hours_ago, **fields):
    """High: response in 4 hours, resolution in 24."""
    at = NOW - timedelta(hours=hours_ago)
    return make_job(by=by, priority=Priority.HIGH, created_at=at, now=at, **fields)


@pytest.mark.parametrize(("shown", "export"), EXPORTS.items())
def test_the_page_leads_to_its_file(client, omar, tess, north, shown, export):
    make_route_plan(omar, tess)
    make_unclear()
    job_of(by=omar, hours_ago=1, zone=north)
    client.force_login(omar)
    assert f'href="{reverse(export)}' in html_of(client.get(reverse(shown)))


@pytest.mark.parametrize("export", EXPORTS.values())
def test_a_file_takes_as_many_queries_for_fifty_rows_as_for_five(client, dana, omar, tess, tom, north, export):
    client.force_login(omar)

    def make(count):
        for number in range(count):
            make_route_plan(omar, tess, tom)
            job_of(by=omar, hours_ago=1, zone=north)
            candidates = [{"label": f"{number} Ash St", "latitude": 40, "longitude": -75}]
            make_unclear(candidates=candidates)

    make(5)
    rows, few = len(exported(client, export)), queries_of(client, export)
    make(45)
    assert (len(exported(client, export)), queries_of(client, export)) == (10 * rows, few)


def queries_of(client, name) -> int:
    with CaptureQueriesContext(connection) as found:
        exported(client, name)
    return len(found)


def test_plans_are_listed_with_whose_they_are_and_what_became_of_them(client, dana, omar, tess, tom):
    make_route_plan(dana, tess, tom)
    make_route_plan(dana, tom, kind="absence", absent=tess, state="failed", error="=cmd()", ended_at=NOW)
    make_route_plan(omar, tess)
    client.force_login(dana)
    failed, applied = exported(client, "export_plans")
    assert failed["Kind"] == "Share out the jobs of who is away"
    assert (failed["Away"], failed["State"], failed["What to know"]) == (str(tess), "Failed", "'=cmd()")
    assert failed["Ended at"] == "2026-11-18T10:00-05:00"
    assert (applied["Technicians"], applied["Asked by"], applied["Day"]) == ("Tess; Tom", "Dana", "2026-11-18")
    client.force_login(omar)
    assert len(exported(client, "export_plans")) == 3


def test_the_page_of_plans_says_that_the_file_has_more(client, omar, tess, monkeypatch):
    monkeypatch.setattr("dispatch.views.plans.SHOWN", 1)
    client.force_login(omar)
    make_route_plan(omar, tess)
    assert "the CSV has all" not in text_of(client.get(reverse("plans")))
    make_route_plan(omar, tess)
    assert "The newest 1; the CSV has all." in text_of(client.get(reverse("plans")))


def test_sla_clocks_come_with_the_first_deadline_first_and_paused_ones_last(client, omar, north):
    late = job_of(by=omar, hours_ago=5, zone=north, description="=1+1")
    calm = job_of(by=omar, hours_ago=1, zone=north)
    held = job_of(by=omar, hours_ago=2, zone=north)
    actions.hold_job(held, "+Parts", by=omar, now=NOW)
    client.force_login(omar)
    rows = exported(client, "export_sla")
    assert [(row["Job"], row["Target"], row["State"], row["Minutes left"]) for row in rows] == [
        (late.number, "Response", "Breached", "-60"),
        (held.number, "Response", "On time so far", "120"),
        (calm.number, "Response", "On time so far", "180"),
        (late.number, "Resolution", "On time so far", str(19 * 60)),
        (calm.number, "Resolution", "On time so far", str(23 * 60)),
        (held.number, "Resolution", "Paused", ""),
    ]
    assert (rows[0]["Title"], rows[0]["Deadline"]) == ("'=1+1", "2026-11-18T09:00-05:00")
    assert rows[-1]["On hold"] == "'+Parts"


def test_the_file_of_sla_clocks_is_narrowed_as_the_page_is_and_shows_no_other_zone(client, dana, omar, north, south):
    job_of(by=omar, hours_ago=1, zone=north)
    job_of(by=omar, hours_ago=1, zone=south)
    client.force_login(dana)
    assert {row["Zone"] for row in exported(client, "export_sla")} == {"North"}
    client.force_login(omar)
    assert {row["Zone"] for row in exported(client, "export_sla")} == {"North", "South"}
    narrowed = exported(client, "export_sla", zone=south.pk, kind="response")
    assert [(row["Zone"], row["Target"]) for row in narrowed] == [("South", "Response")]
    assert len(exported(client, "export_sla", zone="x", kind="y")) == 4


def test_an_address_that_is_unclear_is_exported_and_taken_in_again_with_its_place(client, ada, north):
    site = SiteFactory(customer=CustomerFactory(name="@Bakery", external_id="C1"), address="12 Ash St")
    make_unclear(site=site, candidates=[{"label": "Ash Street, Upper"}, {"label": "Ash Street, Lower"}])
    client.force_login(ada)
    (row,) = exported(client, "export_unclear_places")
    assert (row["customer_id"], row["name"], row["address"]) == ("C1", "'@Bakery", "12 Ash St")
    assert row["found"] == "Ash Street, Upper; Ash Street, Lower"
    row |= {"latitude": "40.1", "longitude": "-75.1"}
    text = StringIO()
    writer = csv.DictWriter(text, row)
    writer.writeheader()
    writer.writerow(row)
    client.post(
        reverse("imports"), {"kind": "customers", "file": SimpleUploadedFile("places.csv", text.getvalue().encode())}
    )
    page = reverse("map_import", args=[FileImport.objects.get().pk])
    client.post(page, {name: value for name, value in typed(client.get(page)).items() if name != "preview"})
    one = actions.work_out_import(FileImport.objects.get().pk)
    actions.run_import(one, by=ada)
    assert actions.work_out_import(one.pk).summary["updated"] == 1
    found = Site.objects.get()
    assert (found.latitude, found.zone, str(found.customer)) == (40.1, north, "@Bakery")


@pytest.mark.parametrize(("kind", "export"), [("customers", "export_customers"), ("technicians", "export_technicians")])
def test_a_list_of_people_without_numbers_is_taken_in_again_and_changes_nothing(client, ada, tess, tom, kind, export):
    """As whoever was entered here by hand has none."""
    SiteFactory(customer__name="Bakery"), SiteFactory(latitude=40.1, longitude=-75.1, access_notes="Ring twice")
    client.force_login(ada)
    content = b"".join(client.get(reverse(export)).streaming_content)
    client.post(reverse("imports"), {"kind": kind, "file": SimpleUploadedFile("list.csv", content)})
    page = reverse("map_import", args=[FileImport.objects.get().pk])
    client.post(page, {name: value for name, value in typed(client.get(page)).items() if name != "preview"})
    one = actions.work_out_import(FileImport.objects.get().pk)
    assert (one.summary["unchanged"], one.summary["read"], one.report) == (2, 2, [])


def test_unclear_addresses_of_other_zones_are_in_nobodys_file(client, dana, south):
    make_unclear(site=SiteFactory(zone=south))
    client.force_login(dana)
    assert exported(client, "export_unclear_places") == []
