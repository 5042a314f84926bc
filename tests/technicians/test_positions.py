from datetime import UTC, datetime, timedelta
from math import inf, nan

import pytest

from technicians.models import Position
from technicians.positions import DeviceFix, Fix, fix_at, forget_positions, is_plausible, store_fixes

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)


def fix_of(minutes_ago=1, *, latitude=40.1, longitude=-75.1, accuracy_m=None):
    return Fix(latitude, longitude, NOW - timedelta(minutes=minutes_ago), accuracy_m)


def take(technician, fix, *, now=NOW):
    before = Position.objects.count()
    given = DeviceFix(technician.pk, fix, Position.Source.PHONE)
    store_fixes([given], accuracy_limit_m=100, now=now, is_on_duty=True)
    technician.refresh_from_db()
    return Position.objects.count() > before


@pytest.mark.parametrize(
    "fix",
    [
        *(fix_of(latitude=90.001), fix_of(latitude=-91), fix_of(longitude=180.5), fix_of(longitude=-1000)),
        *(fix_of(latitude=nan), fix_of(longitude=nan), fix_of(latitude=inf)),
        fix_of(latitude=0, longitude=0),
        fix_of(minutes_ago=-3),
        fix_of(minutes_ago=2 * 24 * 60 + 1),
    ],
    ids=str,
)
def test_an_implausible_fix_is_not_taken(fix, tess):
    assert not is_plausible(fix, now=NOW)
    assert not take(tess, fix)
    assert tess.latitude is None
    assert not Position.objects.exists()


@pytest.mark.parametrize(
    "fix",
    [
        fix_of(latitude=0),
        fix_of(longitude=0),
        fix_of(latitude=-90, longitude=180),
        fix_of(minutes_ago=-2),
        fix_of(minutes_ago=2 * 24 * 60),
    ],
    ids=str,
)
def test_a_fix_at_the_edge_of_the_plausible_is_taken(fix, tess):
    assert take(tess, fix)


def test_a_new_fix_is_where_the_technician_is(tess):
    assert take(tess, fix_of(30, accuracy_m=12.5))
    assert take(tess, fix_of(1, latitude=40.7, longitude=-75.7, accuracy_m=8))
    assert (tess.latitude, tess.longitude, tess.accuracy_m) == (40.7, -75.7, 8)
    assert tess.position_at == NOW - timedelta(minutes=1)
    assert Position.objects.count() == 2


def test_a_fix_that_arrives_late_is_kept_but_never_replaces_a_newer_one(tess):
    take(tess, fix_of(1, latitude=40.7))
    assert take(tess, fix_of(30, latitude=40.2))
    assert tess.latitude == 40.7
    late = Position.objects.get(latitude=40.2)
    assert (late.recorded_at, late.received_at) == (NOW - timedelta(minutes=30), NOW)


def test_a_fix_sent_twice_is_stored_once(tess):
    assert take(tess, fix_of(1))
    assert not take(tess, fix_of(1, latitude=40.9), now=NOW + timedelta(seconds=5))
    assert Position.objects.get().latitude == tess.latitude == 40.1


def test_two_technicians_may_be_seen_at_the_same_moment(tess, tom):
    assert take(tess, fix_of(1))
    assert take(tom, fix_of(1))


def test_where_someone_was_comes_from_the_history_once_they_moved_on(tess):
    assert fix_at(tess, NOW) is None
    for minutes, latitude in ((60, 40.0), (30, 41.0), (1, 42.0)):
        take(tess, fix_of(minutes, latitude=latitude))
    then = NOW - timedelta(minutes=20)
    assert (fix_at(tess, NOW).latitude, fix_at(tess, then).latitude) == (42.0, 41.0)
    assert fix_at(tess, then).recorded_at == NOW - timedelta(minutes=30)
    assert fix_at(tess, NOW - timedelta(minutes=90)) is None


def test_forgetting_old_positions_leaves_the_current_one(tess):
    take(tess, fix_of(60), now=NOW - timedelta(minutes=60))
    take(tess, fix_of(1))
    assert forget_positions(before=NOW) == 1
    assert forget_positions(before=NOW + timedelta(days=60)) == 1
    tess.refresh_from_db()
    assert tess.position_at == NOW - timedelta(minutes=1)


def test_many_old_positions_are_forgotten_in_parts(tess, monkeypatch):
    monkeypatch.setattr("technicians.positions.FORGET_AT_ONCE", 3)
    for minutes in range(7):
        take(tess, fix_of(minutes))
    assert forget_positions(before=NOW + timedelta(days=1)) == 7
    assert not Position.objects.exists()
