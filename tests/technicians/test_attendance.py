from datetime import timedelta

import pytest
from django.utils import timezone

from technicians.attendance import clock_in, clock_out, is_on_duty
from technicians.models import ClockRecord
from tests.threads import at_the_same_time

NOW = timezone.now()


def test_technician_is_on_duty_between_clocking_in_and_out(tess):
    assert not is_on_duty(tess)
    assert clock_in(tess, now=NOW)
    assert is_on_duty(tess)
    assert clock_out(tess, now=NOW + timedelta(hours=8))
    assert not is_on_duty(tess)
    record = tess.clock_records.get()
    assert (record.clocked_in_at, record.clocked_out_at) == (NOW, NOW + timedelta(hours=8))
    assert not record.closed_by_system


def test_technician_who_taps_twice_has_one_record(tess):
    assert clock_in(tess, now=NOW)
    assert not clock_in(tess, now=NOW + timedelta(minutes=1))
    assert tess.clock_records.get().clocked_in_at == NOW


def test_technician_who_is_not_on_duty_cannot_clock_out(tess):
    assert not clock_out(tess, now=NOW)
    clock_in(tess, now=NOW)
    clock_out(tess, now=NOW + timedelta(hours=1))
    assert not clock_out(tess, now=NOW + timedelta(hours=2))
    assert tess.clock_records.get().clocked_out_at == NOW + timedelta(hours=1)


def test_technician_comes_back_after_a_break(tess):
    for hour in (0, 4):
        assert clock_in(tess, now=NOW + timedelta(hours=hour))
        assert clock_out(tess, now=NOW + timedelta(hours=hour + 3))
    assert tess.clock_records.count() == 2


def test_one_technicians_duty_is_not_anothers(tess, tom):
    clock_in(tess, now=NOW)
    assert not is_on_duty(tom)
    assert not clock_out(tom, now=NOW)
    assert is_on_duty(tess)


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_two_taps_at_the_same_moment_make_one_record(tess):
    for _ in range(10):
        assert sorted(at_the_same_time(*[lambda: clock_in(tess, now=NOW)] * 3)) == [False, False, True]
        assert ClockRecord.objects.filter(clocked_out_at=None).count() == 1
        clock_out(tess, now=NOW)
