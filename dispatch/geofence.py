"""Whether somebody has come to a site, has left it or does not get nearer, told from their fixes. Pure.

A site is entered within its radius and left beyond one and a half of it; what lies between, or is too inaccurate to
say, decides nothing, so a position that jumps about the edge changes nothing either. And nobody has come or left by one
fix alone: a second one, half a minute later, must say the same.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

EN_ROUTE, IN_PROGRESS, COMPLETED = "en_route", "in_progress", "completed"  # as a job's status
LEAVING = 1.5  # times the radius
DWELL = timedelta(seconds=30)
QUIET = timedelta(seconds=60)  # a phone that lies still may send no second fix: after this its last one counts again
PROGRESS_M = 100  # nearer by less is standing about


class Side(Enum):
    INSIDE = "inside"
    OUTSIDE = "outside"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Sighting:
    """A fix, as seen from the site."""

    at: datetime
    distance_m: float
    accuracy_m: float | None = None

    def side(self, radius_m: float) -> Side:
        doubt = self.accuracy_m or 0
        if self.distance_m + doubt <= radius_m:
            return Side.INSIDE
        return Side.OUTSIDE if self.distance_m - doubt > LEAVING * radius_m else Side.UNSURE


@dataclass(frozen=True)
class Visit:
    """What is remembered of the fixes; the fields are SiteVisit's.

    While not inside, `entered_at` is the first fix that says otherwise; while inside, so is `left_at`.
    """

    is_inside: bool = False
    entered_at: datetime | None = None
    left_at: datetime | None = None
    nearest_m: int | None = None
    nearest_at: datetime | None = None
    stuck_since: datetime | None = None
    hinted_status: str = ""
    hinted_at: datetime | None = None
    dismissed_status: str = ""


def observe(visit: Visit, seen: Sighting, *, status: str, since: datetime | None, radius_m: float) -> Visit:
    """The visit after one more fix; `since` is when the job got this status."""
    if status == EN_ROUTE and since and (visit.nearest_at is None or visit.nearest_at < since):
        visit = Visit()  # what is remembered is of an earlier way there
    if status == EN_ROUTE:
        visit = _approach(visit, seen, since=since)
    crossed = _cross(visit, seen, radius_m=radius_m)
    if crossed.is_inside == visit.is_inside:
        return crossed
    return _arrive(crossed, status) if crossed.is_inside else _leave(crossed, status)


def is_waiting(visit: Visit, *, now: datetime) -> bool:
    """One fix said that they have come or left, and no second one has come for long enough."""
    first = visit.left_at if visit.is_inside else visit.entered_at
    return first is not None and now - first >= QUIET


def is_stuck(visit: Visit, *, last_fix_at: datetime, now: datetime, after: timedelta, radius_m: float) -> bool:
    """No nearer for that long, although fixes went on coming: a phone that has gone silent says nothing."""
    if visit.nearest_at is None or visit.is_inside or visit.nearest_m <= LEAVING * radius_m:
        return False
    return now - visit.nearest_at >= after and last_fix_at - visit.nearest_at >= after / 3


def _approach(visit: Visit, seen: Sighting, *, since: datetime | None) -> Visit:
    if visit.nearest_m is not None and seen.distance_m > visit.nearest_m - PROGRESS_M:
        return visit
    at = max(seen.at, since) if since else seen.at
    return replace(visit, nearest_m=round(seen.distance_m), nearest_at=at, stuck_since=None)


def _cross(visit: Visit, seen: Sighting, *, radius_m: float) -> Visit:
    side = seen.side(radius_m)
    if visit.is_inside:
        if side == Side.INSIDE:
            return replace(visit, left_at=None)
        if side == Side.OUTSIDE and visit.left_at is None:
            return replace(visit, left_at=seen.at)
        if side == Side.OUTSIDE and seen.at - visit.left_at >= DWELL:
            return replace(visit, is_inside=False, entered_at=None)
    else:
        if side == Side.OUTSIDE:
            return replace(visit, entered_at=None)
        if side == Side.INSIDE and visit.entered_at is None:
            return replace(visit, entered_at=seen.at)
        if side == Side.INSIDE and seen.at - visit.entered_at >= DWELL:
            return replace(visit, is_inside=True, left_at=None, stuck_since=None)
    return visit


def _arrive(visit: Visit, status: str) -> Visit:
    if status == EN_ROUTE:
        return _hint(visit, IN_PROGRESS, at=visit.entered_at)
    return _withdraw(visit, COMPLETED)


def _leave(visit: Visit, status: str) -> Visit:
    if status == IN_PROGRESS:
        return _hint(visit, COMPLETED, at=visit.left_at)
    return _withdraw(visit, IN_PROGRESS)


def _hint(visit: Visit, status: str, *, at: datetime | None) -> Visit:
    if visit.dismissed_status == status:
        return visit
    return replace(visit, hinted_status=status, hinted_at=at)


def _withdraw(visit: Visit, status: str) -> Visit:
    return replace(visit, hinted_status="", hinted_at=None) if visit.hinted_status == status else visit
