"""Whose day may be planned: the technicians of a day, with what they have, and the jobs that nobody has."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Count
from django.utils import timezone

from dispatch.day.roll_call import Presence, load_roll_call
from dispatch.models import Job, Plan
from zones.models import ServiceZone


@dataclass(frozen=True)
class Planned:
    """A technician who may be ticked. Who is away or off that day can be planned for nothing."""

    presence: Presence
    jobs: int  # open ones of that day
    is_ticked: bool

    @property
    def technician(self):
        return self.presence.technician

    @property
    def works(self) -> bool:
        return _works(self.presence)

    @property
    def why_not(self) -> str:
        if self.presence.absence:
            return self.presence.absence.get_kind_display()
        return "Off that day"


@dataclass(frozen=True)
class Scope:
    day: date
    today: date
    people: list[Planned]  # those who work first
    zones: list[ServiceZone]
    unassigned: int
    now: datetime
    recent: Plan | None  # of that day: being worked out, or waiting to be looked at

    @property
    def ticked(self) -> list[Planned]:
        return [one for one in self.people if one.is_ticked]

    @property
    def working(self) -> int:
        return sum(one.works for one in self.people)

    @property
    def jobs(self) -> int:
        return sum(one.jobs for one in self.ticked)

    @property
    def is_today(self) -> bool:
        return self.day == self.today

    @property
    def has_begun(self) -> bool:
        """Somebody should be at work by now."""
        begins = [one.presence.begins_at for one in self.people if one.works and one.presence.begins_at]
        return self.day == self.today and bool(begins) and min(begins) < self.now


def load_scope(
    user,
    day: date,
    *,
    now: datetime,
    zones: Collection[int] = (),
    technicians: Collection[int] | None = None,
) -> Scope:
    """Ticked are the technicians; where none are named those who work, in one of the zones if any are."""
    today = timezone.localdate(now)
    own = Job.objects.dispatchable_by(user).open()
    given = own.filter(scheduled_on=day).exclude(technician=None).order_by().values_list("technician")
    jobs_of = dict(given.annotate(Count("pk")))
    people = [
        Planned(one, jobs_of.get(one.technician.pk, 0), _is_ticked(one, zones=zones, technicians=technicians))
        for one in load_roll_call(user, day, now=now).everyone
    ]
    standing = Plan.objects.visible_to(user).filter(day=day, state__in=(*Plan.UNFINISHED, Plan.State.PROPOSED))
    return Scope(
        day=day,
        today=today,
        now=now,
        people=sorted(people, key=lambda one: not one.works),
        zones=list(ServiceZone.objects.dispatchable_by(user).active().only("name").order_by("name")),
        unassigned=own.unassigned().for_dispatch_day(day, today=today).filter(held_at=None).count(),
        recent=standing.exclude(kind=Plan.Kind.ROUTE).defer("result").select_related("created_by").first(),
    )


def _works(presence: Presence) -> bool:
    """Of whom no hours are known may be planned on any day."""
    return presence.absence is None and (presence.shifts is None or bool(presence.shifts))


def _is_ticked(presence: Presence, *, zones: Collection[int], technicians: Collection[int] | None) -> bool:
    if not _works(presence):
        return False
    if technicians is not None:
        return presence.technician.pk in technicians
    own = {zone.pk for zone in presence.technician.zones.all()}
    return not zones or not own or bool(own & set(zones))
