"""Roads that predictions and maps lack: asked for in a worker, for nobody waits for them."""

from collections.abc import Iterable
from datetime import datetime

from dispatch import arrivals, realtime
from dispatch.actions.base import groups_of_technician
from dispatch.models import KnownLeg
from dispatch.travel.configured import great_circle, road_server
from dispatch.travel.known_legs import load_pairs
from dispatch.travel.roads import Roads
from technicians.models import Technician

MOST_NAMED = 20  # technicians; of more, boards ask for everything


def learn_roads(pairs: Iterable[tuple[str, str]], technician_ids: Iterable[int], *, now: datetime) -> int:
    """Asks the server for the ways, predicts the technicians anew and lets maps draw them. How many ways are new."""
    server = road_server()
    if server is None:
        return 0
    pairs = {tuple(pair) for pair in pairs}
    known = load_pairs(server.provider, pairs, now=now)
    told = Roads(server, great_circle(), now=now).ways(pairs)
    learned = [pair for pair, way in told.items() if way != known.get(pair)]
    if learned:
        _announce(technician_ids, now=now)
    return len(learned)


def _announce(technician_ids: Iterable[int], *, now: datetime) -> None:
    """Maps draw a technician's route anew when they hear of the technician, whether or not a time has changed."""
    technicians = list(Technician.objects.filter(pk__in=list(technician_ids)).prefetch_related("zones"))
    changed = arrivals.refresh([technician.pk for technician in technicians], now=now, asks=False)
    if len(technicians) > MOST_NAMED:
        groups = set().union(*map(groups_of_technician, technicians), map(realtime.zone_group, changed.values()))
        realtime.publish("board-changed", groups=groups)
        return
    if changed:
        realtime.publish("job-changed", groups=set(map(realtime.zone_group, changed.values())), jobs=sorted(changed))
    for technician in technicians:
        realtime.publish("technician-changed", groups=groups_of_technician(technician), technician=technician.pk)


def forget_old_roads(*, now: datetime) -> int:
    return KnownLeg.objects.outdated(now=now).delete()[0]
