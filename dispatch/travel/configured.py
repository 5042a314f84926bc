"""Travel times as the settings have them."""

from datetime import datetime

from django.conf import settings as environment
from django.utils import timezone

from dispatch.models import DispatchSettings, PlanningSettings
from dispatch.travel.great_circle import Hours, StraightLine
from dispatch.travel.osrm import Osrm
from dispatch.travel.places import TravelTimes
from dispatch.travel.roads import Roads
from dispatch.travel.server import RoadServer
from dispatch.travel.valhalla import Valhalla


def travel_times(*, now: datetime, may_wait: bool = True) -> TravelTimes:
    """For a worker, who may wait for a server; inside a request, `may_wait=False` takes what is known already."""
    circle, server = great_circle(), road_server()
    return Roads(server, circle, now=now, may_wait=may_wait) if server else circle


def road_server() -> RoadServer | None:
    if environment.OSRM_URL:
        return Osrm(environment.OSRM_URL)
    return Valhalla(environment.VALHALLA_URL) if environment.VALHALLA_URL else None


def great_circle(settings: DispatchSettings | None = None) -> StraightLine:
    """Answers at once, wherever it is asked."""
    settings = settings or DispatchSettings.load()
    percents = tuple(PlanningSettings.load().speed_percent_by_hour)
    hours = Hours(percents, timezone.get_current_timezone())
    return StraightLine(settings.detour_factor, settings.average_speed_kmh, hours)
