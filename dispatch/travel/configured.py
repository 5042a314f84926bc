"""Travel times as the settings have them."""

from datetime import datetime

from django.utils import timezone

from dispatch.models import DispatchSettings, PlanningSettings
from dispatch.travel.great_circle import Hours, StraightLine
from dispatch.travel.places import TravelTimes


def travel_times(*, now: datetime) -> TravelTimes:
    """For a worker: a matrix or a shape may wait for a server."""
    return great_circle()


def great_circle(settings: DispatchSettings | None = None) -> StraightLine:
    """Answers at once, wherever it is asked."""
    settings = settings or DispatchSettings.load()
    percents = tuple(PlanningSettings.load().speed_percent_by_hour)
    hours = Hours(percents, timezone.get_current_timezone())
    return StraightLine(settings.detour_factor, settings.average_speed_kmh, hours)
