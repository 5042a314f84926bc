"""Asks a server for a whole matrix, in blocks and several at once, and looks at whether the answers can be true.

Knows nothing of Django. NaN: not known; infinity: there is no way.
"""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dispatch.travel.places import Place
from dispatch.travel.server import AT_ONCE, SLOW, NoRoadNear, QuestionRefused, RoadServer, ServerFailed, Table

PATIENCE_SECONDS: Final = 60  # for all blocks together: whoever watches the worker must not take it for dead
FAR_KM: Final = 2.0  # as the crow flies: nearer than that the next road may be further than the place
FASTEST_KMH: Final = 250
TELLING: Final = 6  # so many ways without a road, or too fast, are no accident

Block = tuple[np.ndarray, np.ndarray]  # rows and columns


@dataclass(eq=False)
class Inquiry:
    """`seconds` and `metres` are filled in where they are NaN, as far as the server answers.

    `failure` says in words what it did in the end, if anything; `nowhere` are the places without a road near them.
    """

    server: RoadServer
    places: Sequence[Place]
    seconds: np.ndarray
    metres: np.ndarray
    km: np.ndarray  # as the crow flies
    failure: str = ""
    nowhere: set[int] = field(default_factory=set)
    asked: np.ndarray = field(init=False)  # what has been answered

    def __post_init__(self):
        self.asked = np.zeros(self.seconds.shape, dtype=bool)
        self._looked_at: set[int] = set()
        self._ends_at = time.monotonic() + PATIENCE_SECONDS

    def run(self) -> None:
        todo = list(blocks(np.isnan(self.seconds), self.server.most_sources, self.server.most_targets))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for block, table in zip(todo, pool.map(self._answer_to, todo), strict=True):
                if table:
                    self._take(block, table)

    def _answer_to(self, block: Block) -> Table | None:
        """After a failure nothing more is asked; what is refused does not keep it from the next block."""
        if self.failure and self.failure != QuestionRefused().words:
            return None
        try:
            if time.monotonic() > self._ends_at:
                raise ServerFailed(SLOW)
            return self._ask(*block)
        except ServerFailed as failed:
            self.failure = failed.words
            return None

    def _ask(self, rows: np.ndarray, columns: np.ndarray) -> Table:
        try:
            table = self._table(rows, columns)
        except NoRoadNear:
            self._look_for_nowhere({*rows.tolist(), *columns.tolist()})
            table = self._table(rows, columns)
        if objection := objection_to(table, self.km[np.ix_(rows, columns)]):
            raise ServerFailed(objection)
        return table

    def _table(self, rows: np.ndarray, columns: np.ndarray) -> Table:
        """NaN also to and from what is nowhere."""
        row_is_somewhere = np.array([row not in self.nowhere for row in rows.tolist()])
        column_is_somewhere = np.array([column not in self.nowhere for column in columns.tolist()])
        found = Table(np.full((len(rows), len(columns)), np.nan), np.full((len(rows), len(columns)), np.nan))
        if row_is_somewhere.any() and column_is_somewhere.any():
            sources, targets = rows[row_is_somewhere], columns[column_is_somewhere]
            table = self.server.table([self.places[n] for n in sources], [self.places[n] for n in targets])
            inside = np.ix_(row_is_somewhere, column_is_somewhere)
            found.seconds[inside], found.metres[inside] = table.seconds, table.metres
        return found

    def _look_for_nowhere(self, candidates: set[int]) -> None:
        for number in candidates - self._looked_at:
            try:
                self.server.table([self.places[number]], [self.places[number]])
            except NoRoadNear:
                self.nowhere.add(number)
            self._looked_at.add(number)

    def _take(self, block: Block, table: Table) -> None:
        is_somewhere = np.array([number not in self.nowhere for number in range(len(self.places))])
        rows, columns = block
        wanted = np.isnan(self.seconds[np.ix_(rows, columns)])
        wanted &= np.logical_and.outer(is_somewhere[rows], is_somewhere[columns])
        has_no_way = np.isnan(table.seconds)
        for whole, part in ((self.seconds, table.seconds), (self.metres, table.metres)):
            answer = np.where(has_no_way, np.inf, part)
            whole[np.ix_(rows, columns)] = np.where(wanted, answer, whole[np.ix_(rows, columns)])
        self.asked[np.ix_(rows, columns)] |= wanted


def blocks(missing: np.ndarray, most_sources: int, most_targets: int) -> Iterator[Block]:
    """Rectangles that cover all that is missing, without much of what is not: a new place lacks everything, and the
    others lack nothing but it."""
    counts = missing.sum(axis=1)
    rows = np.argsort(-counts, kind="stable")[: np.count_nonzero(counts)]
    while len(rows):
        alike = np.count_nonzero(counts[rows] * 2 > counts[rows[0]])
        some, rows = rows[: min(alike, most_sources)], rows[min(alike, most_sources) :]
        columns = np.flatnonzero(missing[some].any(axis=0))
        for start in range(0, len(columns), most_targets):
            yield some, columns[start : start + most_targets]


def objection_to(table: Table, km: np.ndarray) -> str:
    """A server with the map of another country finds no way, or takes all places for one."""
    is_far = km > FAR_KM
    if np.count_nonzero(is_far) < TELLING:
        return ""
    seconds = table.seconds[is_far]
    too_fast = km[is_far] * 3600 > FASTEST_KMH * seconds
    if np.isnan(seconds).all() or np.count_nonzero(too_fast) > len(seconds) / 2:
        return "does not know the roads here"
    return ""
