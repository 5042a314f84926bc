"""The demo day itself: is it believable, true to the clock, and of use to everyone who logs in?"""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.db import transaction
from django.db.models import F, Max, Q
from django.utils import timezone

from dispatch import actions
from dispatch.demo import DEMO_LOGINS, DEMO_PASSWORD
from dispatch.demo.area import ZONES
from dispatch.demo.seed import seed_demo
from dispatch.demo.trade import RUNNING_BEHIND
from dispatch.models import BillingRecord, Job, Notification, Status, StatusChange, User
from dispatch.models.jobs import ACTIVE, TO_DO
from dispatch.roles import Role, role_of
from sla.models import ClockPause, ResolutionClock, ResponseClock, Violation, ViolationNote
from sla.policies import Policies
from technicians.models import ClockRecord, Position, Technician
from zones.models import ServiceZone

NEW_YORK = ZoneInfo("America/New_York")
DAY = date(2026, 11, 18)
MIDDAY = datetime(2026, 11, 18, 16, 20, tzinfo=UTC)  # 11:20 in Pittsburgh


@pytest.fixture(autouse=True)
def pittsburgh():
    with timezone.override(NEW_YORK):
        yield


def on_board():
    return Job.objects.for_dispatch_day(DAY, today=DAY)


@pytest.fixture(scope="module", autouse=True)
def demo_day(django_db_setup, django_db_blocker):
    """Seeded once; each test's own transaction lies within this one."""
    with django_db_blocker.unblock(), timezone.override(NEW_YORK), transaction.atomic():
        count = seed_demo(now=MIDDAY)
        yield count
        transaction.set_rollback(True)


@pytest.mark.django_db
def test_whoever_tries_the_product_finds_a_believable_day(demo_day):
    board = on_board()
    assert board.count() == demo_day == 80
    states = Counter(board.values_list("status", flat=True))
    assert set(states) == set(Status)
    assert states[Status.COMPLETED] >= 15
    assert states[Status.ASSIGNED] >= 15
    assert 5 <= states[Status.CREATED] <= 20
    assert set(board.values_list("priority", flat=True)) == {1, 2, 3, 4}
    assert board.filter(scheduled_on__lt=DAY, status__in=("created", "assigned")).count() == 3
    assert board.filter(scheduled_on=None).count() == 3
    assert board.filter(site__latitude=None, zone=None).count() == 2
    assert board.filter(held_at__isnull=False).count() == 1
    assert board.exclude(window_starts_at=None).count() >= 20
    assert Job.objects.filter(scheduled_on=DAY + timedelta(days=1)).count() == 6


@pytest.mark.django_db
def test_managers_find_ten_weeks_of_work_in_which_some_do_worse():
    past = Job.objects.filter(status=Status.COMPLETED, scheduled_on__lt=DAY)
    assert 1200 <= past.count() == BillingRecord.objects.filter(completed_at__date__lt=DAY).count() <= 1600
    assert past.order_by("scheduled_on").first().scheduled_on <= DAY - timedelta(weeks=9)
    assert past.values("scheduled_on").distinct().count() >= 45
    for model, least, most in ((ResponseClock, 0.8, 0.96), (ResolutionClock, 0.92, 0.995)):
        states = Counter(
            model.objects.filter(decided_at__lt=MIDDAY - timedelta(days=1)).values_list("state", flat=True)
        )
        assert least < states["met"] / states.total() < most
    worst = Counter(Violation.objects.values_list("technician__user__first_name", flat=True)).most_common(1)
    assert worst[0][0] == RUNNING_BEHIND
    assert ClockPause.objects.filter(cause="hold", ends_at__isnull=False).count() >= 20
    acknowledged = Violation.objects.filter(acknowledged_at__isnull=False)
    assert 0.8 < acknowledged.count() / Violation.objects.count() < 0.98
    assert ViolationNote.objects.filter(is_acknowledgement=True).count() == acknowledged.count()


@pytest.mark.django_db
def test_the_clocks_of_the_past_say_what_the_log_and_the_pure_clock_say():
    policies, breached = Policies(), set()
    jobs = Job.objects.filter(status=Status.COMPLETED).select_related("response_clock", "resolution_clock")
    for job in jobs.prefetch_related("status_changes", "clock_pauses"):
        log = list(job.status_changes.all())
        responded_at = next(row.happened_at for row in log if row.to_status in (*ACTIVE, Status.COMPLETED))
        for clock, ended_at in ((job.response_clock, responded_at), (job.resolution_clock, job.completed_at)):
            reckoned = policies.clock(clock, job.clock_pauses.all())
            is_late = ended_at > reckoned.due_at
            assert (clock.due_at, clock.at_risk_at, clock.ended_at) == (reckoned.due_at, reckoned.at_risk_at, ended_at)
            assert clock.state == ("breached" if is_late else "met")
            assert clock.decided_at == (reckoned.due_at if is_late else ended_at)
            assert clock.wall_seconds == int((ended_at - job.created_at).total_seconds())
            assert clock.counted_seconds == int(reckoned.elapsed(ended_at).total_seconds())
            had = [row.to_technician_id for row in log if row.happened_at <= clock.decided_at][-1]
            assert (clock.technician_id, clock.zone_id, clock.customer_id) == (had, job.zone_id, job.customer_id)
            if is_late:
                breached.add((job.pk, clock.kind, reckoned.due_at, had))
    violations = Violation.objects.filter(job__status=Status.COMPLETED)
    assert breached == set(violations.values_list("job", "kind", "breached_at", "technician"))
    assert not Violation.objects.filter(recorded_at__gt=F("breached_at") + timedelta(minutes=5)).exists()


