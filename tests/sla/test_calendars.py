"""Business calendars as they are kept in the database, with public holidays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, time, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from sla.calendars import always_open, calendar_of, days_off, load_calendars
from sla.clock import BUSINESS_DAYS, BUSINESS_HOURS, Clock
from sla.models import BusinessCalendar, Holiday, OpeningInterval
from sla.public_holidays import PublicHolidays, UnknownRegionError, countries, public_holidays, regions_of
from tests.sla.calendars import at

HOUR = timedelta(hours=1)


def make_calendar(name="Works", *, hours=(("08:00", "17:00"),), weekdays=range(5), zone="America/New_York", **fields):
    calendar = BusinessCalendar.objects.create(name=name, time_zone=zone, **fields)
    for weekday in weekdays:
        for opens, closes in hours:
            times = {"opens_at": time.fromisoformat(opens), "closes_at": time.fromisoformat(closes)}
            OpeningInterval.objects.create(calendar=calendar, weekday=weekday, **times)
    return calendar


def due(start, amount, unit, calendar):
    return Clock(at(start), amount, unit, calendar_of(calendar)).due_at


# Hours ---------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_hours_are_in_order_however_they_were_entered():
    calendar = make_calendar(hours=[("13:00", "17:00"), ("08:00", "12:00")])
    assert calendar_of(calendar).weekly[0] == ((time(8), time(12)), (time(13), time(17)))
    assert due("2026-11-16 11:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-16 14:00")


@pytest.mark.django_db
def test_hours_until_midnight_and_on_from_there_are_one_stretch():
    calendar = make_calendar(hours=[("00:00", "00:00")], weekdays=range(7))
    stretches = calendar_of(calendar).openings_between(at("2026-11-16 10:00"), at("2026-11-19 10:00"))
    assert list(stretches) == [(at("2026-11-16 10:00"), at("2026-11-19 10:00"))]


@pytest.mark.django_db
def test_calendars_are_loaded_in_three_queries_however_many_they_are():
    for number in range(5):
        make_calendar(f"Works {number}", country="US")
    with CaptureQueriesContext(connection) as queries:
        found = load_calendars()
    assert (len(queries), len(found)) == (3, 5 + 1)


@pytest.mark.django_db
def test_only_the_calendars_that_are_asked_for_are_loaded():
    calendar = make_calendar()
    assert list(load_calendars([calendar])) == [calendar.pk]


@pytest.mark.django_db
def test_a_calendar_that_is_edited_is_read_anew():
    calendar = make_calendar()
    assert due("2026-11-16 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-17 09:00")
    Holiday.objects.create(calendar=calendar, date_on=date(2026, 11, 17))
    assert due("2026-11-16 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-18 09:00")
    calendar.opening_intervals.update(closes_at=time(20))
    assert due("2026-11-16 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-16 18:00")
    BusinessCalendar.objects.filter(pk=calendar.pk).update(time_zone="America/Chicago")
    assert load_calendars([calendar])[calendar.pk].zone.key == "America/Chicago"


@pytest.mark.django_db
def test_two_calendars_alike_are_worked_out_once():
    assert calendar_of(make_calendar("One")) is calendar_of(make_calendar("Two"))


@pytest.mark.django_db
@pytest.mark.expects_error_logs
@pytest.mark.parametrize(
    "broken",
    [{"time_zone": "Mars/Olympus"}, {"time_zone": "America"}, {"country": "XX"}, {"subdivision": "?"}],
    ids=str,
)
def test_a_broken_calendar_does_not_stop_the_others(broken, settings, caplog):
    whole, other = make_calendar("Whole", country="US"), make_calendar("Broken", country="US")
    BusinessCalendar.objects.filter(pk=other.pk).update(**broken)
    found = load_calendars()
    assert found[whole.pk].is_working_day(date(2026, 11, 25)) and not found[whole.pk].is_working_day(date(2026, 11, 26))
    assert found[other.pk].is_working_day(date(2026, 11, 25))
    assert found[other.pk].zone.key == settings.TIME_ZONE
    assert "A business calendar goes" in caplog.text


@pytest.mark.expects_error_logs
def test_holidays_that_cannot_be_worked_out_are_none(monkeypatch):
    def refuse(*args, **kwargs):
        raise NotImplementedError

    monkeypatch.setattr("holidays.country_holidays", refuse)
    assert date(1993, 12, 25) not in PublicHolidays("US")


def test_what_is_always_open_counts_every_hour():
    start = at("2026-03-07 10:00")
    assert always_open().open_between(start, start + 1000 * HOUR) == 1000 * HOUR


# Days off ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_public_holiday_does_not_count():
    calendar = make_calendar(country="US")
    assert due("2026-11-25 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-27 09:00")  # Thanksgiving
    assert due("2026-11-25 16:00", 1, BUSINESS_DAYS, calendar) == at("2026-11-27 16:00")


@pytest.mark.django_db
def test_without_a_country_public_holidays_count():
    assert due("2026-11-25 16:00", 2, BUSINESS_HOURS, make_calendar()) == at("2026-11-26 09:00")


@pytest.mark.django_db
def test_a_holiday_on_a_sunday_is_observed_on_monday():
    calendar = make_calendar(country="US")
    assert due("2027-07-02 16:00", 2, BUSINESS_HOURS, calendar) == at("2027-07-06 09:00")  # 4 July is a Sunday


@pytest.mark.django_db
def test_a_holiday_on_a_saturday_is_observed_on_friday():
    assert due("2026-07-02 16:00", 2, BUSINESS_HOURS, make_calendar(country="US")) == at("2026-07-06 09:00")


@pytest.mark.django_db
def test_new_year_on_a_saturday_is_observed_in_the_old_year():
    calendar = make_calendar(country="US")
    assert due("2027-12-30 16:00", 2, BUSINESS_HOURS, calendar) == at("2028-01-03 09:00")


def test_a_region_has_holidays_of_its_own():
    assert date(2026, 2, 12) in PublicHolidays("US", "NY")  # Lincoln's Birthday
    assert date(2026, 2, 12) not in PublicHolidays("US")
    corpus_christi = date(2026, 6, 4)
    assert (corpus_christi in PublicHolidays("DE", "BY"), corpus_christi in PublicHolidays("DE", "BE")) == (True, False)


@pytest.mark.django_db
def test_a_closure_of_our_own_counts_beside_the_public_holidays():
    calendar = make_calendar(country="US")
    Holiday.objects.create(calendar=calendar, date_on=date(2026, 11, 27), name="Stocktaking")
    assert due("2026-11-25 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-30 09:00")


@pytest.mark.django_db
def test_the_clock_knows_what_its_days_off_are_called():
    calendar = make_calendar(country="US")
    Holiday.objects.create(calendar=calendar, date_on=date(2026, 11, 27), name="Stocktaking")
    Holiday.objects.create(calendar=calendar, date_on=date(2026, 11, 30))
    found = calendar_of(calendar).days_off_between(at("2026-11-25 17:00"), at("2026-12-01 08:00"))
    assert list(found) == ["Thanksgiving Day", "Stocktaking", "Closed"]


@pytest.mark.django_db
def test_days_off_are_listed_with_all_their_names_in_order():
    calendar = make_calendar(country="US")
    for day, name in [
        (date(2026, 12, 24), "Christmas party"),
        (date(2026, 12, 25), "Closed twice"),
        (date(2027, 1, 4), ""),
    ]:
        Holiday.objects.create(calendar=calendar, date_on=day, name=name)
    listed = {off.day: off for off in days_off(calendar, 2026)}
    assert list(listed) == sorted(listed)
    assert listed[date(2026, 12, 24)].names == ["Christmas party"]
    assert listed[date(2026, 12, 25)].names == ["Christmas Day", "Closed twice"]
    assert listed[date(2026, 7, 3)].names == ["Independence Day (observed)"]
    assert (listed[date(2026, 7, 4)].is_closed_anyway, listed[date(2026, 7, 3)].is_closed_anyway) == (True, False)
    assert date(2027, 1, 4) not in listed
    assert [off.names for off in days_off(calendar, 2027) if off.day == date(2027, 1, 4)] == [["Closed"]]


# Public holidays -----------------------------------------------------------------------------------


def test_countries_are_named_as_people_name_them():
    assert countries()["US"] == "United States"
    assert countries()["IM"] == "Isle of Man"
    assert countries()["CD"] == "DR Congo"
    assert list(countries().values()) == sorted(countries().values())


def test_regions_are_named_by_their_longest_name():
    assert regions_of("US")["NY"] == "New York"
    assert regions_of("IN")["TS"] == "Telangana"
    assert regions_of("DE")["Augsburg"] == "Augsburg"


def test_holidays_are_named_in_english_where_they_can_be():
    assert public_holidays("DE", "", 2026)[date(2026, 10, 3)] == "German Unity Day"


@pytest.mark.parametrize(
    ("country", "region", "reason"),
    [
        ("XX", "", "No public holidays are known for a country “XX”."),
        ("us", "", "No public holidays are known for a country “us”."),
        ("US", "XX", "United States has no state or region “XX”."),
        ("US", "New York", "United States has no state or region “New York”."),
        ("AF", "NY", "Afghanistan has no state or region “NY”."),
    ],
)
def test_an_unknown_country_or_region_is_refused_with_the_reason(country, region, reason):
    with pytest.raises(UnknownRegionError, match=reason):
        public_holidays(country, region, 2026)


@pytest.mark.django_db
@pytest.mark.expects_error_logs
def test_a_job_still_gets_its_deadline_when_a_calendars_country_has_become_unknown(caplog):
    calendar = make_calendar(country="QQ", subdivision="YY")
    assert due("2026-11-25 16:00", 2, BUSINESS_HOURS, calendar) == at("2026-11-26 09:00")
    assert "No public holidays are known for a country “QQ”." in caplog.text


def test_every_country_and_region_that_is_offered_can_be_asked():
    for country in countries():
        for region in ["", *regions_of(country)]:
            assert public_holidays(country, region, 2026) is not None


def test_people_who_ask_at_the_same_time_for_a_new_year_are_told_the_same():
    """The package's own calendars fill in a year while they are asked: a second thread finds it begun and empty."""
    days = [date(year, 12, 25) for year in range(1990, 2030)]
    holidays = PublicHolidays("CA")  # for which nobody else asks
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: [day in holidays for day in days], range(8))
        assert all(all(answer) for answer in answers)
