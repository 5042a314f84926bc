"""A suggestion from when it is made until it is confirmed, dismissed or expired."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.actions.suggestions import in_public
from dispatch.models import AssignmentRule, BoardAction, DispatchSettings, Job, Priority, Status, Suggestion
from dispatch.roles import Role
from technicians import attendance
from technicians.models import Proficiency, TimeOff
from tests.factories import SiteFactory, SkillFactory, TechnicianFactory, UserFactory, make_job
from tests.pages import html_of, text_of
from tests.threads import at_the_same_time, winners_and_losers
from zones.access import grant_zones

HTMX = {"HX-Request": "true"}
Mode = AssignmentRule.Mode
State = Suggestion.State


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def suggested(dana, north, tess):
    """A job of tomorrow for which Tess is suggested."""
    return make_suggestion(dana, north)


def make_suggestion(by, zone, **fields) -> Suggestion:
    priority = fields.setdefault("priority", Priority.NORMAL)
    AssignmentRule.objects.update_or_create(priority=priority, defaults={"mode": Mode.SUGGEST})
    fields.setdefault("scheduled_on", timezone.localdate() + timedelta(days=1))
    job = make_job(by=by, zone=zone, **fields)
    actions.dispatch_new_job(job.pk)
    return Suggestion.objects.open().get(job=job)


def fresh(row):
    return type(row).objects.get(pk=row.pk)


# Confirming ---------------------------------------------------------------------------------------


def test_confirming_assigns_the_job_as_suggested_and_can_be_undone(suggested, dana, tess):
    job = actions.confirm_suggestion(suggested, by=dana)
    assert (job.status, job.technician, job.planned_starts_at) == (Status.ASSIGNED, tess, suggested.starts_at)
    assert (fresh(suggested).state, fresh(suggested).closed_by) == (State.CONFIRMED, dana)
    assert job.status_changes.last().note == f"Suggested by smart dispatch: {suggested.sentence}"
    actions.undo_action(actions.last_to_undo(dana), by=dana)
    assert (fresh(job).status, fresh(job).technician) == (Status.CREATED, None)


def test_second_dispatcher_learns_who_was_quicker(suggested, dana, omar):
    actions.confirm_suggestion(suggested, by=dana)
    with pytest.raises(actions.ActionRefused, match=r"Dana has confirmed this suggestion already\."):
        actions.confirm_suggestion(suggested, by=omar)


def test_technician_cannot_confirm(suggested, tess):
    with pytest.raises(PermissionDenied):
        actions.confirm_suggestion(suggested, by=tess.user)


def test_suggestion_whose_technician_is_away_expires_and_another_is_worked_out(
    suggested, dana, tess, north, monkeypatch
):
    asked = []
    monkeypatch.setattr("dispatch.smart.suggestions.enqueue", lambda task, *args: asked.append(args[0]))
    uma = TechnicianFactory(user__username="uma", zones=[north])
    day = suggested.starts_at
    TimeOff.objects.create(
        technician=tess, kind="sick", starts_at=day - timedelta(days=1), ends_at=day + timedelta(days=1)
    )
    with pytest.raises(actions.ActionRefused, match=r"This suggestion no longer holds: Tess: "):
        actions.confirm_suggestion(suggested, by=dana)
    assert fresh(suggested).state == State.EXPIRED
    assert asked == [[suggested.job_id]]
    actions.dispatch_new_job(suggested.job_id)
    assert Suggestion.objects.open().get(job=suggested.job).technician == uma


# Expiring -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda job, by, tess: actions.assign_job(job, tess, by=by), "is Assigned to Tess now"),
        (lambda job, by, tess: actions.hold_job(job, "Waiting", by=by), "is on hold: Waiting"),
        (
            lambda job, by, tess: actions.change_status(job, Status.CANCELLED, by=by, note="No"),
            "is Cancelled now",
        ),
        (
            lambda job, by, tess: actions.edit_job(job, {"duration_minutes": 90}, by=by, base_version=job.version),
            "has been changed since",
        ),
    ],
    ids=["assigned", "held", "cancelled", "changed"],
)
def test_suggestion_expires_at_once_with_its_job(suggested, dana, tess, change, why):
    change(suggested.job, dana, tess)
    assert fresh(suggested).state == State.EXPIRED
    assert why in fresh(suggested).why_closed


def test_suggestion_survives_a_note(suggested, dana):
    actions.add_note(suggested.job, "The key is under the mat", by=dana)
    assert fresh(suggested).state == State.OPEN
    assert actions.confirm_suggestion(suggested, by=dana).status == Status.ASSIGNED


def test_old_suggestion_is_worked_out_anew(suggested, now):
    later = now + timedelta(minutes=DispatchSettings.load().suggestion_minutes + 1)
    assert actions.expire_suggestions(now=later) == 1
    assert fresh(suggested).state == State.EXPIRED
    assert Suggestion.objects.open().get(job=suggested.job).created_at == later


def test_suggestion_that_still_holds_stays(suggested, now):
    assert actions.expire_suggestions(now=now + timedelta(minutes=1)) == 0
    assert fresh(suggested).state == State.OPEN


def test_suggestion_expires_when_the_technicians_day_speaks_against_it(suggested, dana, tess, north, now):
    day = suggested.job.scheduled_on
    other = make_job(
        Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=day, planned_starts_at=suggested.starts_at
    )
    assert actions.expire_suggestions(now=now) == 1
    assert f"Tess: Overlaps {other.number}" in fresh(suggested).why_closed


def test_change_of_the_technicians_day_has_the_suggestion_looked_at(suggested, dana, tess, north, monkeypatch):
    asked = []
    monkeypatch.setattr("dispatch.smart.suggestions.enqueue", lambda task, *args: asked.append(args[0]))
    make_job(Status.ASSIGNED, by=dana, zone=north, technician=tess, scheduled_on=suggested.job.scheduled_on)
    assert [suggested.job_id] in asked


# Dismissing ---------------------------------------------------------------------------------------


def test_dismissed_suggestion_does_not_come_back_until_the_job_changes(suggested, dana, tess, north):
    actions.dismiss_suggestion(suggested, by=dana, reason="Tess is training")
    assert (fresh(suggested).state, fresh(suggested).why_closed) == (State.DISMISSED, "Tess is training")
    uma = TechnicianFactory(user__username="uma", zones=[north])
    actions.dispatch_new_job(suggested.job_id)
    assert not Suggestion.objects.open().exists()
    actions.edit_job(suggested.job, {"duration_minutes": 90}, by=dana, base_version=suggested.job.version)
    actions.dispatch_new_job(suggested.job_id)
    assert Suggestion.objects.open().get().technician == uma  # Tess is not wanted for it today


def test_database_allows_one_open_suggestion_a_job(suggested, now):
    with pytest.raises(IntegrityError), transaction.atomic():
        Suggestion.objects.create(
            job=suggested.job, technician=suggested.technician, score=1, job_version=1, created_at=now
        )


# What is shown, and to whom -----------------------------------------------------------------------


def test_suggestion_is_on_the_tray_the_drawer_the_page_and_the_dashboard(client, suggested, dana):
    client.force_login(dana)
    day = f"?day={suggested.job.scheduled_on}"
    confirm = f'action="{reverse("confirm_suggestion", args=[suggested.pk])}"'
    for url in (
        reverse("board") + day,
        reverse("job_drawer", args=[suggested.job_id]),
        reverse("job", args=[suggested.job_id]),
        reverse("dashboard"),
    ):
        page = client.get(url)
        assert confirm in html_of(page), url
        assert suggested.factors[0]["text"].lower() in text_of(page).lower(), url


def test_one_click_confirms(client, suggested, dana, tess):
    client.force_login(dana)
    response = client.post(reverse("confirm_suggestion", args=[suggested.pk]), headers=HTMX)
    assert response.status_code == 204
    assert f"{suggested.job.number} assigned to Tess" in response["HX-Trigger"]
    assert fresh(suggested.job).technician == tess


def test_refused_click_says_why_and_has_the_board_look_again(client, suggested, dana, tess):
    actions.assign_job(suggested.job, tess, by=dana)
    client.force_login(dana)
    response = client.post(reverse("confirm_suggestion", args=[suggested.pk]), headers=HTMX)
    assert response.status_code == 409
    assert "is Assigned to Tess now" in response["HX-Trigger"]
    assert f'"jobs": [{suggested.job_id}]' in response["HX-Trigger"]


def test_dismissing_asks_for_a_reason_that_may_stay_empty(client, suggested, dana):
    client.force_login(dana)
    url = reverse("dismiss_suggestion", args=[suggested.pk])
    assert "optional" in text_of(client.get(url, headers=HTMX))
    assert client.post(url, headers=HTMX).status_code == 204
    assert fresh(suggested).state == State.DISMISSED


def test_dispatcher_of_another_zone_neither_sees_nor_confirms_it(client, suggested, south):
    sue = UserFactory(username="sue", role=Role.DISPATCHER)
    grant_zones(sue, [south])
    client.force_login(sue)
    for name in ("confirm_suggestion", "dismiss_suggestion"):
        assert client.post(reverse(name, args=[suggested.pk])).status_code == 404
    assert "✦" not in html_of(client.get(reverse("dashboard")))
    assert fresh(suggested).state == State.OPEN


def test_technician_whom_one_may_not_see_is_not_named_for_a_job_in_no_zone(client, dana, omar, tom):
    """Everybody sees a job in no zone; Tom of South is no business of Dana's."""
    site = SiteFactory(latitude=10, longitude=10)
    AssignmentRule.objects.update(mode=Mode.SUGGEST)
    job = make_job(by=omar, site=site, scheduled_on=timezone.localdate() + timedelta(days=1))
    actions.dispatch_new_job(job.pk)
    suggestion = Suggestion.objects.open().get(job=job)
    client.force_login(dana)
    assert "✦" not in html_of(client.get(reverse("job_drawer", args=[job.pk])))
    assert client.post(reverse("confirm_suggestion", args=[suggestion.pk])).status_code == 404
    client.force_login(omar)
    assert "✦" in html_of(client.get(reverse("job_drawer", args=[job.pk])))


