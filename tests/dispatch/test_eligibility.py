from datetime import date, datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from dispatch import actions
from dispatch.actions import SkillNeed
from dispatch.models import Job, Status
from dispatch.smart.candidates import candidates_for
from dispatch.smart.eligibility import HeldSkill, NeededSkill, Needs, Qualification, reasons_against
from technicians.models import Proficiency, TechnicianSkill, TimeOff
from tests.factories import SkillFactory, TechnicianFactory, make_job
from tests.pages import text_of

DAY = date(2026, 3, 2)
ABLE = Qualification(
    zone_ids=frozenset({1}), skills={7: HeldSkill(Proficiency.ADVANCED)}, jobs_that_day=0, daily_maximum=8
)
NEEDS = Needs(day=DAY, zone_id=1, zone_name="North", skills=(NeededSkill(7, "HVAC", Proficiency.ADVANCED),))


def changed(original, **values):
    return type(original)(**{**vars(original), **values})


def texts(needs, has) -> list[str]:
    return [objection.text for objection in reasons_against(needs, has)]


# Each objection is a sentence ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("has", "kind", "text"),
    [
        ({"skills": {}}, "skill", "Lacks HVAC Advanced"),
        (
            {"skills": {7: HeldSkill(Proficiency.BEGINNER)}},
            "skill",
            "HVAC Beginner only, HVAC Advanced needed",
        ),
        (
            {"skills": {7: HeldSkill(Proficiency.EXPERT, DAY - timedelta(days=1))}},
            "skill",
            "HVAC certificate expired 01 Mar 2026",
        ),
        ({"zone_ids": frozenset({2})}, "zone", "Does not cover North"),
        ({"zone_ids": frozenset()}, "zone", "Does not cover North"),
        ({"off_reason": "Vacation"}, "time_off", "Vacation"),
        ({"jobs_that_day": 8}, "day_full", "Day is full: 8 of 8 jobs"),
        ({"jobs_that_day": 9}, "day_full", "Day is full: 9 of 8 jobs"),
    ],
)
def test_each_objection_is_a_sentence(has, kind, text):
    (objection,) = reasons_against(NEEDS, changed(ABLE, **has))
    assert (objection.kind, objection.text) == (kind, text)


def test_nothing_speaks_against_who_is_able():
    assert texts(NEEDS, ABLE) == []


def test_certificate_counts_on_its_last_day():
    assert texts(NEEDS, changed(ABLE, skills={7: HeldSkill(Proficiency.ADVANCED, DAY)})) == []


def test_job_in_no_zone_is_anyones():
    assert texts(changed(NEEDS, zone_id=None), changed(ABLE, zone_ids=frozenset())) == []


def test_all_objections_are_given_and_not_only_the_first():
    needs = changed(NEEDS, skills=(*NEEDS.skills, NeededSkill(8, "Gas", Proficiency.BEGINNER)))
    unable = Qualification(
        zone_ids=frozenset(), skills={}, jobs_that_day=3, daily_maximum=3, off_reason="Called out sick"
    )
    assert len(texts(needs, unable)) == 5


# Properties ---------------------------------------------------------------------------------------

levels = st.sampled_from(list(Proficiency))
skill_ids = st.integers(1, 4)
held = st.builds(HeldSkill, levels, st.none() | st.dates(DAY - timedelta(days=3), DAY + timedelta(days=3)))
qualifications = st.builds(
    Qualification,
    zone_ids=st.frozensets(st.integers(1, 3)),
    skills=st.dictionaries(skill_ids, held),
    jobs_that_day=st.integers(0, 4),
    daily_maximum=st.integers(1, 4),
    off_reason=st.sampled_from(["", "Vacation"]),
)
all_needs = st.builds(
    Needs,
    day=st.just(DAY),
    zone_id=st.none() | st.integers(1, 3),
    zone_name=st.just("Somewhere"),
    skills=st.lists(st.builds(NeededSkill, skill_ids, st.just("HVAC"), levels), unique_by=lambda s: s.skill_id).map(
        tuple
    ),
)


@given(all_needs, qualifications, skill_ids, levels)
def test_one_more_skill_or_level_never_speaks_against_anyone(needs, has, skill_id, level):
    before = has.skills.get(skill_id)
    better = HeldSkill(max(level, before.level), before.certificate_expires_on) if before else HeldSkill(level)
    after = changed(has, skills=has.skills | {skill_id: better})
    assert len(reasons_against(needs, after)) <= len(reasons_against(needs, has))


@given(all_needs, qualifications)
def test_asking_for_less_never_speaks_against_anyone(needs, has):
    assert len(reasons_against(changed(needs, skills=needs.skills[1:]), has)) <= len(reasons_against(needs, has))


@given(all_needs, qualifications)
def test_every_objection_says_something(needs, has):
    assert all(objection.text.strip() for objection in reasons_against(needs, has))


