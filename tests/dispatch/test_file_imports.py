import csv
from datetime import timedelta
from io import StringIO

import pytest
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from config import processes
from dispatch import actions
from dispatch.actions import file_imports
from dispatch.actions.file_imports import _TakenOver, _Work
from dispatch.imports.forms import in_words
from dispatch.imports.preview import load_beginning
from dispatch.models import Customer, FileImport, Job, JobType, Notification, Site
from dispatch.tasks import tell_of_killed
from technicians.models import Technician
from tests.dispatch.importing import counts
from tests.factories import CustomerFactory, JobTypeFactory
from tests.pages import html_of, text_of, typed

pytestmark = pytest.mark.django_db
State = FileImport.State

CUSTOMERS = """\
customer_id,name,phone,street,city,zip,lat,lon
C1,Bakery,412 555 0101,218 Pearl St,Pittsburgh,15201,40.1,-75.1
C1,Bakery,412 555 0101,40 Market Sq,Pittsburgh,15222,,
C2,"Moreau, Jane",412 555 0102,12 Ash St,Pittsburgh,,,
C3,,412 555 0103,13 Ash St,Pittsburgh,,,
"""
JOBS = """\
id;Customer;Address;Type;Urgency;Opened;Text
W1;Bakery;218 Pearl St;Repair;emergency;11/20/2026 2:05 PM;No heat
W2;Bakery;218 Pearl St;Repair;whatever;11/20/2026;Noise
W3;Bakery;218 Pearl St;Nonsense;low;11/20/2026;Leak
"""


@pytest.fixture
def admin(client, ada):
    client.force_login(ada)
    return client


def upload(client, text: str | bytes, *, kind="customers", name="rows.csv"):
    content = text.encode() if isinstance(text, str) else text
    return client.post(reverse("imports"), {"kind": kind, "file": SimpleUploadedFile(name, content)})


def uploaded(client, text, **asked) -> FileImport:
    response = upload(client, text, **asked)
    assert response.status_code == 302, text_of(response)
    return FileImport.objects.latest("pk")


def tried(client, one: FileImport, **changes) -> FileImport:
    """With the columns that the page proposes."""
    page = reverse("map_import", args=[one.pk])
    fields = {name: value for name, value in typed(client.get(page), **changes).items() if name != "preview"}
    response = client.post(page, fields)
    assert response.status_code == 302, text_of(response)
    return actions.work_out_import(one.pk)


def done(client, one: FileImport) -> FileImport:
    client.post(reverse("run_import", args=[one.pk]))
    return actions.work_out_import(one.pk)


def imported(client, text, **asked) -> FileImport:
    return done(client, tried(client, uploaded(client, text, **asked)))


def test_admin_tries_a_file_and_nothing_is_written(admin):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    assert (one.state, counts(one.summary)) == (
        State.DONE,
        {"read": 4, "created": 3, "rejected": 1, "without_location": 2},
    )
    assert Customer.objects.count() == Site.objects.count() == 0
    page = text_of(admin.get(reverse("file_import", args=[one.pk])))
    assert "What would happen" in page
    assert "Name: is empty." in page


def test_admin_imports_customers_with_their_sites_put_together_from_several_columns(admin, north, ada):
    one = imported(admin, CUSTOMERS)
    assert (one.state, one.is_dry_run, one.rows_done) == (State.DONE, False, 4)
    bakery = Customer.objects.get(external_id="C1")
    assert [(site.address, site.zone) for site in bakery.sites.all()] == [
        ("218 Pearl St, Pittsburgh, 15201", north),
        ("40 Market Sq, Pittsburgh, 15222", None),
    ]
    notice = Notification.objects.get(recipient=ada)
    assert (notice.kind, notice.url) == ("import_done", reverse("file_import", args=[one.pk]))
    assert notice.text == "rows.csv is imported: 3 created, 1 rejected."


