import pytest
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions import SkillNeed
from dispatch.models import FieldChange, Job, Priority, Status
from technicians.models import Proficiency
from tests.factories import JobTypeFactory, SkillFactory, make_job
from tests.pages import html_of, text_of, typed


@pytest.fixture
def job(omar, north):
    return make_job(by=omar, zone=north, description="No heat", priority=Priority.NORMAL)


@pytest.fixture
def edit(client, dana, job):
    """`edit.open()` is the page as Dana sees it now, `edit.save(page, ...)` sends it back with some fields changed."""
    client.force_login(dana)
    return Editing(client, job)


class Editing:
    def __init__(self, client, job):
        self.client, self.job, self.url = client, job, reverse("edit_job", args=[job.pk])

    def open(self):
        return self.client.get(self.url)

    def save(self, page, **changes):
        return self.client.post(self.url, typed(page, **changes))


def now_is(job) -> Job:
    return Job.objects.get(pk=job.pk)


def skills_of(job) -> list[str]:
    return [str(need) for need in job.required_skills.order_by("skill__name")]


# Refused ------------------------------------------------------------------------------------------


def test_dispatcher_of_north_cannot_edit_in_south(client, dana, omar, south):
    foreign = make_job(by=omar, zone=south, description="As it was")
    client.force_login(dana)
    url = reverse("edit_job", args=[foreign.pk])
    assert client.get(url).status_code == 404
    assert client.post(url, {"description": "Mine now"}).status_code == 404
    assert now_is(foreign).description == "As it was"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duration_minutes": "0"}, "greater than or equal to 5"),
        ({"block_from": "10:00", "block_to": "09:00"}, "ends before it begins"),
        ({"scheduled_on": "", "planned_time": "10:00"}, "Choose the date that these times are on"),
        ({"is_fixed": "on"}, "needs a time block or a planned start"),
        ({"job_type": ""}, "This field is required"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_saved(edit, job, changes, said):
    response = edit.save(edit.open(), **changes)
    assert response.status_code == 422
    assert said in text_of(response)
    assert now_is(job).version == job.version
    assert not FieldChange.objects.exists()


def test_second_attempt_after_a_mistake_saves(edit, job):
    refused = edit.save(edit.open(), description="No heat at all", duration_minutes="0")
    assert typed(refused)["description"] == "No heat at all"
    assert edit.save(refused, duration_minutes="90").status_code == 302
    assert (now_is(job).description, now_is(job).duration_minutes) == ("No heat at all", 90)


# Saved --------------------------------------------------------------------------------------------


def test_form_shows_the_job_as_it_is(edit, job, omar):
    starts = timezone.localtime().replace(hour=9, minute=30, second=0, microsecond=0)
    actions.edit_job(job, {"planned_starts_at": starts, "is_fixed": True}, by=omar, base_version=job.version)
    fields = typed(edit.open())
    assert fields["description"] == "No heat"
    assert fields["planned_time"].startswith("09:30")
    assert fields["scheduled_on"] == job.scheduled_on.isoformat()
    assert (fields["priority"], fields["is_fixed"]) == ("2", "on")


def test_edited_fields_are_saved_and_logged_with_their_editor(edit, job, dana):
    response = edit.save(edit.open(), description="No heat at all", priority="4", block_from="08:00", block_to="10:00")
    assert response.url == reverse("job", args=[job.pk])
    job = now_is(job)
    assert (job.description, job.priority) == ("No heat at all", Priority.URGENT)
    assert f"{timezone.localtime(job.window_starts_at):%H:%M}" == "08:00"
    change = FieldChange.objects.get()
    assert change.actor == dana
    assert change.changes["priority"] == ["Normal", "Urgent"]
    assert set(change.changes) == {"description", "priority", "window_starts_at", "window_ends_at"}


def test_saving_without_a_change_changes_nothing(edit, job):
    assert edit.save(edit.open()).status_code == 302
    assert now_is(job).version == job.version
    assert not FieldChange.objects.exists()


def test_moving_the_date_takes_the_times_along(edit, job):
    edit.save(edit.open(), planned_time="09:30", block_from="09:00", block_to="11:00")
    edit.save(edit.open(), scheduled_on="2026-07-01")
    job = now_is(job)
    local = [timezone.localtime(at) for at in (job.planned_starts_at, job.window_starts_at, job.window_ends_at)]
    assert [f"{at:%m-%d %H:%M}" for at in local] == ["07-01 09:30", "07-01 09:00", "07-01 11:00"]


def test_times_can_be_emptied(edit, job):
    edit.save(edit.open(), planned_time="09:30", block_from="09:00", block_to="11:00", is_fixed="on")
    edit.save(edit.open(), planned_time="", block_from="", block_to="", is_fixed=None)
    job = now_is(job)
    assert (job.planned_starts_at, job.window_starts_at, job.window_ends_at, job.is_fixed) == (None, None, None, False)


def test_type_that_is_no_longer_offered_stays_on_its_job(edit, job):
    job.job_type.is_active = False
    job.job_type.save()
    other = JobTypeFactory(name="Retired", is_active=False)
    page = edit.open()
    assert typed(page)["job_type"] == str(job.job_type_id)
    assert edit.save(page, description="Still a repair").status_code == 302
    assert edit.save(page, job_type=other.pk).status_code == 422


def test_status_technician_and_customer_cannot_be_edited(edit, job, tess, tom):
    other = make_job(by=edit.job.created_by)
    edit.save(
        edit.open(),
        status="completed",
        technician=tom.pk,
        customer=other.customer_id,
        site=other.site_id,
        zone="",
        description="Changed",
    )
    after = now_is(job)
    assert after.description == "Changed"
    assert (after.status, after.technician) == (Status.CREATED, None)
    assert (after.customer, after.site, after.zone) == (job.customer, job.site, job.zone)


# Two dispatchers ----------------------------------------------------------------------------------


def test_old_form_does_not_overwrite_what_its_user_left_alone(edit, job, omar):
    page = edit.open()
    actions.edit_job(
        job, {"priority": Priority.URGENT, "duration_minutes": 200}, by=omar, base_version=now_is(job).version
    )
    assert edit.save(page, description="No heat at all").status_code == 302
    job = now_is(job)
    assert (job.description, job.priority, job.duration_minutes) == ("No heat at all", Priority.URGENT, 200)


def test_same_field_asks_first_and_keeps_what_was_typed(edit, job, omar):
    page = edit.open()
    actions.edit_job(job, {"description": "Omar's words"}, by=omar, base_version=now_is(job).version)
    response = edit.save(page, description="Dana's words", duration_minutes="75")
    assert response.status_code == 409
    assert "Omar changed the same fields while you were editing" in text_of(response)
    assert "from “No heat” to “Omar's words”" in text_of(response)
    assert "Save mine anyway" in text_of(response)
    assert (typed(response)["description"], typed(response)["duration_minutes"]) == ("Dana's words", "75")
    assert (now_is(job).description, now_is(job).duration_minutes) == ("Omar's words", 60)


def test_save_mine_anyway_overwrites_that_field_only(edit, job, omar):
    page = edit.open()
    theirs = {"description": "Omar's words", "priority": Priority.URGENT}
    actions.edit_job(job, theirs, by=omar, base_version=now_is(job).version)
    asked = edit.save(page, description="Dana's words")
    assert edit.save(asked).status_code == 302
    assert (now_is(job).description, now_is(job).priority) == ("Dana's words", Priority.URGENT)


def test_save_mine_anyway_asks_again_when_it_changed_again(edit, job, omar):
    page = edit.open()
    actions.edit_job(job, {"description": "Omar's words"}, by=omar, base_version=now_is(job).version)
    asked = edit.save(page, description="Dana's words")
    actions.edit_job(job, {"description": "Omar's second thought"}, by=omar, base_version=now_is(job).version)
    again = edit.save(asked)
    assert again.status_code == 409
    assert "Omar's second thought" in text_of(again)


def test_the_same_new_value_is_no_conflict(edit, job, omar):
    page = edit.open()
    actions.edit_job(job, {"description": "Boiler"}, by=omar, base_version=now_is(job).version)
    assert edit.save(page, description="Boiler").status_code == 302


def test_time_moved_by_another_on_another_day_is_asked_about(edit, job, omar):
    edit.save(edit.open(), planned_time="09:00")
    page = edit.open()
    later = now_is(job).planned_starts_at.replace(minute=45)
    actions.edit_job(job, {"planned_starts_at": later}, by=omar, base_version=now_is(job).version)
    response = edit.save(page, scheduled_on="2026-07-01")
    assert response.status_code == 409
    assert "planned start from" in text_of(response)


def test_page_that_lost_its_version_is_treated_as_the_oldest(edit, job, omar):
    page = edit.open()
    actions.edit_job(job, {"description": "Omar's words"}, by=omar, base_version=now_is(job).version)
    assert edit.save(page, description="Dana's words", version=None).status_code == 409


# Skills -------------------------------------------------------------------------------------------


def test_skills_are_saved_and_logged(edit, job):
    hvac = SkillFactory(name="HVAC")
    edit.save(edit.open(), **{f"skill_{hvac.pk}": Proficiency.EXPERT})
    assert skills_of(job) == ["HVAC from Expert"]
    assert "HVAC" in str(FieldChange.objects.get().changes)
    edit.save(edit.open(), **{f"skill_{hvac.pk}": ""})
    assert skills_of(job) == []


def test_skills_that_two_dispatchers_change_beside_each_other_both_stay(edit, job, omar):
    hvac, plumbing = SkillFactory(name="HVAC"), SkillFactory(name="Plumbing")
    page = edit.open()
    needs = [SkillNeed(plumbing.pk, Proficiency.BEGINNER)]
    actions.edit_job(job, {}, skills=needs, by=omar, base_version=now_is(job).version)
    assert edit.save(page, **{f"skill_{hvac.pk}": Proficiency.EXPERT}).status_code == 302
    assert skills_of(job) == ["HVAC from Expert", "Plumbing from Beginner"]


def test_skill_that_both_change_is_asked_about(edit, job, omar):
    hvac, plumbing = SkillFactory(name="HVAC"), SkillFactory(name="Plumbing")
    page = edit.open()
    needs = [SkillNeed(hvac.pk, Proficiency.BEGINNER), SkillNeed(plumbing.pk, Proficiency.BEGINNER)]
    actions.edit_job(job, {}, skills=needs, by=omar, base_version=now_is(job).version)
    asked = edit.save(page, **{f"skill_{hvac.pk}": Proficiency.EXPERT})
    assert asked.status_code == 409
    assert "Omar changed" in text_of(asked)
    assert edit.save(asked).status_code == 302
    assert skills_of(job) == ["HVAC from Expert", "Plumbing from Beginner"]


def test_old_form_leaves_the_skills_of_others_alone(edit, job, omar):
    hvac = SkillFactory(name="HVAC")
    page = edit.open()
    needs = [SkillNeed(hvac.pk, Proficiency.BEGINNER)]
    actions.edit_job(job, {}, skills=needs, by=omar, base_version=now_is(job).version)
    edit.save(page, description="Changed")
    assert skills_of(job) == ["HVAC from Beginner"]


def test_inactive_skill_that_the_job_needs_stays_choosable(edit, job, omar):
    hvac = SkillFactory(name="HVAC")
    needs = [SkillNeed(hvac.pk, Proficiency.BEGINNER)]
    actions.edit_job(job, {}, skills=needs, by=omar, base_version=now_is(job).version)
    hvac.is_active = False
    hvac.save()
    assert f'name="skill_{hvac.pk}"' in html_of(edit.open())
    edit.save(edit.open(), description="Changed")
    assert skills_of(job) == ["HVAC from Beginner"]
