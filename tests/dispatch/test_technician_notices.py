"""What technicians are told of when others change their jobs."""

from datetime import datetime, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import BoardAction, Notification, Priority, Status
from dispatch.notices.news import Change, Kind, news_of
from dispatch.notices.notify import Message, tell
from dispatch.placement import Placement
from dispatch.roles import Role, give_role
from tests.factories import JobTypeFactory, SiteFactory, TechnicianFactory, make_job
from tests.pages import text_of


def at(hour, *, days=0):
    day = timezone.localdate() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, time(hour)))


@pytest.fixture
def uma(north):
    return TechnicianFactory(user__username="uma", zones=[north])


@pytest.fixture
def site():
    return SiteFactory(address="12 Ash St", latitude=40.1, longitude=-75.1)


@pytest.fixture
def job(omar, site):
    return make_job(by=omar, site=site, description="Boiler is cold", planned_starts_at=at(13))


@pytest.fixture
def hers(omar, tess, job):
    """The job, assigned to Tess; what she was told of that is forgotten."""
    job = actions.assign_job(job, tess, by=omar)
    Notification.objects.all().delete()
    return job


def told(technician) -> list[tuple[str, str]]:
    notices = Notification.objects.filter(recipient=technician.user_id).order_by("pk")
    return list(notices.values_list("kind", "text"))


def version(job) -> int:
    return type(job).objects.get(pk=job.pk).version


# One job ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["dana", "omar", None])
def test_technician_is_told_of_a_new_job_by_whoever_assigns_it(request, job, tess, who):
    by = who and request.getfixturevalue(who)
    actions.assign_job(job, tess, by=by)
    assert told(tess) == [("assigned", f"{job.number} Boiler is cold, 12 Ash St, today 13:00")]
    assert Notification.objects.get().job == job


def test_urgent_jobs_say_so_first(job, tess, omar):
    actions.set_priority(job, Priority.URGENT, by=omar)
    actions.assign_job(job, tess, by=omar)
    assert told(tess)[0][1].startswith("Urgent: J-")


def test_a_drop_on_the_board_tells_both(hers, tess, uma, omar):
    actions.place_job(
        hers, Placement(technician=uma, day=hers.scheduled_on, starts_at=at(15)), by=omar, on_conflict=actions.ANYWAY
    )
    assert [kind for kind, _ in told(uma)] == ["assigned"]
    assert told(tess) == [("unassigned", f"No longer yours: {hers.number} Boiler is cold, 12 Ash St, today 15:00")]


def test_back_in_the_tray_is_no_longer_theirs(hers, tess, omar):
    actions.unassign_job(hers, by=omar)
    assert [kind for kind, _ in told(tess)] == ["unassigned"]


def test_undo_and_redo_tell_too(job, tess, omar):
    actions.assign_job(job, tess, by=omar)
    Notification.objects.all().delete()
    actions.undo_action(BoardAction.objects.latest("pk"), by=omar)
    assert [kind for kind, _ in told(tess)] == ["unassigned"]
    actions.undo_action(BoardAction.objects.latest("pk"), by=omar)
    assert [kind for kind, _ in told(tess)] == ["unassigned", "assigned"]


def test_a_job_created_for_a_technician_is_told(tess, omar, site):
    fields = {"scheduled_on": timezone.localdate() + timedelta(days=3)}
    actions.create_job(customer=site.customer, site=site, job_type=JobTypeFactory(), technician=tess, by=omar, **fields)
    day = fields["scheduled_on"]
    assert told(tess)[0][0] == "assigned"
    assert told(tess)[0][1].endswith(f"{day:%a} {day.day} {day:%b}")


def test_cancelling_tells_with_the_phone_page_to_go_to(hers, tess, omar):
    actions.change_status(hers, Status.CANCELLED, by=omar, note="Customer called")
    assert told(tess) == [("cancelled", f"Cancelled: {hers.number} Boiler is cold, 12 Ash St, today 13:00")]
    assert Notification.objects.get().url == "/my-day/"


def test_a_job_reopened_is_theirs_again(tess, omar):
    job = make_job(Status.COMPLETED, by=omar, technician=tess)
    Notification.objects.all().delete()
    actions.change_status(job, Status.IN_PROGRESS, by=omar, note="Not done")
    assert [kind for kind, _ in told(tess)] == ["assigned"]


def test_what_the_office_ticks_off_for_them_is_no_news(hers, tess, omar):
    for status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
        hers = actions.change_status(hers, status, by=omar, note="By phone")
    assert told(tess) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"planned_starts_at": 15}, "now today 15:00"),
        ({"description": "Boiler leaks"}, "the description has changed"),
        ({"priority": Priority.URGENT}, "priority Urgent"),
        ({"priority": Priority.HIGH, "planned_starts_at": 9}, "now today 09:00; priority High"),
    ],
)
def test_what_has_changed_is_said(hers, tess, omar, changes, said):
    changes = {name: at(value) if name == "planned_starts_at" else value for name, value in changes.items()}
    actions.edit_job(hers, changes, by=omar, base_version=version(hers))
    [(kind, text)] = told(tess)
    assert kind == "changed"
    assert text.endswith(f": {said}")


