"""Maintenance plans from a file: made, found again, changed; and what is wrong with a row is said."""

import csv
from datetime import UTC, date, datetime, time
from io import StringIO

import pytest
import time_machine
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import CommandError
from django.urls import reverse

from dispatch import actions
from dispatch.imports.values import ValueProblem, rule
from dispatch.models import FileImport, Job, MaintenancePlan, Priority, Site, Status
from tests.dispatch.importing import Importer, counts, run_import
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, TechnicianFactory, make_plan
from tests.pages import text_of, typed

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 18, 15, tzinfo=UTC)  # a Wednesday, 10:00 in New York
HEADER = "plan_id,name,customer,address,job_type,minutes,technician,rule,starts_on,ends_on,from,to,time_zone,days_ahead,active"
MAPPING = """
kind = "maintenance"
[fields]
external_id = "plan_id"
name = "name"
customer_name = "customer"
address = "address"
job_type = "job_type"
duration_minutes = "minutes"
technician = "technician"
rule = "rule"
starts_on = "starts_on"
ends_on = "ends_on"
window_starts = "from"
window_ends = "to"
plan_time_zone = "time_zone"
days_ahead = "days_ahead"
is_active = "active"
"""
BOILER = "M1,Boiler service,Bakery,1 Ash St,repair,90,tess,FREQ=WEEKLY;BYDAY=MO,2026-11-18,,9:00,11:00,America/New_York,14,yes"
LIFT = "M2,Lift,Bakery,1 Ash St,Repair,,,FREQ=MONTHLY;BYMONTHDAY=-1,2026-11-18,,,,,,"


@pytest.fixture(autouse=True)
def wednesday():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def bakery(north) -> Site:
    site = SiteFactory(address="1 Ash St", customer__name="Bakery", latitude=40.1, longitude=-75.1)
    actions.locate_site(site)
    JobTypeFactory(default_duration_minutes=45)
    return site


@pytest.fixture
def importer(tmp_path, bakery):
    return Importer(tmp_path, kind="maintenance", mapping=MAPPING, header=HEADER)


@pytest.fixture
def import_plans(importer, ada):
    return lambda *lines: importer(*lines, arguments=["--by", "ada"])


def days_of(plan) -> list[date]:
    return [visit.due_on for visit in plan.visits.filter(job__status__in=[Status.CREATED, Status.ASSIGNED])]


def test_a_row_becomes_a_plan_whose_visits_are_made_at_once(import_plans, bakery, tess, ada):
    summary, said = import_plans(BOILER, LIFT)
    assert (counts(summary), said) == ({"read": 2, "created": 2}, "")
    plan = MaintenancePlan.objects.get(external_id="M1")
    assert (plan.customer, plan.site, plan.technician, plan.created_by) == (bakery.customer, bakery, tess, ada)
    assert (plan.window_starts, plan.window_ends, plan.duration_minutes) == (time(9), time(11), 90)
    assert (plan.rule, plan.days_ahead) == ("FREQ=WEEKLY;INTERVAL=1;BYDAY=MO;WKST=MO", 14)
    assert days_of(plan) == [date(2026, 11, 23), date(2026, 11, 30)]
    assert plan.visits.first().job.window_starts_at == datetime(2026, 11, 23, 14, tzinfo=UTC)
    lift = MaintenancePlan.objects.get(external_id="M2")
    assert (lift.duration_minutes, lift.time_zone, lift.days_ahead) == (45, "America/New_York", 30)
    assert (lift.priority, lift.is_active, days_of(lift)) == (Priority.NORMAL, True, [date(2026, 11, 30)])


def test_the_same_file_twice_makes_no_plan_and_no_visit_twice(import_plans, tess):
    import_plans(BOILER, LIFT)
    made = Job.objects.count()
    summary, _ = import_plans(BOILER, LIFT)
    assert counts(summary) == {"read": 2, "unchanged": 2}
    assert (MaintenancePlan.objects.count(), Job.objects.count()) == (2, made)