def test_jobs_of_other_zones_are_not_named_in_what_is_written_down(dana, omar, north, south, tess):
    here, elsewhere = make_job(by=omar, zone=north), make_job(by=omar, zone=south)
    text = f"3 km, 4 min from job {elsewhere.number}; overlaps {here.number}"
    assert in_public(here, text) == f"3 km, 4 min from a job in another zone; overlaps {here.number}"


def test_why_nobody_has_it_stands_on_card_drawer_and_list(client, dana, north, tess):
    AssignmentRule.objects.update(mode=Mode.SUGGEST)
    job = make_job(by=dana, zone=north)
    job.required_skills.create(skill=SkillFactory(name="Lift"), level=Proficiency.EXPERT)
    actions.dispatch_new_job(job.pk)
    client.force_login(dana)
    for url in (
        reverse("board"),
        reverse("board_list"),
        reverse("dashboard"),
        reverse("job_drawer", args=[job.pk]),
        reverse("job_card", args=[job.pk]),
    ):
        assert "lacks Lift Expert (1)" in text_of(client.get(url)), url


@pytest.mark.parametrize("name", ["board", "dashboard"])
def test_number_of_suggestions_costs_no_queries(client, dana, north, tess, name):
    url = f"{reverse(name)}?day={timezone.localdate() + timedelta(days=1)}"
    client.force_login(dana)

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            client.get(url)
        return len(captured)

    make_some(dana, north, tess, 5)
    queries()
    few = queries()
    make_some(dana, north, tess, 45)
    assert queries() == few


