"""A business calendar's page in the admin: whose public holidays, which days off, hours that suffice."""

from datetime import date, timedelta

import pytest
from django.utils import timezone

from sla.models import BusinessCalendar, Holiday, Priority, SLAPolicy
from tests.admin_pages import adding, errors_on, filled, page_of, queries_for


@pytest.fixture
def standard(db):
    return SLAPolicy.objects.get(name="Standard")


@pytest.fixture
def calendar(standard):
    return standard.calendar


def save(client, row, **changes):
    return client.post(page_of(row), filled(client.get(page_of(row)), **changes))


def text_of(client, row):
    return client.get(page_of(row)).content.decode()


# Whose public holidays -----------------------------------------------------------------------------


def test_admin_chooses_country_and_state_by_their_names(client, ada, calendar):
    client.force_login(ada)
    save(client, calendar, country="US")
    text = text_of(client, calendar)
    assert '<option value="US" selected>United States</option>' in text
    assert '<option value="NY">New York</option>' in text
    assert '<option value="BY">Bayern</option>' not in text
    response = save(client, calendar, subdivision="NY")
    assert response.status_code == 302, errors_on(response)
    calendar.refresh_from_db()
    assert (calendar.country, calendar.subdivision) == ("US", "NY")


def test_the_states_of_every_country_are_at_hand_when_another_is_chosen(client, ada):
    client.force_login(ada)
    text = client.get(adding(BusinessCalendar)).content.decode()
    assert 'data-country="id_country"' in text
    assert "[&quot;BE&quot;, &quot;Berlin&quot;]" in text
    assert "calendar_form.js" in text


@pytest.mark.parametrize(
    ("country", "region", "reason"),
    [
        ("XX", "", "No public holidays are known for a country “XX”."),
        ("US", "BY", "“BY” is not among the states and regions of United States."),
        ("AF", "NY", "“NY” is not among the states and regions of Afghanistan."),
        ("", "NY", "Choose its country, too."),
    ],
)
def test_an_unknown_country_or_state_is_refused_with_the_reason(client, ada, calendar, country, region, reason):
    client.force_login(ada)
    response = save(client, calendar, country=country, subdivision=region)
    assert reason in errors_on(response)
    assert not BusinessCalendar.objects.exclude(country="", subdivision="").exists()


@pytest.mark.expects_error_logs
def test_a_country_that_has_become_unknown_stays_in_sight(client, ada, calendar):
    BusinessCalendar.objects.filter(pk=calendar.pk).update(country="ZZ", subdivision="OLD")
    client.force_login(ada)
    text = text_of(client, calendar)
    assert '<option value="ZZ" selected>' in text
    assert '<option value="OLD" selected>' in text
    assert "No public holidays are known for a country “ZZ”." in text
    assert "No public holidays" in errors_on(save(client, calendar, name="Works"))


# Days off ------------------------------------------------------------------------------------------


def test_the_page_shows_the_days_off_of_this_year_and_the_next(client, ada, calendar):
    BusinessCalendar.objects.filter(pk=calendar.pk).update(country="US", subdivision="NY")
    this = timezone.localdate().year
    Holiday.objects.create(calendar=calendar, date_on=date(this, 12, 24), name="Christmas <party>")
    client.force_login(ada)
    text = text_of(client, calendar)
    assert f"<h3>{this}</h3>" in text
    assert f"<h3>{this + 1}</h3>" in text
    assert f'datetime="{this + 1}-12-25"' in text
    assert "Lincoln&#x27;s Birthday" in text
    assert "Christmas &lt;party&gt;" in text


def test_a_calendar_without_days_off_says_so(client, ada, calendar):
    client.force_login(ada)
    assert text_of(client, calendar).count("None.") == 2


def test_a_new_calendar_has_no_days_off_to_show(client, ada):
    client.force_login(ada)
    assert "days-off" not in client.get(adding(BusinessCalendar)).content.decode()


@pytest.mark.parametrize("who", ["dana", "omar"])
def test_dispatching_roles_see_the_days_off(client, request, calendar, who):
    BusinessCalendar.objects.filter(pk=calendar.pk).update(country="US")
    client.force_login(request.getfixturevalue(who))
    assert "Thanksgiving" in text_of(client, calendar)


def test_the_page_asks_as_often_for_fifty_closures_as_for_five(client, ada, calendar):
    client.force_login(ada)
    begin = timezone.localdate()
    counts = []
    for number in (5, 45):
        first = calendar.holidays.count()
        days = [begin + timedelta(days=first + day) for day in range(number)]
        Holiday.objects.bulk_create(Holiday(calendar=calendar, date_on=day) for day in days)
        counts.append(queries_for(client, page_of(calendar)))
    assert counts[0] == counts[1]


# Targets that would never be due -------------------------------------------------------------------


def test_a_target_that_the_calendar_never_uses_up_is_refused_with_the_reason(client, ada, standard):
    client.force_login(ada)
    target = {"targets-3-resolution_amount": 2_000_000_000, "targets-3-resolution_unit": "business_days"}
    response = save(client, standard, **target)
    assert "Never due in the hours of “Business hours”: resolution of Low in “Standard”." in errors_on(response)
    assert standard.targets.get(priority=Priority.LOW).resolution_amount == 5


def test_a_target_of_more_hours_than_anyone_lives_is_refused(client, ada, standard):
    client.force_login(ada)
    response = save(client, standard, **{"targets-0-resolution_amount": 2_147_483_647})
    assert "resolution of Urgent in “Standard”" in errors_on(response)


def test_hours_too_few_for_the_policies_that_count_by_them_are_refused(client, ada, standard):
    standard.targets.filter(priority=Priority.LOW).update(resolution_amount=500, resolution_unit="business_hours")
    client.force_login(ada)
    minute_a_week = {"opening_intervals-0-opens_at": "08:00", "opening_intervals-0-closes_at": "08:01"}
    others = {f"opening_intervals-{number}-DELETE": "on" for number in range(1, 5)}
    response = save(client, standard.calendar, **minute_a_week, **others)
    assert "These hours are too few: never due would be resolution of Low in “Standard”." in errors_on(response)
    assert standard.calendar.opening_intervals.count() == 5