def test_the_same_file_twice_makes_nothing_twice(admin):
    imported(admin, CUSTOMERS)
    again = imported(admin, CUSTOMERS)
    assert counts(again.summary) == {"read": 4, "unchanged": 3, "rejected": 1, "without_location": 2}
    assert (Customer.objects.count(), Site.objects.count()) == (2, 3)


def test_a_file_gives_a_site_its_place_only_where_it_had_none(admin, north, south):
    imported(admin, CUSTOMERS)
    Site.objects.filter(address__startswith="218").update(latitude=40.15, longitude=-75.15)
    imported(admin, CUSTOMERS.replace("15222,,", "15222,39.9,-75.1"))
    pinned, placed = Customer.objects.get(external_id="C1").sites.all()
    assert (pinned.latitude, placed.latitude, placed.zone) == (40.15, 39.9, south)


def test_admin_imports_jobs_of_a_german_spreadsheet_with_american_dates(admin):
    JobTypeFactory()
    one = tried(admin, uploaded(admin, JOBS.encode("cp1252"), kind="jobs"), priority_otherwise="Low")
    assert [row["reason"] for row in one.report] == ["job_type: there is no job type “Nonsense”."]
    done(admin, one)
    urgent, low = Job.objects.order_by("external_id")
    assert (urgent.get_priority_display(), low.get_priority_display()) == ("Urgent", "Low")
    assert f"{timezone.localtime(urgent.created_at):%Y-%m-%d %H:%M}" == "2026-11-20 14:05"


def test_missing_job_types_are_made_when_the_admin_says_so(admin):
    one = tried(admin, uploaded(admin, JOBS, kind="jobs"), creates_missing="on", priority_otherwise="Low")
    done(admin, one)
    assert sorted(JobType.objects.values_list("name", flat=True)) == ["Nonsense", "Repair"]


def test_each_sample_is_understood_as_it_is(admin, north, south):
    JobTypeFactory(name="No heat")
    JobTypeFactory(name="Leak repair")
    for kind, made in (("customers", 3), ("jobs", 2), ("technicians", 2), ("maintenance", 2)):
        sample = b"".join(admin.get(reverse("import_sample", args=[kind])).streaming_content)
        changes = {"creates_missing": "on"} if kind == "technicians" else {}
        one = done(admin, tried(admin, uploaded(admin, sample, kind=kind), **changes))
        assert counts(one.summary) | {"without_location": 0} == {
            "read": made,
            "created": made,
            "without_location": 0,
        }, (
            kind,
            one.report,
        )
    assert Technician.objects.get(external_id="1007").skills.count() == 2


def test_the_columns_of_the_last_such_file_are_proposed(admin):
    odd = "a,b\n1,Bakery\n"
    tried(admin, uploaded(admin, odd, name="odd.csv"), external_id="a", name="b")
    one = uploaded(admin, odd + "2,Butcher\n")
    page = admin.get(reverse("map_import", args=[one.pk]))
    assert "chosen as for odd.csv" in text_of(page)
    assert typed(page)["external_id"] == "a"


def test_the_first_rows_are_shown_as_they_will_be_read(admin):
    one = uploaded(admin, CUSTOMERS)
    page = reverse("map_import", args=[one.pk])
    fields = typed(admin.get(page), address_2="", preview="1")
    shown = admin.post(page, fields, headers={"HX-Request": "true", "HX-Target": "preview"})
    assert "218 Pearl St" in text_of(shown)
    assert "Pittsburgh" not in text_of(shown)
    assert "<main" not in html_of(shown)
    assert FileImport.objects.get().state == State.UPLOADED