def test_a_changed_row_changes_the_plan_and_its_visits_follow(import_plans, tess):
    import_plans(BOILER)
    plan = MaintenancePlan.objects.get()
    summary, _ = import_plans(BOILER.replace("MO", "TU").replace("90", "60"))
    plan.refresh_from_db()
    assert (counts(summary), plan.version, plan.duration_minutes) == ({"read": 1, "updated": 1}, 2, 60)
    assert days_of(plan) == [date(2026, 11, 24), date(2026, 12, 1)]
    assert set(Job.objects.values_list("duration_minutes", flat=True)) == {60}


def test_an_empty_cell_empties_what_may_be_empty_and_leaves_the_rest(import_plans, tess):
    import_plans(BOILER)
    import_plans("M1,Boiler service,Bakery,1 Ash St,repair,,,FREQ=WEEKLY;BYDAY=MO,2026-11-18,,,,,,")
    plan = MaintenancePlan.objects.get()
    assert (plan.technician, plan.window_starts, plan.window_ends) == (None, None, None)
    assert (plan.duration_minutes, plan.days_ahead, plan.is_active) == (90, 14, True)


def test_a_plan_that_a_file_pauses_makes_no_more_visits(import_plans, tess):
    import_plans(BOILER)
    import_plans(BOILER.removesuffix("yes") + "no")
    plan = MaintenancePlan.objects.get()
    assert (plan.is_active, days_of(plan)) == (False, [])


def test_a_visit_stays_at_nine_when_the_clocks_change(import_plans, tess):
    with time_machine.travel(datetime(2027, 3, 10, 12, tzinfo=UTC), tick=False):
        import_plans(
            BOILER.replace("2026-11-18", "2027-03-10").replace("FREQ=WEEKLY;BYDAY=MO", '"FREQ=WEEKLY;BYDAY=SA,SU"')
        )
    starts = [visit.job.window_starts_at for visit in MaintenancePlan.objects.get().visits.all()]
    assert [moment.hour for moment in starts] == [14, 13, 13, 13]  # on Sunday the 14th they go forward


def test_a_time_block_in_the_hour_that_is_left_out_has_a_beginning_before_its_end(import_plans, tess):
    with time_machine.travel(datetime(2027, 3, 10, 12, tzinfo=UTC), tick=False):
        summary, _ = import_plans(
            BOILER.replace("2026-11-18", "2027-03-10").replace("=MO", "=SU").replace("9:00,11:00", "2:15,2:45")
        )
    assert counts(summary) == {"read": 1, "created": 1}
    job = MaintenancePlan.objects.get().visits.get(due_on=date(2027, 3, 14)).job
    assert job.window_starts_at < job.window_ends_at


