import csv
from datetime import UTC, date, datetime

import pytest
from django.core.management.base import CommandError

from dispatch import actions
from dispatch.models import Customer, FieldChange, Job, JobType, LiveVersion, Priority, Site, Status, StatusChange
from technicians.models import Proficiency
from tests.dispatch.importing import HEADER, MAPPING, Importer, counts, run_import
from tests.factories import CustomerFactory, JobTypeFactory, SiteFactory, SkillFactory

pytestmark = pytest.mark.django_db

ANN = "A1,Ann Lee,212 555 0101,1 Ash St,40.1,-75.1,Boiler repair,now,No hot water,2026-03-02 09:30"
BOB = "B1,Bob Ray,555 0102,2 Elm St,,,Boiler repair,someday,Annual check,2026-03-02 10:00"


@pytest.fixture
def import_jobs(tmp_path):
    return Importer(tmp_path)


def ann(**changes) -> str:
    cells = dict(zip(HEADER.split(","), ANN.split(","), strict=True)) | changes
    return ",".join(cells.values())


def test_a_row_becomes_a_job_of_its_customer_at_its_site_in_its_zone(import_jobs, north):
    summary, _ = import_jobs(ANN)
    job = Job.objects.get()
    assert counts(summary) == {"read": 1, "created": 1}
    assert (job.external_id, job.status, job.source) == ("A1", Status.CREATED, Job.Source.IMPORT)
    assert (job.customer.name, job.customer.phone_digits, job.site.address) == ("Ann Lee", "2125550101", "1 Ash St")
    assert (job.zone, job.site.zone) == (north, north)
    assert (job.priority, job.job_type.name, job.description) == (Priority.URGENT, "Boiler repair", "No hot water")
    assert job.created_at == datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
    assert job.scheduled_on == date(2026, 3, 2)


def test_an_imported_job_has_its_first_log_row_by_the_system(import_jobs):
    import_jobs(ANN)
    first = StatusChange.objects.get()
    assert (first.from_status, first.to_status, first.actor_kind) == ("", Status.CREATED, StatusChange.Actor.SYSTEM)
    assert first.happened_at == first.job.created_at < first.received_at


def test_an_imported_job_requires_the_skills_of_its_type_and_takes_its_duration(import_jobs):
    boilers = SkillFactory(name="Boilers")
    kind = JobTypeFactory(name="Boiler Repair", default_duration_minutes=95)
    kind.required_skills.create(skill=boilers, level=Proficiency.ADVANCED)
    import_jobs(ANN)
    job = Job.objects.get()
    assert (job.job_type, job.duration_minutes) == (kind, 95)
    assert [(need.skill, need.level) for need in job.required_skills.all()] == [(boilers, Proficiency.ADVANCED)]


def test_second_run_changes_nothing(import_jobs):
    import_jobs(ANN, BOB)
    before = list(Job.objects.values())
    summary, _ = import_jobs(ANN, BOB)
    assert counts(summary) == {"read": 2, "unchanged": 2, "without_location": 1}
    assert list(Job.objects.values()) == before
    assert (Customer.objects.count(), Site.objects.count(), StatusChange.objects.count()) == (2, 2, 2)


def test_a_row_without_coordinates_is_kept_without_location(import_jobs, north):
    summary, _ = import_jobs(BOB, ann(lat="0", lon="0.0"))
    assert counts(summary) == {"read": 2, "created": 2, "without_location": 2}
    assert not any(job.site.has_location or job.zone for job in Job.objects.all())


def test_two_jobs_of_one_customer_at_one_address_share_customer_and_site(import_jobs):
    import_jobs(ANN, ann(id="A2", phone="+1 (212) 555-0101"), ann(id="A3", phone="2125550101", customer="Ann  Lee "))
    import_jobs(ann(id="A4"))
    assert (Job.objects.count(), Site.objects.count(), Customer.objects.count()) == (4, 1, 1)


def test_a_known_customer_and_the_place_of_a_known_address_are_found(import_jobs):
    customer = CustomerFactory(name="Bob Ray", phone="(555) 0102")
    site = SiteFactory(customer=customer, address="2 Elm St", latitude=40.15, longitude=-75.15)
    summary, _ = import_jobs(BOB)
    assert (Job.objects.get().customer, Job.objects.get().site) == (customer, site)
    assert counts(summary) == {"read": 1, "created": 1}