def make_some(by, zone, technician, count) -> None:
    day = timezone.localdate() + timedelta(days=1)
    for _ in range(count):
        job = make_job(by=by, zone=zone, scheduled_on=day)
        Suggestion.objects.create(
            job=job, technician=technician, score=50, job_version=job.version, created_at=timezone.now()
        )


# At the same time ---------------------------------------------------------------------------------


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_workers_assign_a_job_once(dana, north, tess):
    AssignmentRule.objects.update_or_create(priority=Priority.NORMAL, defaults={"mode": Mode.AUTOMATIC})
    job = make_job(by=dana, zone=north, scheduled_on=timezone.localdate() + timedelta(days=1))
    outcomes = at_the_same_time(*[lambda: actions.dispatch_new_job(job.pk)] * 4)
    assert winners_and_losers(outcomes)[1] == []
    assert (fresh(job).technician, job.status_changes.count()) == (tess, 2)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_jobs_at_the_same_time_are_not_both_given_to_one_technician(dana, north, tess):
    AssignmentRule.objects.update_or_create(priority=Priority.NORMAL, defaults={"mode": Mode.AUTOMATIC})
    TechnicianFactory(user__username="uma", zones=[north])
    start = timezone.now().replace(hour=15, minute=0) + timedelta(days=1)
    day = timezone.localdate(start)
    jobs = [make_job(by=dana, zone=north, scheduled_on=day, planned_starts_at=start) for _ in range(2)]
    at_the_same_time(*[lambda job=job: actions.dispatch_new_job(job.pk) for job in jobs])
    assert len({fresh(job).technician_id for job in jobs} - {None}) == 2


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_dispatchers_confirm_once(dana, omar, north, tess):
    suggestion = make_suggestion(dana, north)
    outcomes = at_the_same_time(
        lambda: actions.confirm_suggestion(suggestion, by=dana), lambda: actions.confirm_suggestion(suggestion, by=omar)
    )
    winners, losers = winners_and_losers(outcomes)
    assert (len(winners), [type(loser) for loser in losers]) == (1, [actions.ActionRefused])
    assert BoardAction.objects.filter(label__startswith="Assigned").count() == 1
    assert Job.objects.get(pk=suggestion.job_id).status_changes.count() == 2


