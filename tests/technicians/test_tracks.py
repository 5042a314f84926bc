from datetime import UTC, datetime, timedelta

from technicians.tracks import Point, stretches

BEGIN = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
DEGREE_KM = 111.195


def points(*where):
    """(minute, km north) pairs."""
    return [Point(BEGIN + timedelta(minutes=minute), 40 + km / DEGREE_KM, -75) for minute, km in where]


def told(*where):
    begun = [(one.kind, (one.begins_at - BEGIN).total_seconds() / 60, one.minutes, round(one.km, 1)) for one in where]
    return [(kind, int(minute), minutes, km) for kind, minute, minutes, km in begun]


def test_nobody_was_anywhere():
    assert stretches([]) == []
    assert stretches(points((0, 0))) == []


def test_a_morning_is_told_as_stays_and_ways():
    morning = points((0, 0), (10, 0.02), (20, 0), (25, 3), (30, 8), (40, 8.05), (60, 8), (65, 12))
    assert told(*stretches(morning)) == [
        ("stayed", 0, 20, 0),
        ("drove", 20, 10, 8),
        ("stayed", 30, 30, 0),
        ("drove", 60, 5, 4),
    ]


def test_a_phone_that_sends_nothing_while_it_lies_still_has_stayed():
    assert told(*stretches(points((0, 0), (90, 0.01)))) == [("stayed", 0, 90, 0)]


def test_a_phone_that_was_silent_and_is_elsewhere_was_not_heard_of():
    assert told(*stretches(points((0, 0), (40, 10), (44, 12)))) == [("unheard", 0, 40, 10), ("drove", 40, 4, 2)]


def test_a_short_stop_is_part_of_the_way():
    assert told(*stretches(points((0, 0), (3, 2), (6, 2), (9, 5)))) == [("drove", 0, 9, 5)]