@pytest.mark.parametrize(
    ("was", "now", "reason"),
    [
        (
            "FREQ=WEEKLY;BYDAY=MO",
            "every Monday",
            "rule: This recurrence is not understood, “every Monday”. Write it as in FREQ=MONTHLY;",
        ),
        ("FREQ=WEEKLY;BYDAY=MO", "FREQ=HOURLY", "rule: This recurrence is not understood, “FREQ=HOURLY”. Write it"),
        ("FREQ=WEEKLY;BYDAY=MO", "FREQ=WEEKLY;BYDAY=MO;COUNT=3", "rule: This recurrence is not understood, “FREQ"),
        (
            "FREQ=WEEKLY;BYDAY=MO",
            "FREQ=MONTHLY;BYMONTHDAY=31",
            "Write it with BYMONTHDAY=28,29,30,31;BYSETPOS=-1: shorter",
        ),
        ("FREQ=WEEKLY;BYDAY=MO", "FREQ=WEEKLY;INTERVAL=999;BYDAY=MO", "rule: Choose between 1 and 104 weeks, “FREQ"),
        ("FREQ=WEEKLY;BYDAY=MO", "FREQ=MONTHLY;INTERVAL=12;BYMONTH=2;BYMONTHDAY=1", "no visit would ever be due"),
        ("FREQ=WEEKLY;BYDAY=MO", "", "rule: is empty."),
        ("2026-11-18", "18.11.2026", "starts_on: is not a date that can be read"),
        ("2026-11-18", "1926-11-18", "starts_on: is not a likely date: “1926-11-18”."),
        ("2026-11-18,", "2026-11-18,2026-11-17", "ends_on: the plan must not end before it starts."),
        ("9:00,11:00", "9:00,", "window_starts and window_ends: only one of the two is given."),
        ("9:00,11:00", "11:00,9:00", "window_ends (to): the time block must end after it starts"),
        ("9:00", "25:00", "window_starts (from): is not a time of day, as in 14:05: “25:00”."),
        ("America/New_York", "Mars/Olympus", "is not a time zone, as in America/New_York: “Mars/Olympus”."),
        (",14,", ",5000,", "days_ahead: is not a whole number of days from 1 to 400"),
        ("yes", "perhaps", "is_active (active): is neither yes nor no: “perhaps”."),
        ("Bakery", "Butcher", "address: “Butcher” has no site at “1 Ash St” here"),
        ("1 Ash St", "9 Elm St", "address: “Bakery” has no site at “9 Elm St” here"),
        ("repair", "Nonsense", "job_type: there is no job type “Nonsense”."),
        ("tess", "nobody", "technician: nobody is called “nobody”."),
        ("Boiler service", "x" * 121, "name: is longer than 120 characters"),
        ("Boiler service", "Boiler\0", "There is a NUL character in the row."),
        ("M1", "", "external_id (plan_id): is empty."),
        ("M1", "M2", "external_id: “M2” is on line 2 already."),
    ],
)
def test_a_bad_row_is_reported_and_the_rest_is_imported(import_plans, tess, was, now, reason):
    SiteFactory(address="9 Elm St", customer__name="Somebody else")
    assert was in BOILER
    summary, said = import_plans(LIFT, BOILER.replace(was, now, 1))
    assert counts(summary) == {"read": 2, "created": 1, "rejected": 1}
    assert reason in said.replace("window_ends: the", "window_ends (to): the")
    assert MaintenancePlan.objects.get().external_id == "M2"


def test_what_looks_like_html_or_a_formula_is_text(import_plans, client, dana):
    summary, _ = import_plans(LIFT.replace("M2,Lift", "'=1+1,<script>alert(1)</script>"))
    assert counts(summary) == {"read": 1, "created": 1}
    plan = MaintenancePlan.objects.get()
    assert (plan.external_id, plan.name) == ("=1+1", "<script>alert(1)</script>")
    client.force_login(dana)
    assert b"<script>alert(1)" not in client.get(reverse("maintenance_plan", args=[plan.pk])).content
    assert "'=1+1,<script>" in exported(client).decode()


def test_a_site_of_which_there_are_two_is_asked_for_but_a_plan_keeps_its_own(import_plans, bakery):
    import_plans(LIFT)
    SiteFactory(address="1 Ash St", customer=bakery.customer)
    summary, said = import_plans(LIFT, LIFT.replace("M2", "M3"))
    assert counts(summary) == {"read": 2, "unchanged": 1, "rejected": 1}
    assert "“Bakery” has more than one site at “1 Ash St”; which is meant is not clear." in said


def test_a_technician_is_named_by_user_number_or_full_name(import_plans, tess, tom, north):
    tom.external_id = "1008"
    tom.save()
    ann, _ = (TechnicianFactory(user__first_name="Ann", user__last_name="Hill", zones=[north]) for _ in range(2))
    for text, person in (("TESS", tess), ("1008", tom), (ann.user.username, ann)):
        import_plans(LIFT.replace("Repair,,,", f"Repair,,{text},"))
        assert MaintenancePlan.objects.get().technician == person
    _, said = import_plans(LIFT.replace("Repair,,,", "Repair,,Ann Hill,").replace("M2", "M3"))
    assert "technician: more than one is called “Ann Hill”" in said


