import random
from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions, realtime
from dispatch.actions import ActionRefused, SkillNeed
from dispatch.day.redistribution import Task, share_out
from dispatch.models import BoardAction, DispatchSettings, Job, Priority, Status
from dispatch.placement import Placement, judge
from dispatch.smart.bulk_candidates import bulk_candidates_for
from dispatch.smart.calling import When
from dispatch.smart.candidates import Team, candidates_for, candidates_for_jobs
from dispatch.smart.facts import needs_of
from dispatch.smart.matches import load_matches
from technicians.models import Break, ClockRecord, OnCall, Technician, TechnicianSkill, TimeOff, WorkingHours
from tests.factories import JobTypeFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of

HTMX = {"HX-Request": "true"}


@pytest.fixture
def noon(time_machine):
    """It is that now: what is predicted while a day is put together is not of another hour."""
    noon = timezone.make_aware(datetime.combine(timezone.localdate(), time(12)))
    time_machine.move_to(noon)
    return noon


@pytest.fixture
def tomorrow():
    return timezone.localdate() + timedelta(days=1)


def at(day, hour, minute=0):
    return timezone.make_aware(datetime.combine(day, time(hour, minute)))


def works(technician, *, starts=8, ends=17):
    for weekday in range(7):
        WorkingHours.objects.create(technician=technician, weekday=weekday, starts_at=time(starts), ends_at=time(ends))
    return technician


def found_for(job, technician, *, user=None, now=None):
    return next(c for c in candidates_for(job, user=user, now=now) if c.technician == technician)


def texts(job, technician, **values) -> list[str]:
    return [objection.text for objection in found_for(job, technician, **values).objections]


# What is stored reaches the score -----------------------------------------------------------------


def test_candidate_says_the_score_in_one_sentence(omar, north, tess, tomorrow):
    works(tess)
    first = make_job(
        Status.ASSIGNED, by=omar, technician=tess, zone=north, scheduled_on=tomorrow, planned_starts_at=at(tomorrow, 8)
    )
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow, priority=Priority.LOW)
    found = found_for(job, tess)
    assert found.starts_at == at(tomorrow, 9)
    assert found.sentence == (
        f"Tess {found.score.total}: no skill needed; 0.0 km, 0 min from job {first.number}; free from 09:00; "
        "1 of 8 jobs (1 h of 9 h); sets off 09:00, within the response target"
    )
    assert found.is_eligible


def test_dispatcher_does_not_learn_of_a_job_in_another_zone(omar, dana, north, south, tess, tomorrow):
    works(tess)
    tess.zones.add(south)
    leak = make_job(
        Status.ASSIGNED, by=omar, technician=tess, zone=south, scheduled_on=tomorrow, planned_starts_at=at(tomorrow, 8)
    )
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    assert leak.number in found_for(job, tess, user=omar).sentence
    sentence = found_for(job, tess, user=dana).sentence
    assert "from a job in another zone" in sentence
    assert leak.number not in sentence


def test_weights_are_taken_from_the_settings(omar, north, tess, tomorrow):
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    settings = DispatchSettings.load()
    settings.skill_weight, settings.proximity_weight = 0, 100
    settings.save()
    out_of = {factor.kind: factor.out_of for factor in found_for(job, tess).score.factors}
    assert out_of["skill"] == 0
    assert sum(out_of.values()) == 100


def test_fresh_fix_counts_and_an_old_one_does_not(omar, north, tess, noon):
    works(tess)
    job = make_job(by=omar, zone=north)
    Technician.objects.filter(pk=tess.pk).update(latitude=40.1, longitude=-75.1, position_at=noon)
    assert "from current position" in found_for(job, tess, now=noon + timedelta(minutes=15)).sentence
    assert "from home" in found_for(job, tess, now=noon + timedelta(minutes=16)).sentence