# Bad rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (ann(lat="91"), "latitude (lat): is off the globe, -90 to 90: “91”."),
        (ann(lon="-180.5"), "longitude (lon): is off the globe, -180 to 180: “-180.5”."),
        (ann(lat="nan"), "latitude (lat): is off the globe, -90 to 90: “nan”."),
        (ann(lat="40,1".replace(",", ";")), "latitude (lat): is not a number: “40;1”."),
        (ann(lat=""), "latitude and longitude: only one of the two is given."),
        (ann(opened="2026-02-30 10:00"), "is not a date that can be read"),
        (ann(opened="yesterday"), "created_at (opened): is not a date that can be read"),
        (ann(opened="0999-01-01"), "created_at (opened): is not a likely date: “0999-01-01”."),
        (ann(opened="2199-01-01"), "created_at (opened): is in the future: 2199-01-01 00:00."),
        (ann(id=" "), "external_id (id): is empty."),
        (ann(street=""), "address (street): is empty."),
        (ann(customer="x" * 121), "customer_name (customer): is longer than 120 characters"),
        ("A1,Ann Lee", "The row has 2 columns, the header has 10."),
        (ANN + ",more", "The row has 11 columns, the header has 10."),
        ('A1,"Ann" Lee' + ANN[len("A1,Ann Lee") :], "A quotation mark is misplaced or not closed"),
        (ann(notes="No\0water"), "There is a NUL character in the row."),
    ],
)
def test_a_bad_row_is_reported_by_line_and_reason_and_the_rest_is_imported(import_jobs, row, reason):
    summary, said = import_jobs(BOB, row, ann(id="A9"))
    assert counts(summary) == {"read": 3, "created": 2, "rejected": 1, "without_location": 1}
    assert f"Line 3: {reason}" in said or ("Line 3: " in said and reason in said)
    assert sorted(Job.objects.values_list("external_id", flat=True)) == ["A9", "B1"]


def test_an_id_that_comes_twice_in_a_file_is_reported_with_its_first_line(import_jobs):
    summary, said = import_jobs(ANN, BOB, ann(street="9 Oak St"))
    assert counts(summary) == {"read": 3, "created": 2, "rejected": 1, "without_location": 1}
    assert "Line 4: external_id: “A1” is on line 2 already." in said


def test_a_row_with_bytes_that_are_not_utf8_is_reported_and_the_rest_is_imported(import_jobs):
    broken = ANN.replace("Ann", "Anné").encode("latin-1")
    summary, said = import_jobs.bytes(b"\n".join([HEADER.encode(), broken, BOB.encode()]))
    assert counts(summary) == {"read": 2, "created": 1, "rejected": 1, "without_location": 1}
    assert "Line 2: customer: there are bytes that are not UTF-8." in said


def test_a_line_number_counts_line_breaks_within_quotes(import_jobs):
    first = ann(notes='"No water\nsince\nMonday"')
    _, said = import_jobs(first, "", ann(id="A2", lat="91"))
    assert "Line 6: latitude" in said
    assert Job.objects.get().description == "No water\nsince\nMonday"


def test_a_quotation_mark_that_is_never_closed_costs_one_row_not_the_file(import_jobs):
    summary, said = import_jobs(ann(notes='"never closed'), ann(id="A2", notes='"closed"'), ann(id="A3"))
    assert "Line 2: A quotation mark is misplaced or not closed (lines 2 to 3)" in said
    assert (summary["created"], summary["rejected"]) == (1, 1)


def test_an_unknown_job_type_is_rejected_where_the_mapping_creates_none(import_jobs):
    import_jobs.mapping = MAPPING.replace("create_job_types = true", "")
    JobTypeFactory(name="Boiler repair")
    summary, said = import_jobs(ANN, ann(id="A2", work="Magic"))
    assert counts(summary) == {"read": 2, "created": 1, "rejected": 1}
    assert "Line 3: job_type: there is no job type “Magic”." in said
    assert JobType.objects.count() == 1


def test_what_the_database_alone_refuses_is_a_rejected_row_too(import_jobs, monkeypatch):
    from django.db import IntegrityError

    def refuse(jobs, **kwargs):
        if any(job.external_id == "A2" for job in jobs):
            raise IntegrityError("a constraint says no\nDETAIL: more")
        create_jobs(jobs, **kwargs)

    create_jobs = actions.create_jobs
    monkeypatch.setattr(actions, "create_jobs", refuse)
    summary, said = import_jobs(ANN, ann(id="A2", customer="Cy Doe"), BOB)
    assert counts(summary) == {"read": 3, "created": 2, "rejected": 1, "without_location": 1}
    assert "Line 3: The database refuses the row: a constraint says no." in said
    assert not Customer.objects.filter(name="Cy Doe").exists()


def test_rejected_rows_are_kept_as_they_were_and_import_once_mended(import_jobs, tmp_path):
    bad = tmp_path / "bad.csv"
    short = "A2,Ann Lee"
    import_jobs(ANN, ann(id="A3", lat="91"), short, arguments=["--errors", bad])
    rows = list(csv.reader(bad.open(newline="")))
    assert rows[0] == ["import_line", "import_reason", *HEADER.split(",")]
    assert (rows[1][0], rows[1][2:]) == ("3", ann(id="A3", lat="91").split(","))
    assert (rows[2][0], rows[2][2:]) == ("4", short.split(","))
    mended = bad.read_text().replace(",91,", ",40.1,")
    summary, _ = import_jobs.bytes(mended.encode(), arguments=["--errors", bad])
    assert counts(summary) == {"read": 2, "created": 1, "rejected": 1}
    assert next(csv.reader(bad.open(newline="")))[2:] == HEADER.split(",")