def test_a_needed_column_must_be_chosen(admin):
    one = uploaded(admin, CUSTOMERS)
    page = reverse("map_import", args=[one.pk])
    fields = {name: value for name, value in typed(admin.get(page), name="").items() if name != "preview"}
    response = admin.post(page, fields)
    assert response.status_code == 422
    assert "Choose its column." in text_of(response)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"PK\x03\x04 and so on", "workbook"),
        (b"\x00\x01\x02\x03", "not a text file"),
        (b"", "The submitted file is empty"),
        (b"\n\n", "book.csv is empty"),
        (b"id,name\n", "book.csv has a header line and no rows"),
        (b"just words\nmore words\n", "no columns that can be told apart"),
        (b"<html><svg onload=alert(1)></svg></html>\nx\n", "no columns that can be told apart"),
    ],
)
def test_what_is_no_csv_is_refused_with_a_sentence_and_not_kept(admin, tmp_path, content, said):
    response = upload(admin, content, name="book.csv")
    assert response.status_code == 422
    assert said in text_of(response)
    assert not FileImport.objects.exists()
    assert not list(tmp_path.rglob("*.csv"))


def test_a_file_that_is_too_large_is_refused(admin, monkeypatch):
    monkeypatch.setattr(file_imports, "MOST_BYTES", 10)
    assert "larger than" in text_of(upload(admin, CUSTOMERS))