def test_who_has_not_clocked_in_is_no_candidate_while_the_shift_runs(omar, north, tess, noon):
    works(tess)
    job = make_job(by=omar, zone=north)
    assert texts(job, tess, now=noon) == ["Not clocked in, though the shift began at 08:00"]
    assert texts(job, tess, now=noon - timedelta(hours=5)) == []
    ClockRecord.objects.create(technician=tess, clocked_in_at=noon - timedelta(hours=4))
    assert texts(job, tess, now=noon) == []


def test_break_delays_and_does_not_exclude(omar, north, tess, noon):
    works(tess)
    record = ClockRecord.objects.create(technician=tess, clocked_in_at=noon - timedelta(hours=4))
    Break.objects.create(clock_record=record, began_at=noon - timedelta(minutes=10))
    found = found_for(make_job(by=omar, zone=north), tess, now=noon)
    assert found.is_eligible
    assert "free from 12:20" in found.sentence


def test_on_call_is_asked_for_urgent_jobs_only(omar, north, tess, noon):
    works(tess)
    night = noon + timedelta(hours=8)
    OnCall.objects.create(technician=tess, starts_at=noon + timedelta(hours=6), ends_at=noon + timedelta(hours=11))
    normal, urgent = (make_job(by=omar, zone=north, priority=p) for p in (Priority.NORMAL, Priority.URGENT))
    assert texts(normal, tess, now=night) == ["The shift ended at 17:00"]
    assert texts(urgent, tess, now=night) == []


def test_candidates_for_many_are_those_for_each(omar, north, tess, tomorrow):
    works(tess)
    jobs = [
        make_job(by=omar, zone=north, scheduled_on=tomorrow + timedelta(days=n % 2), duration_minutes=30 + 10 * n)
        for n in range(4)
    ]
    make_job(
        Status.ASSIGNED, by=omar, technician=tess, zone=north, scheduled_on=tomorrow, planned_starts_at=at(tomorrow, 8)
    )
    now = timezone.now()
    together = candidates_for_jobs(jobs, user=None, now=now)
    assert together == {job.pk: candidates_for(job, user=None, now=now) for job in jobs}


def test_many_jobs_cost_the_queries_of_one(omar, north, tomorrow):
    def queries(jobs) -> int:
        with CaptureQueriesContext(connection) as captured:
            candidates_for_jobs(jobs, user=None)
        return len(captured)

    for _ in range(5):
        works(TechnicianFactory(zones=[north]))
    jobs = [make_job(by=omar, zone=north, scheduled_on=tomorrow) for _ in range(20)]
    ids = [job.pk for job in jobs]
    queries(jobs[:1])
    few = queries(list(Job.objects.filter(pk=ids[0])))
    for _ in range(10):
        works(TechnicianFactory(zones=[north]))
    assert queries(list(Job.objects.filter(pk__in=ids))) == few


# The same verdict everywhere ----------------------------------------------------------------------


def test_form_drag_batch_and_handover_give_the_same_verdict(omar, north, south, tomorrow):
    rng = random.Random(4)
    skills = [SkillFactory(name=name) for name in ("HVAC", "Gas")]
    team = []
    for n in range(8):
        technician = TechnicianFactory(
            user__username=f"t{n}", zones=rng.sample([north, south], rng.randint(0, 2)), daily_maximum=rng.randint(1, 3)
        )
        for skill in rng.sample(skills, rng.randint(0, 2)):
            TechnicianSkill.objects.create(technician=technician, skill=skill, level=rng.randint(1, 4))
        if rng.random() < 0.7:
            works(technician, starts=rng.randint(6, 11), ends=rng.randint(14, 18))
        if rng.random() < 0.2:
            TimeOff.objects.create(technician=technician, starts_at=at(tomorrow, 0), ends_at=at(tomorrow, 23))
        for _ in range(rng.randint(0, 2)):
            start = at(tomorrow, rng.randint(8, 15))
            make_job(Status.ASSIGNED, by=omar, technician=technician, scheduled_on=tomorrow, planned_starts_at=start)
        team.append(technician)
    for n in range(8):
        window = {"window_starts_at": at(tomorrow, 9), "window_ends_at": at(tomorrow, 12)} if n % 3 == 0 else {}
        starts_at = at(tomorrow, rng.randint(7, 16)) if n % 2 else None
        needs = [SkillNeed(skill.pk, rng.randint(1, 4)) for skill in rng.sample(skills, rng.randint(0, 2))]
        job = make_job(
            by=omar,
            zone=rng.choice([north, south]),
            scheduled_on=tomorrow,
            planned_starts_at=starts_at,
            skills=needs,
            priority=rng.choice(Priority.values),
            **window,
        )
        assert_one_verdict(job, team, starts_at, user=omar)