def test_bytes_that_are_not_utf8_reach_the_file_of_rejected_rows_unchanged(import_jobs, tmp_path):
    bad = tmp_path / "bad.csv"
    import_jobs.bytes(HEADER.encode() + b"\n" + ANN.encode().replace(b"Ann", b"Ann\xe9"), arguments=["--errors", bad])
    assert b"Ann\xe9 Lee" in bad.read_bytes()


def test_many_rejected_rows_do_not_flood_the_terminal(import_jobs):
    summary, said = import_jobs(*[ann(id=f"X{number}", lat="91") for number in range(80)])
    assert summary["rejected"] == 80
    assert len(said.splitlines()) == 51
    assert "... and 30 more rejected rows; --errors FILE.csv keeps them all." in said


# Files that cannot be imported at all -------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "rows.csv is empty: a header line with the names of the columns is expected."),
        (b"\n\n", "rows.csv is empty"),
        (b"id,customer\nA1,Ann", "has no column phone, street, lat, lon, work, notes, opened, urgency, which"),
        (b"id,customer\nA1,Ann", "It has: id, customer."),
        (HEADER.encode() + b",id\n", "rows.csv has more than one column id"),
        ((HEADER + "\n" + ANN).encode("utf-16"), "rows.csv is not UTF-8 text."),
        (b"\x89PNG\r\n\x1a\n\0\0", "rows.csv is not UTF-8 text."),
    ],
)
def test_a_file_that_cannot_be_imported_is_one_clear_error(import_jobs, content, sentence):
    with pytest.raises(CommandError) as caught:
        import_jobs.bytes(content)
    assert sentence in str(caught.value)
    assert not Job.objects.exists()


def test_a_file_that_is_not_there_is_one_clear_error(import_jobs, tmp_path):
    import_jobs(ANN)
    with pytest.raises(CommandError, match=r"nothing.csv cannot be read: No such file"):
        run_import("jobs", tmp_path / "nothing.csv", "--mapping", tmp_path / "mapping.toml")


@pytest.mark.parametrize("errors", ["rows.csv", "no/such/folder/bad.csv"])
def test_the_rejected_rows_need_a_file_of_their_own_that_can_be_written(import_jobs, tmp_path, errors):
    with pytest.raises(CommandError, match=r"is being imported|cannot be written"):
        import_jobs(ANN, arguments=["--errors", tmp_path / errors])
    assert not Job.objects.exists()
    assert (tmp_path / "rows.csv").read_text().endswith(ANN)


def test_a_file_with_only_a_header_imports_nothing(import_jobs):
    assert counts(import_jobs()[0]) == {}


def test_a_byte_order_mark_and_windows_line_ends_are_no_matter(import_jobs):
    summary, _ = import_jobs.bytes(b"\xef\xbb\xbf" + "\r\n".join([HEADER, ANN, BOB, ""]).encode())
    assert summary["created"] == 2


def test_another_encoding_and_delimiter_can_be_named(import_jobs):
    import_jobs.mapping = 'encoding = "cp1252"\ndelimiter = ";"\n' + MAPPING
    summary, _ = import_jobs.bytes(f"{HEADER}\n{ANN}".replace(",", ";").replace("Ann", "René").encode("cp1252"))
    assert summary["created"] == 1
    assert Customer.objects.get().name == "René Lee"


# A dry run ----------------------------------------------------------------------------------------


def test_a_dry_run_reports_the_same_and_writes_nothing(import_jobs):
    import_jobs(ANN)
    rows = [ann(notes="Colder"), BOB, ann(id="A2", lat="91"), ann(id="A3", work="New work")]
    before = list(Job.objects.values())
    dry, said = import_jobs(*rows, arguments=["--dry-run"])
    assert "A dry run: nothing was written." in said
    assert list(Job.objects.values()) == before
    assert (Customer.objects.count(), Site.objects.count(), JobType.objects.count()) == (1, 1, 1)
    assert dry == import_jobs(*rows)[0]
    assert counts(dry) == {"read": 4, "created": 2, "updated": 1, "rejected": 1, "without_location": 1}


# Importing again ----------------------------------------------------------------------------------


