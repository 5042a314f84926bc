"""When somebody who is called to an urgent job in the middle of their day would begin it. Pure."""

from datetime import datetime, timedelta
from enum import StrEnum

from dispatch.smart.free_time import free_from, origin_at, whole_minute
from dispatch.smart.qualification import Booking, Needs, Qualification
from dispatch.travel import Travel


class When(StrEnum):
    NOW = "now"
    AFTER = "after"  # the job that is under way


def under_way(has: Qualification, *, now: datetime) -> Booking | None:
    return next((booked for booked in has.bookings if booked.is_begun and booked.ends_at >= now), None)


def call_start(needs: Needs, has: Qualification, *, when: When, travel: Travel, now: datetime) -> datetime:
    """With the way there; what they were to begin in the meantime has to wait."""
    current = under_way(has, now=now)
    if when == When.NOW or current is None:
        leaves_at = now
        place = has.position or (current and current.place) or origin_at(now, needs, has).place
    else:
        leaves_at = free_from(current.ends_at, needs, has)
        place = current.place or origin_at(leaves_at, needs, has).place
    leg = travel.leg(place, needs.place)
    return whole_minute(leaves_at + timedelta(minutes=leg.minutes if leg else 0))