def assert_one_verdict(job, team, starts_at, *, user):
    day, now = job.scheduled_on, timezone.now()
    form = {c.technician: [o.kind for o in c.objections] for c in candidates_for(job, user=user, now=now)}
    batch = {b.technician: b.doubtful for b in bulk_candidates_for([job], user=user)}
    everybody = Team.load([day], user=user, now=now)
    (shared,) = share_out([Task(job, needs_of(job, day=day, starts_at=starts_at, now=now))], everybody)
    handover = {found.technician.pk: [o.kind for o in found.objections] for found in shared.candidates}
    for technician in team:
        drag = judge(job, Placement(technician, day, starts_at), by=user)
        assert form[technician] == [o.kind for o in drag.objections] == handover[technician.pk]
        assert bool(form[technician]) == bool(batch[technician])


def test_order_of_the_technicians_changes_nothing(omar, north, tomorrow):
    for name in ("cy", "al", "bo"):
        TechnicianFactory(user__username=name, zones=[north])
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    assert [str(c.technician) for c in candidates_for(job, user=omar)] == ["Al", "Bo", "Cy"]


# Called to an urgent job --------------------------------------------------------------------------


@pytest.fixture
def busy(omar, north, tess, noon):
    """Tess is in the middle of one job, with two more to come."""
    works(tess, starts=0, ends=23)
    actions.clock_in(tess)
    day = noon.date()
    current = make_job(
        Status.IN_PROGRESS, by=omar, technician=tess, zone=north, planned_starts_at=noon - timedelta(minutes=30)
    )
    Job.objects.filter(pk=current.pk).update(started_at=noon - timedelta(minutes=30))
    later = [
        make_job(Status.ASSIGNED, by=omar, technician=tess, zone=north, planned_starts_at=at(day, hour))
        for hour in (13, 18)
    ]
    return Job.objects.get(pk=current.pk), *later


@pytest.fixture
def urgent(omar, north):
    return make_job(by=omar, zone=north, priority=Priority.URGENT)


def again(job) -> Job:
    return Job.objects.get(pk=job.pk)


def test_called_now_interrupts_what_is_under_way(busy, urgent, omar, tess, noon):
    current, soon, evening = busy
    before = BoardAction.objects.count()
    job = actions.call_to_job(urgent, tess, when=When.NOW, by=omar, now=noon)
    assert (job.status, job.technician, job.planned_starts_at) == (Status.ASSIGNED, tess, noon)
    assert again(current).status == Status.ASSIGNED
    assert current.status_changes.order_by("-pk")[0].note == f"Called to urgent job {job.number}"
    assert again(current).planned_starts_at == noon + timedelta(hours=1)
    assert again(soon).planned_starts_at == noon + timedelta(hours=2)
    assert again(evening).planned_starts_at == evening.planned_starts_at
    assert BoardAction.objects.count() == before + 1


def test_called_now_is_undone_in_one_step(busy, urgent, omar, tess, noon):
    current, soon, _ = busy
    actions.call_to_job(urgent, tess, when=When.NOW, by=omar, now=noon)
    actions.undo_action(actions.last_to_undo(omar), by=omar, now=noon + timedelta(seconds=5))
    assert (again(urgent).status, again(urgent).technician) == (Status.CREATED, None)
    assert again(current).status == Status.IN_PROGRESS
    assert again(soon).planned_starts_at == soon.planned_starts_at