def test_who_has_left_stays_a_plans_technician_and_is_no_others(import_plans, tess):
    import_plans(BOILER)
    tess.is_active = False
    tess.save()
    summary, said = import_plans(BOILER, BOILER.replace("M1", "M3"))
    assert counts(summary) == {"read": 2, "unchanged": 1, "rejected": 1}
    assert "technician: nobody active is called “tess”." in said


def test_a_file_changes_no_plan_where_its_user_does_not_dispatch(importer, dana, omar, south, bakery):
    elsewhere = make_plan(by=omar, zone=south)
    row = LIFT.replace("Bakery,1 Ash St", f"{elsewhere.customer},{elsewhere.site}")
    known = row.replace("M2", elsewhere.external_id)
    summary, said = importer(row, known, LIFT.replace("M2", "M3"), arguments=["--by", "dana"])
    assert counts(summary) == {"read": 3, "created": 1, "rejected": 2}
    assert "Line 2: " + f"{elsewhere.site} lies in South, where you do not dispatch." in said
    assert "Line 3: " in said
    assert MaintenancePlan.objects.get(pk=elsewhere.pk).version == 1


def test_a_file_is_imported_in_the_name_of_somebody(importer, bakery):
    with pytest.raises(CommandError, match="no active user “nobody”"):
        importer(LIFT, arguments=["--by", "nobody"])


def test_a_technician_of_other_zones_is_nobodys_usual_one_but_where_they_are_already(importer, dana, tom, bakery):
    summary, said = importer(LIFT.replace("Repair,,,", "Repair,,tom,"), arguments=["--by", "dana"])
    assert "technician: nobody is called “tom”." in said
    make_plan(by=dana, site=bakery, external_id="M2", name="Lift", rule="FREQ=MONTHLY;BYMONTHDAY=-1", technician=tom)
    summary, _ = importer(LIFT.replace("Repair,,,", "Repair,,Tom,"), arguments=["--by", "dana"])
    assert counts(summary) == {"read": 1, "unchanged": 1}


# In the browser -----------------------------------------------------------------------------------


@pytest.fixture
def admin(client, ada):
    client.force_login(ada)
    return client


def exported(client) -> bytes:
    return b"".join(client.get(reverse("export_maintenance"), {"state": "all"}).streaming_content)


def imported(client, content: bytes) -> FileImport:
    """With the columns that the page proposes; tried first."""
    file = SimpleUploadedFile("plans.csv", content)
    assert client.post(reverse("imports"), {"kind": "maintenance", "file": file}).status_code == 302
    one = FileImport.objects.latest("pk")
    page = reverse("map_import", args=[one.pk])
    fields = {name: value for name, value in typed(client.get(page)).items() if name != "preview"}
    response = client.post(page, fields)
    assert response.status_code == 302, text_of(response)
    assert actions.work_out_import(one.pk).state == FileImport.State.DONE
    client.post(reverse("run_import", args=[one.pk]))
    return actions.work_out_import(one.pk)


@pytest.fixture
def plans(omar, north, tess):
    """Made by hand, of all kinds."""
    wide = {"window_starts": time(8, 30), "window_ends": time(12), "technician": tess, "priority": Priority.HIGH}
    return [
        make_plan(by=omar, zone=north, name="Boiler,  “yearly”", description="-5 °C\nno heat", **wide),
        make_plan(by=omar, name="=1+1", rule="BYDAY=MO,FR;FREQ=WEEKLY", time_zone="Europe/Berlin", days_ahead=3),
        make_plan(by=omar, site=SiteFactory(customer__external_id="C1"), ends_on=date(2026, 12, 31), is_active=False),
        make_plan(by=omar, rule="FREQ=MONTHLY;INTERVAL=2;BYMONTHDAY=28,29,30,31;BYSETPOS=-1", days_ahead=1),
    ]


def test_what_is_exported_is_taken_in_again_and_changes_nothing(admin, plans):
    content, jobs = exported(admin), Job.objects.count()
    one = imported(admin, content)
    assert (counts(one.summary), one.report) == ({"read": 4, "unchanged": 4, "without_location": 3}, [])
    assert (exported(admin), Job.objects.count()) == (content, jobs)
    assert {plan.version for plan in MaintenancePlan.objects.all()} == {1}


