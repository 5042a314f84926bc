"""Days of the business's time zone as instants."""

from datetime import date, datetime, time, timedelta

from django.utils import timezone


def beginning_of(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def end_of(day: date) -> datetime:
    """The first instant that does not belong to it any more."""
    return beginning_of(day + timedelta(days=1))
