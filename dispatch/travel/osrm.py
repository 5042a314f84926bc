"""OSRM's table and route services: https://project-osrm.org/docs/."""

from collections.abc import Sequence
from typing import Final

from dispatch.travel import road_shapes
from dispatch.travel.places import Place
from dispatch.travel.server import (
    NONSENSE,
    JsonServer,
    NoRoadNear,
    QuestionRefused,
    ServerFailed,
    Table,
    Way,
    number_of,
    table_of,
)

NO_ROAD_NEAR: Final = "NoSegment"
NO_WAY: Final = "NoRoute"


class Osrm:
    provider = "osrm"
    name = "OSRM"
    # 10,000 cells are as many as osrm-routed answers unless it is told otherwise, and the address stays below 8 kB.
    most_sources = 50
    most_targets = 200

    def __init__(self, url: str):
        self._server = JsonServer(url)

    def table(self, sources: Sequence[Place], targets: Sequence[Place]) -> Table:
        first = len(sources)
        query = (
            "annotations=duration,distance"
            f"&sources={';'.join(map(str, range(first)))}"
            f"&destinations={';'.join(map(str, range(first, first + len(targets))))}"
        )
        answer = self._ask("table", [*sources, *targets], query)
        return table_of(answer.get("durations"), answer.get("distances"), height=first, width=len(targets))

    def way(self, origin: Place, target: Place) -> Way | None:
        try:
            answer = self._ask("route", [origin, target], "overview=full&geometries=polyline")
        except QuestionRefused as refusal:
            if refusal.code == NO_WAY:
                return None
            raise
        match answer.get("routes"):
            case [{"duration": seconds, "distance": metres, **rest}, *_]:
                points = road_shapes.read(rest.get("geometry"), decimals=5, origin=origin, target=target)
                return Way(number_of(seconds), number_of(metres), points)
        raise ServerFailed(NONSENSE)

    def _ask(self, service: str, places: Sequence[Place], query: str) -> dict:
        coordinates = ";".join(f"{longitude:.5f},{latitude:.5f}" for latitude, longitude in places)
        try:
            answer = self._server.ask(f"/{service}/v1/driving/{coordinates}?{query}")
        except QuestionRefused as refusal:
            if refusal.code == NO_ROAD_NEAR:
                raise NoRoadNear(refusal.code) from None
            raise
        if answer.get("code") != "Ok":
            raise ServerFailed(NONSENSE)
        return answer