def test_a_full_disk_is_said_and_nothing_is_kept(admin, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "full"
    settings.MEDIA_ROOT.write_text("a file where the folder should be")
    response = upload(admin, CUSTOMERS)
    assert response.status_code == 422
    assert "cannot be kept" in text_of(response)
    assert not FileImport.objects.exists()


def test_the_report_can_be_mended_and_imported_again_and_runs_no_formula(admin):
    rows = 'id,name,phone,note\nC1,,+1 412 555 0101,"=HYPERLINK(""http://x"")"\nC2,Bakery,5,-79.5\nC3,,6,-79.5\n'
    one = imported(admin, rows)
    report = b"".join(admin.get(reverse("import_report", args=[one.pk])).streaming_content).decode("utf-8-sig")
    header, first, second = csv.reader(StringIO(report))
    assert header == ["import_line", "import_reason", "id", "name", "phone", "note"]
    assert first[0] == "2"
    assert first[4:] == ["'+1 412 555 0101", '\'=HYPERLINK("http://x")']
    assert second[5] == "-79.5"
    again = imported(admin, report.replace("C1,,", "C1,Baker,"))
    assert counts(again.summary)["created"] == 1
    assert Customer.objects.get(external_id="C1").phone == "+1 412 555 0101"
    assert again.report[0]["cells"][0] == "C3"  # without what the first report had put in front


def test_a_column_that_is_called_like_a_formula_is_none_in_the_report_and_found_again(admin):
    one = tried(admin, uploaded(admin, "customer_id,name,=cmd()\nC1,,x\n"))
    report = b"".join(admin.get(reverse("import_report", args=[one.pk])).streaming_content).decode("utf-8-sig")
    assert next(csv.reader(StringIO(report)))[2:] == ["customer_id", "name", "'=cmd()"]
    again = uploaded(admin, report)
    assert load_beginning(again).header[2:] == ["customer_id", "name", "=cmd()"]


def test_long_notes_of_a_row_that_is_mended_are_whole(admin):
    notes = "The dog bites. " * 300
    one = tried(admin, uploaded(admin, f"customer_id,name,notes\nC1,,{notes}\n"))
    report = b"".join(admin.get(reverse("import_report", args=[one.pk])).streaming_content).decode("utf-8-sig")
    imported(admin, report.replace("C1,,", "C1,Ann,"))
    assert Customer.objects.get().notes == notes.strip()


def test_the_report_of_a_file_of_long_rows_stays_small(admin, monkeypatch):
    monkeypatch.setattr(file_imports, "MOST_REPORTED_CHARACTERS", 1000)
    rows = "".join(f"C{number},,{'x' * 100}\n" for number in range(50))
    one = tried(admin, uploaded(admin, f"customer_id,name,notes\n{rows}"))
    assert (one.summary["rejected"], len(one.report)) == (50, 10)
    page = text_of(admin.get(reverse("file_import", args=[one.pk])))
    assert "It has the first 10 of 50." in page


def test_a_line_without_end_is_refused_before_it_becomes_cells(admin):
    response = upload(admin, "a,b\n" + "," * 1_100_000 + "\n1,2\n")
    assert response.status_code == 302
    one = tried(admin, FileImport.objects.get(), external_id="a", name="b")
    assert one.report[0]["cells"] == []
    assert "longer than 1,000,000 characters" in one.report[0]["reason"]
    assert one.summary["created"] == 1


def test_a_header_of_a_thousand_columns_is_refused(admin):
    said = text_of(upload(admin, ",".join(f"c{number}" for number in range(1000)) + "\n1\n"))
    assert "1,000 columns" in said


def test_bytes_of_no_encoding_and_nul_can_be_reported(admin):
    one = uploaded(admin, "id,name\nC1,Bakery\n")
    one.file.storage.delete(one.file.name)
    one.file.storage.save(one.file.name, SimpleUploadedFile("x", b"id,name\nC1,B\xff\nC2,a\0b\n"))
    assert counts(tried(admin, one).summary) == {"read": 2, "rejected": 2}


def test_admin_stops_an_import_and_what_was_done_stays(admin, ada, monkeypatch):
    monkeypatch.setattr("dispatch.imports.run.BATCH", 1)
    one = tried(admin, uploaded(admin, CUSTOMERS))
    actions.run_import(one, by=ada)
    go_on = _Work.go_on

    def stop_meanwhile(work, run):
        admin.post(reverse("stop_import", args=[one.pk]))
        go_on(work, run)

    monkeypatch.setattr(_Work, "go_on", stop_meanwhile)
    stopped = actions.work_out_import(one.pk)
    assert (stopped.state, stopped.rows_done, Customer.objects.count()) == (State.STOPPED, 1, 1)
    assert "Stopped after 1 of 4 rows" in text_of(admin.get(reverse("file_import", args=[one.pk])))
    monkeypatch.setattr(_Work, "go_on", go_on)
    assert counts(done(admin, one).summary) == {
        "read": 4,
        "created": 2,
        "unchanged": 1,
        "rejected": 1,
        "without_location": 2,
    }


def test_nobodys_plan_waits_until_a_file_is_imported(admin, django_capture_on_commit_callbacks):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    with django_capture_on_commit_callbacks() as callbacks:
        admin.post(reverse("run_import", args=[one.pk]))
    sent = [send.calls[:2] for send in callbacks if hasattr(send, "calls")]
    assert sent == [("dispatch.tasks.work_out_import", "background")]
    assert "background" in processes.background()
    assert "background" not in processes.planner()


def test_one_that_waits_is_stopped_at_once(admin, ada):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    actions.run_import(one, by=ada)
    admin.post(reverse("stop_import", args=[one.pk]))
    assert actions.work_out_import(one.pk) is None
    assert FileImport.objects.get().state == State.STOPPED


def test_two_workers_do_not_do_it_twice(admin, ada):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    assert actions.work_out_import(one.pk) is None
    actions.run_import(one, by=ada)
    with pytest.raises(actions.ActionRefused, match="being worked on"):
        actions.run_import(one, by=ada)


def test_the_import_of_a_dead_worker_is_taken_over_and_the_silent_one_stops(admin, ada):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    actions.run_import(one, by=ada)
    now = timezone.now()
    FileImport.objects.update(state=State.RUNNING, started_at=now, seen_alive_at=now, attempts=1)
    silent = _Work(FileImport.objects.get(), now=now)
    assert actions.sweep_imports(now=now + timedelta(minutes=1)) == 0
    assert actions.sweep_imports(now=now + timedelta(minutes=4)) == 1
    assert actions.work_out_import(one.pk).state == State.DONE
    with pytest.raises(_TakenOver):
        silent.run()
    assert Customer.objects.count() == 2
    assert Notification.objects.count() == 1


def test_an_import_whose_worker_is_killed_is_taken_over_at_once(admin, ada):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    now = timezone.now()
    FileImport.objects.update(state=State.RUNNING, started_at=now, seen_alive_at=now, attempts=1)
    tell_of_killed("dispatch.tasks.work_out_import", (one.pk,))
    assert actions.work_out_import(one.pk).state == State.DONE


def test_what_would_change_nothing_is_not_offered_to_be_done(admin):
    imported(admin, CUSTOMERS)
    again = tried(admin, uploaded(admin, CUSTOMERS))
    page = text_of(admin.get(reverse("file_import", args=[again.pk])))
    assert "There is nothing to import." in page
    assert "Import for real" not in page


def test_what_kills_every_worker_is_given_up(admin, ada):
    one = tried(admin, uploaded(admin, CUSTOMERS))
    now = timezone.now()
    FileImport.objects.update(
        state=State.RUNNING, is_dry_run=False, started_at=now, seen_alive_at=now - timedelta(hours=1), attempts=3
    )
    actions.sweep_imports(now=now)
    one.refresh_from_db()
    assert (one.state, one.error) == (
        State.FAILED,
        "The worker died 3 times. Split the file, or import it on the server.",
    )
    assert "broke off" in Notification.objects.get().text


def test_a_file_that_has_vanished_fails_with_a_sentence(admin):
    one = uploaded(admin, CUSTOMERS)
    page = reverse("map_import", args=[one.pk])
    fields = {name: value for name, value in typed(admin.get(page)).items() if name != "preview"}
    admin.post(page, fields)
    one.file.storage.delete(one.file.name)
    failed = actions.work_out_import(one.pk)
    assert (failed.state, failed.error[:27]) == (State.FAILED, "The file cannot be read any")
    assert admin.get(reverse("import_report", args=[one.pk])).status_code == 404
    assert "Upload it again" in text_of(admin.get(page, follow=True))


def test_old_files_go_with_their_reports(admin, tmp_path):
    imported(admin, CUSTOMERS)
    assert list(tmp_path.rglob("imports/*.csv"))
    assert actions.forget_old_imports(now=timezone.now() + timedelta(days=91)) == 1
    assert not list(tmp_path.rglob("imports/*.csv"))
    assert not FileImport.objects.exists()


def test_file_of_whoever_was_killed_before_its_row_was_there_goes_too(admin):
    one = imported(admin, CUSTOMERS)
    storage = one.file.storage
    orphan = storage.save("imports/left.csv", ContentFile(b"name"))
    assert actions.forget_old_imports() == 0  # it may be about to be committed
    assert actions.forget_old_imports(now=timezone.now() + timedelta(days=2)) == 1
    assert not storage.exists(orphan) and storage.exists(one.file.name)


def test_list_of_imports_needs_as_many_queries_for_5_as_for_50(admin, ada):
    def make(number):
        FileImport.objects.bulk_create(
            FileImport(kind="jobs", file_name="x.csv", uploaded_by=ada, uploaded_at=timezone.now())
            for _ in range(number)
        )

    make(5)
    few = count_queries(admin)
    make(45)
    assert count_queries(admin) == few


def count_queries(client) -> int:
    with CaptureQueriesContext(connection) as captured:
        client.get(reverse("imports"))
    return len(captured)


def test_a_customer_who_was_imported_before_is_found_by_their_number(admin):
    CustomerFactory(name="Baker", external_id="C1")
    imported(admin, CUSTOMERS)
    assert Customer.objects.count() == 2
    assert Customer.objects.get(external_id="C1").name == "Bakery"


def test_reasons_name_fields_as_the_page_does():
    assert in_words("scheduled_on (When): is no date.", "jobs") == "Date (When): is no date."
    pair = "window_starts_at and window_ends_at: only one of the two is given."
    assert in_words(pair, "jobs") == "Time block from and time block to: only one of the two is given."
    assert in_words("the row has 3 cells.", "jobs") == "the row has 3 cells."