def test_another_site_and_a_corrected_address_are_said(hers, tess, omar, site):
    elsewhere = SiteFactory(customer=hers.customer, address="5 Elm St", latitude=40.1, longitude=-75.1)
    actions.edit_job(hers, {"site": elsewhere}, by=omar, base_version=version(hers))
    elsewhere.address = "7 Elm St"
    actions.save_site(elsewhere, fields=["address"], by=omar)
    actions.save_site(elsewhere, fields=["address"], by=omar)
    assert [text.partition(": ")[2] for _, text in told(tess)] == [
        "the address is 5 Elm St",
        "the address is 7 Elm St",
    ]


def test_a_hold_and_its_end_are_said(hers, tess, omar):
    actions.hold_job(hers, "Parts are missing", by=omar)
    actions.release_job(hers, by=omar)
    assert [text.partition(": ")[2] for _, text in told(tess)] == [
        "on hold: Parts are missing",
        "no longer on hold",
    ]


def test_what_a_technician_does_not_go_by_is_no_news(hers, tess, omar):
    actions.edit_job(hers, {"duration_minutes": 90}, by=omar, base_version=version(hers))
    actions.pin_job(hers, time=True, technician=True, by=omar)
    actions.add_note(hers, "Ring twice", by=omar)
    assert told(tess) == []


def test_yesterdays_jobs_are_no_news_when_they_change(tess, omar, site):
    yesterday = timezone.localdate() - timedelta(days=1)
    job = make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, scheduled_on=yesterday)
    Notification.objects.all().delete()
    actions.edit_job(job, {"description": "x"}, by=omar, base_version=version(job))
    assert told(tess) == []
    actions.edit_job(job, {"scheduled_on": timezone.localdate()}, by=omar, base_version=version(job))
    assert [kind for kind, _ in told(tess)] == ["changed"]


# Who is not told ----------------------------------------------------------------------------------


def test_nobody_is_told_what_they_did_themselves(job, tess, north):
    give_role(tess.user, Role.MANAGER)  # the boss who drives
    actions.assign_job(job, tess, by=type(tess.user).objects.get(pk=tess.user_id))
    assert told(tess) == []


def test_technicians_own_taps_tell_nobody(hers, tess):
    for status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED):
        hers = actions.change_status(hers, status, by=tess.user)
    assert not Notification.objects.exists()


def test_a_seeded_history_tells_nobody(job, tess, omar):
    with actions.unjournalled():
        actions.assign_job(job, tess, by=omar)
    assert not Notification.objects.exists()


def test_what_is_refused_tells_nobody(hers, tess, uma, omar):
    with pytest.raises(actions.ActionRefused):
        actions.assign_job(hers, tess, by=omar)
    assert not Notification.objects.exists()


# Several jobs -------------------------------------------------------------------------------------


def test_several_jobs_assigned_at_once_are_one_notice_each(tess, uma, omar, site):
    jobs = [make_job(by=omar, site=site) for _ in range(3)]
    actions.change_jobs([job.pk for job in jobs], lambda job: actions.assign_waiting_job(job, tess, by=omar), by=omar)
    assert told(tess) == [("assigned", f"3 jobs assigned: {', '.join(job.number for job in jobs)}")]
    notice = Notification.objects.get()
    assert set(notice.jobs.all()) == set(jobs)
    assert all(notice in Notification.objects.about(job) for job in jobs)


def test_a_long_list_is_cut(tess, omar, site):
    jobs = [make_job(by=omar, site=site) for _ in range(9)]
    actions.change_jobs([job.pk for job in jobs], lambda job: actions.assign_waiting_job(job, tess, by=omar), by=omar)
    assert told(tess)[0][1].endswith(f"{jobs[5].number}, 3 more")


def test_jobs_handed_over_for_somebody_sick_tell_both(tess, uma, omar, site):
    jobs = [make_job(Status.ASSIGNED, by=omar, technician=tess, site=site) for _ in range(2)]
    Notification.objects.all().delete()
    actions.hand_over_jobs(tess, [actions.Handing(job.pk, uma, job.seen) for job in jobs], by=omar)
    numbers = ", ".join(job.number for job in jobs)
    assert told(uma) == [("assigned", f"2 jobs assigned: {numbers}")]
    assert told(tess) == [("unassigned", f"2 jobs are no longer yours: {numbers}")]


def test_the_systems_own_round_is_one_notice_too(tess, omar, site):
    jobs = [make_job(by=omar, site=site) for _ in range(2)]
    with actions.board_action(by=None) as entry:
        entry.watch(jobs)
        for job in jobs:
            actions.assign_job(job, tess, by=None)
    assert [kind for kind, _ in told(tess)] == ["assigned"]
    assert not BoardAction.objects.filter(done_by=None).exists()