def test_what_is_exported_is_taken_in_by_the_command_too(admin, plans, tmp_path):
    (tmp_path / "plans.csv").write_bytes(exported(admin))
    summary, _ = run_import("maintenance", tmp_path / "plans.csv", "--mapping", "maintenance.toml", "--by", "ada")
    assert counts(summary) == {"read": 4, "unchanged": 4, "without_location": 3}


def test_what_is_exported_makes_the_same_plans_where_they_are_missing(admin, plans):
    content = exported(admin)
    MaintenancePlan.objects.all().delete()
    assert counts(imported(admin, content).summary)["created"] == 4
    columns = [cells[:18] for cells in csv.reader(StringIO(content.decode()))]
    again = [cells[:18] for cells in csv.reader(StringIO(exported(admin).decode()))]
    written = columns[0].index("rule")
    assert [cells[:written] + cells[written + 1 :] for cells in again] == [
        [" ".join(cell.split()) if place == 1 else cell for place, cell in enumerate(cells) if place != written]
        for cells in columns
    ]


def test_admin_tries_a_file_of_plans_and_no_visit_is_made(admin, plans, ada):
    content = b"plan_id,name,customer,address,type,rule,starts_on\n" + (
        f"7,Filter,{plans[0].customer},{plans[0].site.address},Repair,FREQ=DAILY,2026-11-18\n".encode()
    )
    one = imported(admin, content)
    plan = MaintenancePlan.objects.get(external_id="7")
    assert (counts(one.summary), plan.created_by) == ({"read": 1, "created": 1}, ada)
    assert LogEntry.objects.filter(user=ada, object_id=plan.pk).count() == 1  # the trial left nothing
    page = text_of(admin.get(reverse("file_import", args=[one.pk])))
    assert "Maintenance plans" in page


def test_the_page_of_a_file_of_plans_asks_for_no_time_zone_and_makes_nothing_unknown(admin, plans):
    file = SimpleUploadedFile("plans.csv", exported(admin))
    admin.post(reverse("imports"), {"kind": "maintenance", "file": file})
    page = admin.get(reverse("map_import", args=[FileImport.objects.get().pk]))
    fields = typed(page)
    assert (fields["rule"], fields["technician"], fields["plan_time_zone"]) == ("rule", "technician", "time_zone")
    assert "time_zone" not in fields
    assert "Dates look like" in text_of(page)
    assert "not known yet" not in text_of(page)
    assert "08:30" in text_of(page)


@pytest.mark.parametrize(
    "text",
    [
        *("", ";", "=", "FREQ", "FREQ=WEEKLY;BYDAY=", "FREQ=DAILY;INTERVAL=-1", "FREQ=DAILY;INTERVAL=" + "9" * 5000),
        *("FREQ=MONTHLY;BYDAY=9XX", "FREQ=MONTHLY;BYSETPOS=x", "FREQ=YEARLY;BYMONTH=13;BYMONTHDAY=1", "²", "\x00"),
        *("FREQ=MONTHLY;BYMONTHDAY=" + ",".join(map(str, range(1, 5000))), "FREQ=DAILY\nFREQ=DAILY"),
    ],
)
def test_no_text_is_a_rule_that_breaks_the_import(text):
    with pytest.raises(ValueProblem):
        rule(text, None)


def test_customers_of_one_name_are_told_apart_by_their_number(importer, import_plans, north):
    sites = [SiteFactory(address="2 Elm St", customer=CustomerFactory(name="Smith", external_id=f"S{n}")) for n in "12"]
    importer.mapping += 'customer_external_id = "no"\n'
    importer.header += ",no"
    summary, _ = import_plans(LIFT.replace("Bakery,1 Ash", "Smith,2 Elm") + ",S2")
    assert counts(summary) == {"read": 1, "created": 1, "without_location": 1}
    assert MaintenancePlan.objects.get().site == sites[1]