# The candidates for a job -------------------------------------------------------------------------


@pytest.fixture
def job(omar, north):
    hvac = SkillFactory(name="HVAC")
    return make_job(by=omar, zone=north, skills=[SkillNeed(hvac.pk, Proficiency.ADVANCED)])


def teach(technician, level=Proficiency.ADVANCED, **values):
    return TechnicianSkill.objects.create(technician=technician, skill=SkillFactory(name="HVAC"), level=level, **values)


def objections_to(job, technician, user) -> list[str]:
    found = {candidate.technician: candidate.objections for candidate in candidates_for(job, user=user)}
    return [objection.text for objection in found[technician]]


def test_dispatcher_is_shown_only_technicians_she_may_see(job, dana, tess, tom):
    assert [candidate.technician for candidate in candidates_for(job, user=dana)] == [tess]


def test_former_technicians_are_no_candidates(job, omar, tess, tom):
    tess.is_active = False
    tess.save()
    tom.user.is_active = False
    tom.user.save()
    assert candidates_for(job, user=omar) == []


def test_reasons_come_from_what_is_stored(job, omar, tess, tom):
    assert objections_to(job, tess, omar) == ["Lacks HVAC Advanced"]
    teach(tom, certificate_expires_on=job.scheduled_on - timedelta(days=1))
    first, second = objections_to(job, tom, omar)
    assert first.startswith("HVAC certificate expired")
    assert second == "Does not cover North"
    teach(tess)
    assert objections_to(job, tess, omar) == []


def midnight(day) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def test_time_off_counts_when_it_takes_the_day_of_the_job(job, omar, tess):
    teach(tess)
    day = midnight(job.scheduled_on)
    off = TimeOff.objects.create(
        technician=tess, kind="sick", starts_at=day - timedelta(days=2), ends_at=day + timedelta(days=1)
    )
    assert objections_to(job, tess, omar) == ["Called out sick"]
    off.ends_at = day
    off.save()
    assert objections_to(job, tess, omar) == []


def test_jobs_of_that_day_count_but_no_cancelled_ones(job, omar, tess):
    teach(tess)
    tess.daily_maximum = 1
    tess.save()
    make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=job.scheduled_on + timedelta(days=1))
    cancelled = make_job(Status.ASSIGNED, by=omar, technician=tess, scheduled_on=job.scheduled_on)
    assert objections_to(job, tess, omar) == ["Day is full: 1 of 1 jobs"]
    actions.change_status(cancelled, Status.CANCELLED, by=omar, note="Not needed")
    assert objections_to(job, tess, omar) == []


def test_job_that_the_technician_has_already_does_not_fill_their_day(job, omar, tess):
    teach(tess)
    tess.daily_maximum = 1
    tess.save()
    actions.assign_job(job, tess, by=omar)
    assert objections_to(Job.objects.get(pk=job.pk), tess, omar) == []


def test_best_candidates_come_first(job, omar, north):
    def technician(name, **fields):
        return TechnicianFactory(user__username=name, zones=[north], **fields)

    unskilled, busy, resting, ready = (technician(name) for name in ("una", "bob", "ray", "pia"))
    for skilled in (busy, resting, ready):
        teach(skilled)
    for working in (unskilled, busy, ready):
        actions.clock_in(working)
    make_job(Status.ASSIGNED, by=omar, technician=busy)
    assert [candidate.technician for candidate in candidates_for(job, user=omar)] == [ready, busy, resting, unskilled]


def test_dialog_shows_objections_and_still_lets_the_dispatcher_decide(client, job, dana, tess):
    client.force_login(dana)
    url = reverse("assign_job", args=[job.pk])
    assert "▲ Lacks HVAC Advanced" in text_of(client.get(url))
    assert client.post(url, {"technician": tess.pk, "seen": job.seen}).status_code == 302
    assert Job.objects.get(pk=job.pk).technician == tess


def test_candidates_cost_the_same_queries_for_5_and_30_technicians(client, job, omar, north):
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("assign_job", args=[job.pk])).status_code == 200
        return len(captured)

    def hire(count):
        for _ in range(count):
            technician = TechnicianFactory(zones=[north])
            teach(technician)
            make_job(Status.ASSIGNED, by=omar, technician=technician)

    client.force_login(omar)
    hire(5)
    queries()
    few = queries()
    hire(25)
    assert queries() == few <= 25


@pytest.mark.parametrize(("technicians", "offered"), [(12, False), (13, True)])
def test_long_lists_of_candidates_can_be_filtered(client, job, omar, north, technicians, offered):
    for _ in range(technicians):
        TechnicianFactory(zones=[north])
    client.force_login(omar)
    page = client.get(reverse("assign_job", args=[job.pk]))
    assert ("data-candidate-filter" in page.content.decode()) is offered
