from datetime import time
from importlib import import_module

import pytest
from django.apps import apps

from sla.models import BusinessCalendar, Priority, SLAPolicy, SLATarget
from tests.admin_pages import adding, deletion_of, errors_on, filled, listing, page_of
from tests.factories import CustomerFactory


@pytest.fixture
def standard(db):
    return SLAPolicy.objects.get(name="Standard")


def target(number, response, resolution):
    """Each: an amount and its unit."""
    values = zip(
        ("response_amount", "response_unit", "resolution_amount", "resolution_unit"),
        (*response, *resolution),
        strict=True,
    )
    return {f"targets-{number}-{name}": value for name, value in values}


def intervals(response, *rows, **changes):
    data = filled(response, **{"opening_intervals-TOTAL_FORMS": len(rows)}, **changes)
    for number, (weekday, opens_at, closes_at) in enumerate(rows):
        data |= {
            f"opening_intervals-{number}-weekday": weekday,
            f"opening_intervals-{number}-opens_at": opens_at,
            f"opening_intervals-{number}-closes_at": closes_at,
        }
    return data


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_look_at_policies_and_change_nothing(client, request, standard, who):
    client.force_login(request.getfixturevalue(who))
    for row in (standard, standard.calendar):
        assert client.get(page_of(row)).status_code == 200
        assert client.post(page_of(row), {"name": "Mine"}).status_code == 403
        assert client.post(deletion_of(row), {"post": "yes"}).status_code == 403
    assert client.get(adding(SLAPolicy)).status_code == 403


def test_default_policy_cannot_be_unset(client, ada, standard):
    client.force_login(ada)
    response = client.post(page_of(standard), filled(client.get(page_of(standard)), is_default=None))
    assert "make another one the default instead" in errors_on(response)
    assert SLAPolicy.objects.get(is_default=True) == standard


def test_default_policy_cannot_be_deleted(client, ada, standard):
    client.force_login(ada)
    text = client.post(deletion_of(standard), {"post": "yes"}, follow=True).content.decode()
    assert "“Standard” cannot be deleted: it is the default." in text
    chosen = {"action": "delete_selected", "_selected_action": [standard.pk], "post": "yes"}
    client.post(listing(SLAPolicy), chosen)
    assert SLAPolicy.objects.filter(pk=standard.pk).exists()


def test_policy_and_calendar_in_use_stay(client, ada, standard):
    premium = SLAPolicy.objects.get(name="Premium")
    CustomerFactory(sla_policy=premium)
    client.force_login(ada)
    assert "1 customer" in client.post(deletion_of(premium), {"post": "yes"}, follow=True).content.decode()
    text = client.post(deletion_of(standard.calendar), {"post": "yes"}, follow=True).content.decode()
    assert "“Business hours” cannot be deleted: it is used by 3 SLA policies." in text


@pytest.mark.parametrize(
    ("response", "resolution", "reason"),
    [
        ((5, "hours"), (4, "hours"), "Resolution cannot be due before the response."),
        ((241, "minutes"), (4, "hours"), "Resolution cannot be due before the response."),
        ((3, "business_days"), (2, "business_days"), "Resolution cannot be due before the response."),
        ((0, "hours"), (4, "hours"), "Give at least 1, or leave it empty for no target."),
        ((-1, "hours"), (4, "hours"), "greater than or equal to 0"),
        ((1, "fortnights"), (4, "hours"), "Select a valid choice"),
    ],
)
def test_impossible_target_is_refused_with_the_reason(client, ada, standard, response, resolution, reason):
    client.force_login(ada)
    data = filled(client.get(page_of(standard))) | target(0, response, resolution)
    page = client.post(page_of(standard), data)
    assert reason in errors_on(page)
    assert "onstraint" not in errors_on(page)


@pytest.mark.parametrize(
    ("response", "resolution"),
    [
        ((240, "minutes"), (4, "hours")),
        ((48, "hours"), (1, "business_days")),
        (("", "hours"), (4, "hours")),
        ((4, "hours"), ("", "hours")),
    ],
)
def test_target_that_can_be_kept_is_accepted(client, ada, standard, response, resolution):
    client.force_login(ada)
    data = filled(client.get(page_of(standard))) | target(0, response, resolution)
    page = client.post(page_of(standard), data)
    assert page.status_code == 302, errors_on(page)


def test_policy_needs_all_four_targets(client, ada, standard):
    client.force_login(ada)
    data = filled(client.get(adding(SLAPolicy)), name="Gold", calendar=standard.calendar_id)
    response = client.post(adding(SLAPolicy), data | {"targets-TOTAL_FORMS": "3"})
    assert "Please submit at least 4 forms." in errors_on(response)
    assert not SLAPolicy.objects.filter(name="Gold").exists()