def test_called_after_the_current_job_leaves_it_alone(busy, urgent, omar, tess, noon):
    current, soon, _ = busy
    job = actions.call_to_job(urgent, tess, when=When.AFTER, by=omar, now=noon)
    assert again(current).status == Status.IN_PROGRESS
    assert job.planned_starts_at >= noon + timedelta(minutes=30)
    assert again(soon).planned_starts_at == job.planned_starts_at + timedelta(hours=1)


def test_new_urgent_job_is_put_before_what_is_to_come_and_undone_as_one(busy, omar, north, tess, noon, job_type):
    current, soon, _ = busy
    before = BoardAction.objects.count()
    job = actions.create_job(
        customer=current.customer,
        site=SiteFactory(customer=current.customer, zone=north),
        job_type=job_type,
        priority=Priority.URGENT,
        scheduled_on=noon.date(),
        duration_minutes=60,
        technician=tess,
        proposed_start=noon + timedelta(minutes=5),
        by=omar,
        now=noon,
    )
    assert (job.technician, again(current).status) == (tess, Status.IN_PROGRESS)
    assert job.planned_starts_at >= noon + timedelta(minutes=30)
    assert again(soon).planned_starts_at == job.planned_starts_at + timedelta(hours=1)
    assert BoardAction.objects.count() == before + 1
    assert actions.last_to_undo(omar).label == f"Created {job.number}"


def test_called_from_the_road_turns_back(urgent, omar, north, tess, noon):
    far = make_job(Status.EN_ROUTE, by=omar, technician=tess, zone=north)
    actions.call_to_job(urgent, tess, when=When.NOW, by=omar, now=noon + timedelta(days=1))
    assert again(far).status == Status.ASSIGNED


def test_fixed_appointment_is_not_shifted_by_a_call(busy, urgent, omar, tess, noon):
    _, soon, _ = busy
    Job.objects.filter(pk=soon.pk).update(is_fixed=True)
    actions.call_to_job(urgent, tess, when=When.NOW, by=omar, now=noon)
    assert again(soon).planned_starts_at == soon.planned_starts_at


def test_one_call_is_one_event(busy, urgent, omar, tess, noon, monkeypatch):
    published = []
    monkeypatch.setattr(realtime, "publish", lambda event, **data: published.append((event, data.get("jobs"))))
    actions.call_to_job(urgent, tess, when=When.NOW, by=omar, now=noon)
    changed = [jobs for event, jobs in published if event == "job-changed"]
    assert len(changed) == 1
    assert {urgent.pk, busy[0].pk, busy[1].pk} <= set(changed[0])


def test_dispatcher_cannot_interrupt_a_job_in_another_zone(dana, omar, south, tess, urgent, noon):
    leak = make_job(Status.IN_PROGRESS, by=omar, technician=tess, zone=south)
    with pytest.raises(ActionRefused, match="on a job in another zone") as refused:
        actions.call_to_job(urgent, tess, when=When.NOW, by=dana)
    assert leak.number not in refused.value.reason
    assert again(leak).status == Status.IN_PROGRESS
    assert actions.call_to_job(urgent, tess, when=When.AFTER, by=dana).technician == tess


def test_second_dispatcher_who_calls_is_told_the_truth(client, dana, omar, tess, urgent, north):
    uma = TechnicianFactory(user__username="uma", zones=[north])
    seen = urgent.seen
    actions.assign_job(urgent, uma, by=omar)
    client.force_login(dana)
    response = client.post(
        reverse("call_to_job", args=[urgent.pk]), {"call": f"now.{tess.pk}", "seen": seen}, headers=HTMX
    )
    assert response.status_code == 409
    assert "This has changed since you looked" in text_of(response)
    assert again(urgent).technician == uma


@pytest.mark.parametrize("call", ["", "now", "now.x", "later.1", "now.999999", "now.-1", ".1"])
def test_odd_calls_get_an_answer_and_not_a_crash(client, dana, urgent, call):
    client.force_login(dana)
    assert client.post(reverse("call_to_job", args=[urgent.pk]), {"call": call}, headers=HTMX).status_code == 422