def test_what_changed_in_the_file_changes_the_job_and_is_logged(import_jobs, north, south):
    import_jobs(ANN)
    summary, _ = import_jobs(ann(notes="Colder", urgency="sometime", lat="39.9", opened="2026-03-03 09:30"))
    job = Job.objects.get()
    assert counts(summary) == {"read": 1, "updated": 1}
    assert (job.description, job.priority, job.scheduled_on) == ("Colder", Priority.LOW, date(2026, 3, 3))
    assert (job.site.latitude, job.zone, job.version) == (39.9, south, 2)
    change = FieldChange.objects.get()
    assert (change.version, change.actor) == (2, None)
    assert change.changes["priority"] == ["Urgent", "Low"]
    assert change.changes["location"] == ["40.10000, -75.10000", "39.90000, -75.10000"]


def test_a_job_gets_the_location_that_a_later_file_knows(import_jobs, north):
    import_jobs(ann(lat="", lon=""))
    summary, _ = import_jobs(ANN)
    assert counts(summary) == {"read": 1, "updated": 1}
    assert Job.objects.get().zone == north
    assert counts(import_jobs(ANN)[0]) == {"read": 1, "unchanged": 1}


def test_a_file_without_coordinates_takes_no_location_away(import_jobs):
    import_jobs(ANN)
    summary, _ = import_jobs(ann(lat="", lon=""))
    assert counts(summary) == {"read": 1, "unchanged": 1}
    assert Job.objects.get().site.has_location


def test_a_job_that_dana_has_put_on_hold_still_gets_the_location_it_lacks(import_jobs, ada, north):
    import_jobs(ann(lat="", lon=""))
    actions.hold_job(Job.objects.get(), "Waiting for the landlord", by=ada)
    import_jobs(ANN)
    assert Job.objects.get().zone == north


def test_jobs_at_two_places_of_one_address_keep_theirs_when_a_file_has_no_coordinates(import_jobs):
    rows = [{"id": "A1", "lat": "40.1"}, {"id": "A2", "lat": "40.2"}]
    import_jobs(*[ann(**row) for row in rows])
    summary, _ = import_jobs(*[ann(id=row["id"], lat="", lon="") for row in rows])
    assert counts(summary) == {"read": 2, "unchanged": 2}
    assert Site.objects.count() == 2


def test_a_job_that_somebody_has_is_left_as_it_is(import_jobs, ada, tess):
    import_jobs(ANN)
    actions.assign_job(Job.objects.get(), tess, by=ada)
    summary, _ = import_jobs(ann(notes="Colder"))
    job = Job.objects.get()
    assert counts(summary) == {"read": 1, "unchanged": 1}
    assert (job.description, job.status, job.technician) == ("No hot water", Status.ASSIGNED, tess)


def test_what_dana_has_changed_stays_hers_and_the_rest_follows_the_file(import_jobs, ada):
    import_jobs(ANN)
    job = Job.objects.get()
    actions.edit_job(job, {"priority": Priority.HIGH}, by=ada, base_version=job.version)
    import_jobs(ann(urgency="sometime", notes="Colder"))
    job.refresh_from_db()
    assert (job.priority, job.description) == (Priority.HIGH, "Colder")


def test_a_place_that_was_corrected_on_the_map_is_not_moved_back(import_jobs, ada, north):
    import_jobs(ANN)
    site = Job.objects.get().site
    site.latitude = 40.11
    actions.save_site(site, fields=["latitude", "longitude"], by=ada)
    summary, _ = import_jobs(ANN)
    assert counts(summary) == {"read": 1, "unchanged": 1}
    assert Job.objects.get().site == site


def test_a_job_changed_at_the_same_moment_is_rejected_not_overwritten(import_jobs, monkeypatch):
    import_jobs(ANN)
    update = actions.update_created_jobs

    def meanwhile(changes, **kwargs):
        Job.objects.update(version=7, description="Dana was here")
        return update(changes, **kwargs)

    monkeypatch.setattr(actions, "update_created_jobs", meanwhile)
    summary, said = import_jobs(ann(notes="Colder"))
    assert counts(summary) == {"read": 1, "rejected": 1}
    assert "changed J-" in said
    assert Job.objects.get().description == "Dana was here"


# Boards -------------------------------------------------------------------------------------------


def test_boards_hear_one_event_for_a_whole_import(import_jobs, north, south, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        import_jobs(ANN, ann(id="A2"), ann(id="A3", lat="39.9"), BOB)
    numbers = dict(LiveVersion.objects.values_list("group", "number"))
    assert numbers == {f"zone.{north.pk}": 1, f"zone.{south.pk}": 1, "zone.none": 1}


@pytest.mark.parametrize("arguments", [["--dry-run"], []])
def test_boards_hear_nothing_where_nothing_was_written(
    import_jobs, north, arguments, django_capture_on_commit_callbacks
):
    if not arguments:
        import_jobs(ANN)
    with django_capture_on_commit_callbacks() as callbacks:
        import_jobs(ANN, arguments=arguments)
    assert not callbacks
