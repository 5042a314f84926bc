"""Valhalla's matrix and route services: https://valhalla.github.io/valhalla/."""

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

NO_ROAD_NEAR: Final = ("170", "171")
NO_WAY: Final = ("441", "442", "443")
KM: Final = "kilometers"


class Valhalla:
    provider = "valhalla"
    name = "Valhalla"
    # 2,500 cells are as many as it answers unless it is told otherwise.
    most_sources = 50
    most_targets = 50

    def __init__(self, url: str):
        self._server = JsonServer(url)

    def table(self, sources: Sequence[Place], targets: Sequence[Place]) -> Table:
        question = {"sources": _locations(sources), "targets": _locations(targets), "costing": "auto"}
        rows = self._ask("/sources_to_targets", question).get("sources_to_targets")
        if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
            raise ServerFailed(NONSENSE)
        cells = [[_cell(cell, row, column) for column, cell in enumerate(cells)] for row, cells in enumerate(rows)]
        seconds, metres = ([[cell[part] for cell in row] for row in cells] for part in range(2))
        return table_of(seconds, metres, height=len(sources), width=len(targets))

    def way(self, origin: Place, target: Place) -> Way | None:
        question = {"locations": _locations([origin, target]), "costing": "auto", "directions_type": "none"}
        try:
            answer = self._ask("/route", question)
        except QuestionRefused as refusal:
            if refusal.code in NO_WAY:
                return None
            raise
        match answer.get("trip"):
            case {"summary": {"time": seconds, "length": km}, "legs": [{**leg}]} as trip if _is_in_km(trip):
                points = road_shapes.read(leg.get("shape"), decimals=6, origin=origin, target=target)
                return Way(number_of(seconds), number_of(km) * 1000, points)
        raise ServerFailed(NONSENSE)

    def _ask(self, path: str, question: dict) -> dict:
        try:
            answer = self._server.ask(path, question)
        except QuestionRefused as refusal:
            if refusal.code in NO_ROAD_NEAR:
                raise NoRoadNear(refusal.code) from None
            raise
        if not _is_in_km(answer):
            raise ServerFailed(NONSENSE)
        return answer


def _locations(places: Sequence[Place]) -> list[dict]:
    return [{"lat": round(latitude, 5), "lon": round(longitude, 5)} for latitude, longitude in places]


def _cell(cell: object, row: int, column: int) -> tuple[object, object]:
    """Seconds and metres."""
    if not isinstance(cell, dict) or (cell.get("from_index", row), cell.get("to_index", column)) != (row, column):
        raise ServerFailed(NONSENSE)
    seconds, km = cell.get("time"), cell.get("distance")
    if seconds is None:
        return None, None
    return seconds, number_of(km) * 1000


def _is_in_km(answer: dict) -> bool:
    return answer.get("units", KM) == KM