def test_dispatcher_cannot_call_whom_she_cannot_see(client, dana, tom, urgent):
    client.force_login(dana)
    url = reverse("call_to_job", args=[urgent.pk])
    assert client.post(url, {"call": f"now.{tom.pk}"}, headers=HTMX).status_code == 422
    assert again(urgent).technician is None


def test_score_and_effect_tell_the_same_delay(busy, urgent, omar, tess, noon):
    urgent = Job.objects.with_board_info().get(pk=urgent.pk)
    (match,) = load_matches(urgent, user=omar, now=noon).all
    assert "delays 1 job by 30 min" in match.candidate.sentence
    assert match.effect.on_the_route.startswith("Delays 1 stop by 30 min")
    assert [(call.when, call.starts_at) for call in match.calls] == [
        (When.NOW, noon),
        (When.AFTER, noon + timedelta(minutes=30)),
    ]
    assert match.starts_at == noon + timedelta(minutes=30)


def test_block_of_a_stop_that_would_be_broken_is_named_to_whoever_may_know(
    busy, urgent, omar, dana, north, south, tess, noon
):
    site = SiteFactory(latitude=39.9, longitude=-75.1)
    leak = make_job(
        Status.ASSIGNED,
        by=omar,
        technician=tess,
        site=site,
        planned_starts_at=noon + timedelta(hours=1, minutes=5),
        window_starts_at=noon,
        window_ends_at=noon + timedelta(hours=1, minutes=10),
    )
    urgent = Job.objects.with_board_info().get(pk=urgent.pk)
    (omars,) = [m for m in load_matches(urgent, user=omar, now=noon).all if m.technician == tess]
    (danas,) = [m for m in load_matches(urgent, user=dana, now=noon).all if m.technician == tess]
    assert f"makes {leak.number} " in omars.effect.on_the_route
    assert "makes a job in another zone " in danas.effect.on_the_route
    assert leak.number not in danas.effect.on_the_route


# The dialog ---------------------------------------------------------------------------------------


def test_best_match_is_chosen_already_and_who_is_excluded_comes_last(client, dana, omar, north, tess, tomorrow):
    works(tess)
    away = works(TechnicianFactory(user__username="abe", zones=[north]))
    TimeOff.objects.create(technician=away, starts_at=at(tomorrow, 0), ends_at=at(tomorrow, 23))
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    client.force_login(dana)
    page = client.get(reverse("assign_job", args=[job.pk]))
    assert f'value="{tess.pk}" required  checked' in html_of(page)
    assert text_of(page).index("Tess") < text_of(page).index("▲ Vacation")


def test_who_is_assigned_with_one_click_begins_as_shown(client, dana, omar, north, tess, tomorrow):
    works(tess)
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    client.force_login(dana)
    shown = found_for(job, tess, user=dana).starts_at
    data = {"technician": tess.pk, "seen": job.seen, "plan": "1", f"start-{tess.pk}": shown.isoformat()}
    assert client.post(reverse("assign_job", args=[job.pk]), data, headers=HTMX).status_code == 204
    assert (again(job).technician, again(job).planned_starts_at) == (tess, shown)


@pytest.mark.parametrize("start", ["", "soon", "2026-13-45T99:00", "2020-01-01T10:00:00Z", "2026-03-02T10:00"])
def test_start_that_makes_no_sense_is_left_out(client, dana, omar, north, tess, start):
    job = make_job(by=omar, zone=north)
    client.force_login(dana)
    data = {"technician": tess.pk, "plan": "1", f"start-{tess.pk}": start}
    assert client.post(reverse("assign_job", args=[job.pk]), data, headers=HTMX).status_code == 204
    assert (again(job).technician, again(job).planned_starts_at) == (tess, None)


def test_planned_start_of_the_job_is_kept(client, dana, omar, north, tess, tomorrow):
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow, planned_starts_at=at(tomorrow, 15))
    client.force_login(dana)
    data = {"technician": tess.pk, "plan": "1", f"start-{tess.pk}": at(tomorrow, 9).isoformat()}
    client.post(reverse("assign_job", args=[job.pk]), data, headers=HTMX)
    assert again(job).planned_starts_at == at(tomorrow, 15)