def test_what_a_dispatcher_does_inside_the_systems_round_is_told_once_and_can_be_undone(tess, omar, job):
    with actions.board_action(by=None) as entry:
        entry.watch([job])
        actions.assign_job(job, tess, by=omar)
    assert [kind for kind, _ in told(tess)] == ["assigned"]
    assert BoardAction.objects.latest("pk").done_by == omar


def test_a_shifted_day_is_one_notice(tess, omar, site):
    jobs = [
        make_job(Status.ASSIGNED, by=omar, technician=tess, site=site, planned_starts_at=at(hour))
        for hour in (9, 10, 11)
    ]
    new = make_job(by=omar, site=site)
    Notification.objects.all().delete()
    actions.place_job(
        new, Placement(technician=tess, day=new.scheduled_on, starts_at=at(9)), by=omar, on_conflict=actions.SHIFT
    )
    (assigned, _), (reordered, text) = told(tess)
    assert (assigned, reordered) == ("assigned", "day_reordered")
    assert text.startswith("Your jobs have new times: today ")
    assert all(job.number in text for job in jobs)


# Cost ---------------------------------------------------------------------------------------------


def test_telling_costs_three_queries_and_one_more_for_a_device(job, tess, uma, omar, settings):
    def cost(technician):
        with CaptureQueriesContext(connection) as queries:
            actions.assign_job(job, technician, by=None)
        actions.unassign_job(job, by=None)
        return sum("notification" in query["sql"] or "delivery" in query["sql"] for query in queries)

    settings.VAPID_PRIVATE_KEY = "OIJSkGHhgCo3-DD-veUjW8tyTrZ2pU_KfG-9flVTYpg"
    uma.user.push_subscriptions.create(endpoint="https://web.push.apple.com/x")
    assert (cost(tess), cost(uma)) == (2, 3)  # and one for the words about the job


def test_a_bulk_change_costs_the_same_for_many(tess, omar, site):
    counts = []
    for number in (2, 12):
        ids = [make_job(by=omar, site=site).pk for _ in range(number)]
        with CaptureQueriesContext(connection) as queries:
            actions.change_jobs(ids, lambda job: actions.assign_waiting_job(job, tess, by=omar), by=omar)
        counts.append(sum("dispatch_notification" in query["sql"] for query in queries))
    assert counts[0] == counts[1]


# The rule, alone ----------------------------------------------------------------------------------

TODAY = timezone.localdate()
STATE = {
    "status": "assigned",
    "technician_id": 1,
    "scheduled_on": TODAY.isoformat(),
    "planned_starts_at": None,
    "window_starts_at": None,
    "window_ends_at": None,
    "site_id": 1,
    "description": "",
    "priority": 2,
    "held_at": None,
}


def change(job_id, before=None, **after):
    before = STATE | (before or {})
    return Change(job_id, before, before | after)


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (change(7), []),
        (
            change(7, {"status": "created", "technician_id": None}, status="assigned", technician_id=1),
            [(1, "assigned")],
        ),
        (change(7, technician_id=2), [(2, "assigned"), (1, "unassigned")]),
        (change(7, status="created", technician_id=None), [(1, "unassigned")]),
        (change(7, status="cancelled"), [(1, "cancelled")]),
        (change(7, {"status": "created", "technician_id": None}, status="cancelled"), []),
        (change(7, status="completed"), []),
        (change(7, status="en_route"), []),
        (change(7, priority=4), [(1, "changed")]),
        (change(7, {"status": "completed"}, priority=4), []),
        (Change(7, {}, STATE), [(1, "assigned")]),
        (Change(7, {}, STATE | {"status": "created", "technician_id": None}), []),
    ],
)
def test_news_of_one_job(one, expected):
    assert [(news.technician_id, news.kind) for news in news_of([one], today=TODAY)] == expected


def test_moved_and_otherwise_changed_jobs_are_two_pieces_of_news():
    changes = [
        change(1, planned_starts_at="a"),
        change(2, planned_starts_at="b", priority=4),
        change(3, description="x"),
    ]
    found = {news.kind: news for news in news_of(changes, today=TODAY)}
    assert found[Kind.DAY_REORDERED].job_ids == (1, 2)
    assert found[Kind.CHANGED].job_ids == (2, 3)
    assert found[Kind.CHANGED].fields == frozenset()


@pytest.mark.parametrize("named", ["", "see J-" + "9" * 30])
def test_job_page_names_no_other_job_that_its_reader_may_not_see(client, dana, tess, north, south, omar, named):
    tess.zones.add(south)
    shown, hidden = (make_job(by=omar, zone=zone) for zone in (north, south))
    text = f"2 jobs assigned: {shown.number}, {hidden.number} {named}"
    tell([Message(tess.user, Kind.ASSIGNED, text, job_ids=(shown.pk, hidden.pk))])
    client.force_login(dana)
    page = text_of(client.get(reverse("job", args=[shown.pk])))
    assert f"2 jobs assigned: {shown.number}, a job in another zone" in page
    assert hidden.number not in page
    client.force_login(omar)
    assert hidden.number in text_of(client.get(reverse("job", args=[shown.pk])))