# Urgent jobs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_today", [True, False])
def test_urgent_job_goes_before_what_is_not_begun(dana, north, tess, now, is_today):
    """Only as a suggestion can it be known: the stop that is in its way is shifted when it is confirmed."""
    day = timezone.localdate() + timedelta(days=not is_today)
    if is_today:
        attendance.clock_in(tess, now=now)
    first = make_suggestion(dana, north, priority=Priority.URGENT, scheduled_on=day)
    in_the_way = make_job(
        Status.ASSIGNED,
        by=dana,
        zone=north,
        technician=tess,
        scheduled_on=day,
        planned_starts_at=first.starts_at,
        duration_minutes=60,
    )
    assert actions.expire_suggestions() == 0
    job = actions.confirm_suggestion(first, by=dana)
    assert (job.status, job.technician) == (Status.ASSIGNED, tess)
    assert fresh(in_the_way).planned_starts_at >= job.planned_starts_at + timedelta(minutes=job.duration_minutes)


def test_suggestion_for_an_urgent_job_expires_when_its_technician_goes_away(dana, north, tess, now):
    attendance.clock_in(tess, now=now)
    suggestion = make_suggestion(dana, north, priority=Priority.URGENT, scheduled_on=None)
    TimeOff.objects.create(
        technician=tess, kind="sick", starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=1)
    )
    assert actions.expire_suggestions() == 1
    assert fresh(suggestion).state == State.EXPIRED