@pytest.mark.django_db
def test_the_demo_day_has_targets_at_risk_broken_seen_to_and_paused():
    running = [model.objects.filter(state="running", is_at_risk=True) for model in (ResponseClock, ResolutionClock)]
    assert sum(clocks.count() for clocks in running) >= 2
    today = Violation.objects.filter(breached_at__gte=MIDDAY - timedelta(days=1))
    assert today.filter(acknowledged_at=None).exists()
    assert today.exclude(acknowledged_at=None).exists()
    assert ResolutionClock.objects.filter(state="paused").exists()
    assert not Violation.objects.filter(Q(recorded_at__gt=MIDDAY) | Q(acknowledged_at__gt=MIDDAY)).exists()


@pytest.mark.django_db
def test_the_check_finds_the_seeded_day_checked_and_everybody_told():
    assert Notification.objects.filter(kind="sla_breached").exists()
    assert not any(actions.check_sla(now=MIDDAY).values())


@pytest.mark.django_db
def test_the_demo_says_when_everyone_will_arrive_and_who_runs_behind():
    to_come = Job.objects.filter(status__in=TO_DO, scheduled_on__gte=DAY, held_at=None)
    assert to_come.count() > 20
    assert not to_come.filter(arrival=None).exists()
    assert 3 <= on_board().running_behind().count() <= to_come.count() / 2


@pytest.mark.django_db
def test_nothing_in_the_demo_lies_in_the_future_and_everything_has_a_history():
    newest = StatusChange.objects.aggregate(happened=Max("happened_at"), received=Max("received_at"))
    assert max(newest.values()) <= MIDDAY
    assert not Position.objects.filter(Q(recorded_at__gt=MIDDAY) | Q(received_at__gt=MIDDAY)).exists()
    assert not ClockRecord.objects.filter(clocked_in_at__gt=MIDDAY).exists()
    for job in Job.objects.prefetch_related("status_changes"):
        log = list(job.status_changes.all())
        assert [row.happened_at for row in log] == sorted(row.happened_at for row in log)
        assert (log[0].from_status, log[-1].to_status) == ("", job.status)
        assert all(row.latitude for row in log if row.actor_kind == "technician")


@pytest.mark.django_db
def test_the_demo_technicians_can_do_what_they_are_given():
    given = Job.objects.exclude(technician=None).prefetch_related("technician__skills", "technician__zones")
    for job in given.prefetch_related("required_skills"):
        levels = {have.skill_id: have.level for have in job.technician.skills.all()}
        assert all(levels.get(need.skill_id, 0) >= need.level for need in job.required_skills.all()), job
        assert job.zone in job.technician.zones.all(), job
    assert Job.objects.filter(status__in=ACTIVE).count() >= 5
    on_duty = set(ClockRecord.objects.filter(clocked_out_at=None).values_list("technician", flat=True))
    assert on_duty >= set(Job.objects.filter(status__in=ACTIVE).values_list("technician", flat=True))


@pytest.mark.django_db
def test_the_demo_has_someone_sick_someone_away_and_someone_off_the_air():
    away = Technician.objects.filter(time_off__starts_at__lt=MIDDAY, time_off__ends_at__gt=MIDDAY)
    assert sorted(away.values_list("time_off__kind", flat=True)) == ["sick", "vacation"]
    assert not away.filter(jobs__status__in=ACTIVE).exists()
    assert Job.objects.filter(technician__time_off__kind="sick", status=Status.ASSIGNED, scheduled_on=DAY).count() == 3
    ages = [
        MIDDAY - instant
        for instant in Technician.objects.exclude(position_at=None).values_list("position_at", flat=True)
    ]
    assert sum(age > timedelta(hours=2) for age in ages) == 1
    assert sum(age < timedelta(minutes=15) for age in ages) >= 8


@pytest.mark.django_db
def test_tess_has_a_day_to_show_on_the_phone():
    days = Job.objects.filter(technician__user__username="tess", scheduled_on=DAY).exclude(status="cancelled")
    states = list(days.in_route_order().values_list("status", flat=True))
    assert states[0] == Status.COMPLETED
    assert states.count(Status.ASSIGNED) >= 2
    assert not set(states) & set(ACTIVE)


@pytest.mark.django_db
def test_the_demo_accounts_log_in_and_have_their_roles():
    roles = {username: role_of(User.objects.get(username=username)) for username, _ in DEMO_LOGINS}
    assert roles == {
        "dana": Role.DISPATCHER,
        "dora": Role.DISPATCHER,
        "omar": Role.MANAGER,
        "ada": Role.ADMIN,
        "tess": Role.TECHNICIAN,
        "tom": Role.TECHNICIAN,
    }
    assert all(User.objects.get(username=username).check_password(DEMO_PASSWORD) for username in roles)
    dana, dora = User.objects.get(username="dana"), User.objects.get(username="dora")
    granted = ServiceZone.objects.dispatchable_by(dana).values_list("name", flat=True)
    assert set(granted) == {"Downtown", "North Hills"}
    assert ServiceZone.objects.dispatchable_by(dora).count() == len(ZONES)
