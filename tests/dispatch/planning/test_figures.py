from dataclasses import dataclass

from dispatch.planning.figures import figures, headline, in_hours, jobs_figure


@dataclass
class Day:
    jobs: int = 5
    km: float = 40.0
    minutes: int = 90
    late_jobs: int = 1
    late_minutes: int = 20
    fuel: float = 6.0


def test_what_gets_less_is_better_and_says_by_how_much():
    driving, distance, fuel, late_jobs, late = figures(
        Day(), Day(km=28.4, minutes=61, fuel=4.26, late_jobs=0, late_minutes=0), currency="USD"
    )
    assert (driving.before, driving.after, driving.difference, driving.tone) == (
        "1 h 30",
        "1 h 01",
        "29 min less",
        "better",
    )
    assert (distance.after, distance.difference) == ("28.4 km", "11.6 km less")
    assert (fuel.after, fuel.difference) == ("4.26 USD", "1.74 USD less")
    assert (late_jobs.difference, late.difference) == ("1 less", "20 min less")


def test_more_jobs_are_better_and_more_driving_is_worse():
    assert jobs_figure(Day(), Day(jobs=7)).tone == "better"
    assert figures(Day(), Day(minutes=91), currency="USD")[0].tone == "worse"


def test_no_change_is_said_once():
    (driving, *_) = figures(Day(), Day(), currency="USD")
    assert (driving.before, driving.after, driving.difference, driving.tone) == ("", "1 h 30", "no change", "same")


def test_the_headline_says_what_it_saves_and_what_that_costs():
    assert headline(Day(), Day(km=28.4, minutes=61)) == "Saves 29 min of driving and 11.6 km."
    assert headline(Day(), Day(late_minutes=0, minutes=95)) == "Saves 20 min of lateness, for 5 min more driving."
    assert headline(Day(), Day(minutes=95)) == "Costs 5 min more driving."
    assert headline(Day(), Day()) == "Nothing to save: what is planned is as good."


def test_hours_are_read_at_a_glance():
    assert [in_hours(minutes) for minutes in (0, 45, 60, 90)] == ["0 min", "45 min", "1 h", "1 h 30"]
