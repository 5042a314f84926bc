import re

import pytest
import time_machine
from django.urls import reverse

from dispatch import actions
from dispatch.models import JobNote, Priority, Status
from tests.factories import make_job
from tests.pages import html_of, links_of, text_of

NOTE_BY_HTMX = {"HX-Request": "true", "HX-Target": "job-notes"}


@pytest.fixture
def job(omar, north, tess):
    return make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, description="No heat")


@pytest.fixture
def look(client, dana):
    client.force_login(dana)

    def get(name, job, headers=None):
        return client.get(reverse(name, args=[job.pk]), headers=headers)

    return get


def add_note(client, job, text, headers=None):
    return client.post(reverse("add_note", args=[job.pk]), {"text": text}, headers=headers)


@pytest.mark.parametrize("name", ["job", "job_drawer"])
def test_jobs_of_foreign_zones_are_not_found(look, omar, south, name):
    assert look(name, make_job(by=omar, zone=south)).status_code == 404


@pytest.mark.parametrize("name", ["job", "job_drawer"])
def test_jobs_that_do_not_exist_are_not_found(client, dana, name):
    client.force_login(dana)
    for pk in (999999, int("9" * 30)):
        assert client.get(reverse(name, args=[pk])).status_code == 404


@pytest.mark.parametrize("name", ["job", "job_drawer"])
def test_page_and_drawer_tell_what_there_is_to_know(look, job, omar, name):
    job.site.access_notes = "Gate 42"
    job.site.save()
    actions.add_note(job, "Bring the long ladder", by=omar)
    actions.hold_job(job, "Waiting for parts", by=omar)
    text = text_of(look(name, job))
    for part in (job.number, "No heat", job.customer.name, job.site.address, "Gate 42", "North", "Tess", "Normal"):
        assert part in text
    assert "Bring the long ladder" in text
    assert "On hold: Waiting for parts" in text
    assert "Assigned to Tess by Omar" in text


def test_closed_job_offers_only_what_can_still_be_done(look, omar, tess, north):
    done = make_job(Status.COMPLETED, by=omar, technician=tess, zone=north)
    links = links_of(look("job", done))
    assert reverse("change_status", args=[done.pk]) in links
    assert reverse("assign_job", args=[done.pk]) not in links
    assert reverse("hold_job", args=[done.pk]) not in links


def test_page_shows_who_edited_what_in_words(look, job, omar):
    changes = {"priority": Priority.URGENT, "duration_minutes": 90}
    actions.edit_job(job, changes, by=omar, base_version=job.version)
    text = text_of(look("job", job))
    assert "priority: Normal → Urgent" in text
    assert "duration in minutes: 60 → 90" in text


def test_page_lists_other_jobs_at_the_address_but_none_of_foreign_zones(look, job, omar, south):
    other = make_job(by=omar, site=job.site, description="Last year's visit")
    moved = make_job(by=omar, site=job.site, description="Filed under South")
    type(moved).objects.filter(pk=moved.pk).update(zone=south)
    text = text_of(look("job", job))
    assert other.number in text
    assert "Filed under South" not in text


def test_site_without_a_location_says_so_and_offers_to_pin_it(look, omar):
    text = text_of(look("job", make_job(by=omar)))
    assert "No location" in text
    assert "Pin it on the map" in text


@time_machine.travel("2026-11-18T15:00Z", tick=False)  # the clocks are told to the second
def test_fragment_of_the_page_is_contained_in_it(look, job):
    fragment = without_tokens(look("job", job, headers={"HX-Request": "true", "HX-Target": "job-content"}))
    assert fragment.startswith('<div id="job-content"')
    assert fragment in without_tokens(look("job", job))


def without_tokens(response) -> str:
    return re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]*', r"\1", html_of(response)).strip()


def test_drawer_and_page_refresh_themselves_from_their_own_addresses(look, job):
    drawer, page = look("job_drawer", job), look("job", job)
    assert f'hx-get="{reverse("job_drawer", args=[job.pk])}" hx-trigger="job-changed-{job.pk} from:body' in html_of(
        drawer
    )
    assert f'hx-get="{reverse("job", args=[job.pk])}" hx-trigger="job-changed from:body' in html_of(page)


def test_page_costs_the_same_queries_for_a_long_history(client, look, job, omar, django_assert_max_num_queries):
    look("job", job)
    for number in range(12):
        actions.add_note(job, f"Note {number}", by=omar)
        make_job(by=omar, site=job.site)
    with django_assert_max_num_queries(36):
        look("job", job)


# Notes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "   ", "x" * 4001])
def test_empty_and_endless_notes_are_refused(client, dana, job, text):
    client.force_login(dana)
    assert add_note(client, job, text, headers=NOTE_BY_HTMX).status_code == 422
    assert add_note(client, job, text).status_code == 302
    assert not JobNote.objects.exists()


def test_note_appears_with_its_author_and_the_field_is_empty_again(client, dana, job):
    client.force_login(dana)
    response = add_note(client, job, "Key is under the mat", headers=NOTE_BY_HTMX)
    assert "Dana Key is under the mat" in text_of(response)
    assert re.search(r"<textarea[^>]*></textarea>", html_of(response))
    assert JobNote.objects.get().author == dana


def test_note_without_htmx_leads_back_to_the_job(client, dana, job):
    client.force_login(dana)
    assert add_note(client, job, "Key is under the mat").url == reverse("job", args=[job.pk])
    assert "Key is under the mat" in text_of(client.get(reverse("job", args=[job.pk])))


def test_refresh_is_told_to_keep_the_note_being_typed(look, job):
    for name in ("job", "job_drawer"):
        assert re.search(rf'<textarea[^>]*id="note-{job.pk}"[^>]*hx-preserve', html_of(look(name, job)))


@pytest.mark.parametrize(("status", "is_offered"), [(Status.EN_ROUTE, True), (Status.IN_PROGRESS, False)])
@pytest.mark.parametrize("name", ["job", "job_drawer", "job_card", "board_list"])
def test_dispatcher_is_offered_to_reassign_only_before_the_work_begins(
    client, dana, omar, north, name, status, is_offered
):
    job = make_job(status, by=omar, zone=north)
    client.force_login(dana)
    response = client.get(reverse(name, args=[] if name == "board_list" else [job.pk]))
    assert job.number in text_of(response)
    assert (reverse("assign_job", args=[job.pk]) in links_of(response)) is is_offered
