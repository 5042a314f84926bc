import json
import math
import signal
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from django.core.management.base import BaseCommand

from dispatch.planning.checked_json import BadInput
from dispatch.planning.problem import Matrix
from dispatch.planning.solver import solve
from dispatch.planning.vroom import Question, read_problem
from dispatch.planning.vroom_answer import answer, failure, read_routes

INTERNAL, INPUT = 1, 2  # codes, as VROOM has them, and the command's exit status
LARGEST_FILE = 256 * 1024 * 1024
A_DAY = 24 * 3600


class Command(BaseCommand):
    help = (
        "Solve a vehicle routing problem in VROOM's JSON and write a solution in VROOM's JSON. Ctrl-C writes the best "
        "that was found so far. Exit status: 0, 1 internal error, 2 something is wrong with the input."
    )
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("problem", metavar="PROBLEM.json", help="- reads from standard input")
        parser.add_argument("--seconds", type=positive_seconds, default=10.0, help="time to search (default: 10)")
        parser.add_argument("--threads", type=thread_count, default=2, help="processes that search (default: 2)")
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--initial", metavar="SOLUTION.json", help="a solution to begin from")

    def handle(self, *, problem: str, seconds: float, threads: int, seed: int, initial: str | None, **options):
        begun = time.perf_counter()
        try:
            question = read_problem(read_file(problem), estimate=estimated)
            if initial:
                routes = read_initial(initial, question)
                question = replace(question, problem=replace(question.problem, current=routes))
        except BadInput as error:
            self._fail(INPUT, str(error))
        for notice in question.notices:
            self.stderr.write(notice)
        loaded = time.perf_counter()
        try:
            with interrupted() as is_interrupted:
                self.stderr.write(f"Searching for up to {seconds:g} s; Ctrl-C writes the best so far.")
                self.stderr.flush()
                solution = solve(
                    question.problem,
                    seconds=seconds,
                    seed=seed,
                    processes=threads,
                    go_on=lambda points, share: not is_interrupted(),
                )
        except Exception as error:
            self._fail(INTERNAL, f"The search failed: {type(error).__name__}: {error}")
        solved = time.perf_counter()
        told = answer(
            question,
            solution,
            loading_ms=round((loaded - begun) * 1000),
            solving_ms=round((solved - loaded) * 1000),
        )
        self.stdout.write(json.dumps(told))

    def _fail(self, code: int, sentence: str):
        self.stdout.write(json.dumps(failure(code, sentence)))
        self.stderr.write(sentence)
        sys.exit(code)


def positive_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= A_DAY:
        raise ArgumentTypeError(f"must be a number above 0 and up to {A_DAY}, not {text}")
    return seconds


def thread_count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 64:
        raise ArgumentTypeError(f"must be a whole number from 1 to 64, not {text}")
    return int(text)


def read_file(name: str) -> bytes:
    try:
        if name == "-":
            data = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(name).open("rb") as file:
                data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}.") from None
    if len(data) > LARGEST_FILE:
        raise BadInput(f"{name} is larger than {LARGEST_FILE >> 20} MB.")
    return data


def read_initial(name: str, question: Question):
    try:
        return read_routes(read_file(name), question)
    except BadInput as error:
        raise BadInput(f"--initial: {error}") from None


def estimated(places: list[tuple[float, float]]) -> Matrix:
    """With the usual detours and speed, not those of some database: the same on every machine."""
    from dispatch.models import DispatchSettings
    from dispatch.travel import StraightLine

    usual = DispatchSettings()
    straight = StraightLine(usual.detour_factor, usual.average_speed_kmh)
    found = straight.matrix(places, at=datetime.now(tz=UTC))
    return Matrix(found.seconds, found.metres)


@contextmanager
def interrupted() -> Iterator:
    """The first Ctrl-C, or SIGTERM, asks for the best so far; a second one ends the command as usual."""
    heard: list[int] = []
    before: dict[int, object] = {}

    def listen(number, frame):
        heard.append(number)
        for each, handler in before.items():
            signal.signal(each, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, listen)
    try:
        yield lambda: bool(heard)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