def test_closest_and_roomiest_are_marked(omar, north, tess, tomorrow):
    works(tess)
    uma = works(TechnicianFactory(user__username="uma", zones=[north], home_latitude=40.1, home_longitude=-75.1))
    make_job(Status.ASSIGNED, by=omar, technician=uma, zone=north, scheduled_on=tomorrow)
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    badges = {match.technician: match.badges for match in load_matches(job, user=omar, now=timezone.now()).all}
    assert badges == {uma: ["Closest"], tess: ["Most room"]}


@pytest.mark.parametrize("priority", [Priority.NORMAL, Priority.URGENT])
def test_dialog_costs_the_same_queries_for_5_and_50_technicians(omar, north, tomorrow, priority):
    def hire(count):
        for _ in range(count):
            technician = works(TechnicianFactory(zones=[north]), starts=0, ends=23)
            make_job(Status.ASSIGNED, by=omar, technician=technician, zone=north, duration_minutes=10)

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            load_matches(Job.objects.with_board_info().get(pk=job.pk), user=omar, now=timezone.now())
        return len(captured)

    job = make_job(by=omar, zone=north, priority=priority)
    hire(5)
    queries()
    few = queries()
    hire(45)
    assert queries() == few


# Drawer and New Job form --------------------------------------------------------------------------


def test_drawer_names_the_three_best(client, dana, omar, north, tomorrow):
    for name in ("al", "bo", "cy", "di"):
        works(TechnicianFactory(user__username=name, zones=[north]))
    job = make_job(by=omar, zone=north, scheduled_on=tomorrow)
    client.force_login(dana)
    assert reverse("best_matches", args=[job.pk]) in html_of(client.get(reverse("job_drawer", args=[job.pk])))
    page = text_of(client.get(reverse("best_matches", args=[job.pk])))
    assert [name in page for name in ("Al", "Bo", "Cy", "Di")] == [True, True, True, False]


def test_best_matches_of_a_job_in_another_zone_are_not_told(client, dana, omar, south):
    job = make_job(by=omar, zone=south)
    client.force_login(dana)
    assert client.get(reverse("best_matches", args=[job.pk])).status_code == 404


def entry(**values):
    return {
        "customer-name": "Ann",
        "site-address": "1 Ash St",
        "scheduled_on": (timezone.localdate() + timedelta(days=1)).isoformat(),
        "duration_minutes": "60",
        "priority": "2",
    } | values


def test_candidates_follow_the_form_as_it_is_filled_in(client, dana, tess, north):
    works(tess)
    hvac = SkillFactory(name="HVAC")
    client.force_login(dana)
    url = reverse("new_job_candidates")
    assert "the job has no location" in text_of(client.post(url, entry()))
    located = entry(**{"site-latitude": "40.1", "site-longitude": "-75.1"})
    assert "min from home" in text_of(client.post(url, located))
    assert "Lacks HVAC Advanced" in text_of(client.post(url, located | {f"skill_{hvac.pk}": "3"}))


@pytest.mark.parametrize(
    "values", [{}, {"scheduled_on": "x"}, {"scheduled_on": "2020-01-01"}, {"site-latitude": "999"}, {"priority": "9"}]
)
def test_half_filled_forms_get_an_answer(client, dana, tess, values):
    client.force_login(dana)
    assert client.post(reverse("new_job_candidates"), values).status_code == 200


def test_chosen_match_is_assigned_on_save_at_the_start_shown(client, dana, tess, north, tomorrow, job_type):
    client.force_login(dana)
    start = at(tomorrow, 9, 30)
    values = {"technician": tess.pk, "proposed_start": start.isoformat(), "job_type": job_type.pk}
    assert client.post(reverse("new_job"), entry(**values)).status_code == 302
    job = Job.objects.get()
    assert (job.technician, job.planned_starts_at) == (tess, start)


@pytest.fixture
def job_type(db):
    return JobTypeFactory()