def test_new_policy_comes_with_a_row_for_each_priority(client, ada, standard):
    client.force_login(ada)
    page = client.get(adding(SLAPolicy))
    text = page.content.decode()
    assert [text.count(f">{priority.label}<") > 0 for priority in Priority] == [True] * 4
    data = filled(page, name="Gold", calendar=standard.calendar_id) | target(0, (1, "hours"), (2, "hours"))
    response = client.post(adding(SLAPolicy), data)
    assert response.status_code == 302, errors_on(response)
    gold = SLAPolicy.objects.get(name="Gold")
    assert sorted(gold.targets.values_list("priority", flat=True)) == list(Priority)
    assert gold.targets.get(response_amount=1).priority == Priority.URGENT


def test_policy_that_lacks_a_target_gets_its_row_back(client, ada, standard):
    standard.targets.filter(priority=Priority.HIGH).delete()
    client.force_login(ada)
    response = client.post(page_of(standard), filled(client.get(page_of(standard))))
    assert response.status_code == 302, errors_on(response)
    assert standard.targets.count() == 4


def test_making_another_policy_the_default_moves_the_default(client, ada, standard):
    premium = SLAPolicy.objects.get(name="Premium")
    client.force_login(ada)
    response = client.post(page_of(premium), filled(client.get(page_of(premium)), is_default="on"), follow=True)
    assert "“Standard” is no longer the default." in response.content.decode()
    assert SLAPolicy.objects.get(is_default=True) == premium


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "Give at least one opening interval"),
        ([(0, "17:00", "08:00")], "Must be later than the opening; 00:00 is the end of the day."),
        ([(0, "08:00", "08:00")], "Must be later than the opening"),
        ([(0, "08:00", "12:00"), (0, "11:00", "17:00")], "Two opening intervals on Monday overlap."),
        ([(0, "08:00", "00:00"), (0, "20:00", "22:00")], "Two opening intervals on Monday overlap."),
    ],
)
def test_impossible_business_hours_are_refused_with_the_reason(client, ada, rows, reason):
    client.force_login(ada)
    data = intervals(client.get(adding(BusinessCalendar)), *rows, name="Works", time_zone="Europe/Berlin")
    page = client.post(adding(BusinessCalendar), data)
    assert reason in errors_on(page)
    assert "onstraint" not in errors_on(page)


def test_unknown_time_zone_is_refused(client, ada):
    client.force_login(ada)
    data = intervals(client.get(adding(BusinessCalendar)), (0, "08:00", "17:00"), name="Works", time_zone="Mars")
    assert "“Mars” is not a time zone" in errors_on(client.post(adding(BusinessCalendar), data))


def test_admin_adds_a_calendar_with_a_lunch_break_and_a_holiday(client, ada):
    client.force_login(ada)
    rows = [(0, "08:00", "12:00"), (0, "13:00", "17:00"), (1, "18:00", "00:00")]
    data = intervals(client.get(adding(BusinessCalendar)), *rows, name="Works", time_zone="Europe/Berlin")
    data |= {"holidays-TOTAL_FORMS": 1, "holidays-0-date_on": "2026-12-25", "holidays-0-name": "Christmas"}
    response = client.post(adding(BusinessCalendar), data)
    assert response.status_code == 302, errors_on(response)
    works = BusinessCalendar.objects.get(name="Works")
    assert works.opening_intervals.count() == 3
    assert works.holidays.get().name == "Christmas"


# What a new database begins with -----------------------------------------------------------------


def test_new_database_has_three_policies_of_which_standard_is_the_default(standard):
    assert set(SLAPolicy.objects.values_list("name", flat=True)) == {"Standard", "Premium", "Emergency"}
    assert standard.is_default
    assert SLATarget.objects.count() == 12
    urgent, low = standard.targets.get(priority=Priority.URGENT), standard.targets.get(priority=Priority.LOW)
    assert (urgent.response_amount, urgent.resolution_amount) == (1, 4)
    assert (low.resolution_amount, low.resolution_unit) == (5, "business_days")
    hours = standard.calendar.opening_intervals.values_list("weekday", "opens_at", "closes_at")
    assert list(hours) == [(weekday, time(8), time(17)) for weekday in range(5)]


def test_seeding_twice_changes_nothing_that_an_admin_changed(standard):
    SLAPolicy.objects.filter(pk=standard.pk).update(is_default=False)
    SLAPolicy.objects.filter(name="Premium").update(is_default=True)
    standard.targets.filter(priority=Priority.LOW).update(response_amount=99)
    import_module("sla.migrations.0004_standard_policies").seed(apps, None)
    assert SLAPolicy.objects.get(is_default=True).name == "Premium"
    assert SLATarget.objects.count() == 12
    assert standard.targets.get(priority=Priority.LOW).response_amount == 99
    assert standard.calendar.opening_intervals.count() == 5


def test_each_seeded_policy_is_tighter_than_the_one_before(standard):
    for priority in Priority:
        amounts = [
            SLATarget.objects.get(policy__name=name, priority=priority) for name in ("Standard", "Premium", "Emergency")
        ]
        minutes = [row.response_amount * {"minutes": 1, "hours": 60}[row.response_unit] for row in amounts]
        assert minutes == sorted(minutes, reverse=True)
        assert len(set(minutes)) == 3
