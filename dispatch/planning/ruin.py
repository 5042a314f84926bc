"""Ruin and recreate (Christiaens and Vanden Berghe's SISR), compiled: strings of neighbouring stops are taken out and
put back where they cost least by the exact cost of timetable.py, thousands of times a second.

All of it is in one file: what numba keeps on disk is renewed only when the file itself changes.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numba import njit

from dispatch.planning.problem import UNREACHABLE, Routes
from dispatch.planning.tables import (
    BREAK,
    CLOSES,
    DUE,
    END,
    KIND,
    LEFT_OUT,
    MAY,
    MOST,
    OPENS,
    PLACE,
    SERVICE,
    SHARE,
    SLA_DUE,
    START,
    WAS_AT,
    WAS_CREW,
    WINDOW,
    Tables,
)

IMPOSSIBLE = 1 << 60
TRAVEL, DISTANCE, LATE, SLA, BALANCE, REASSIGNED, RETIMED, RETIME_AFTER = range(8)  # Tables.weights
CREW, POOL = range(2)  # columns of State.stops
PART, LENGTH, POINTS, SAVED_LENGTH, SAVED_POINTS, BEST_LENGTH = range(6)  # of State.crews
FREE_AT, PAUSE, SO_FAR, BUSY = range(4)  # of State.known
FREE, LATEST, DIRECT, AHEAD = range(4)  # of State.gaps: see _measure
NOBODY, TAKEN_OUT = -1, -2  # in State.stops' CREW
EARLY, HOLD = 0, 1  # the two ways of timetable.py to run a route

compiled = njit(cache=True, nogil=True)  # called from Python
inner = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True)  # without what that needs: half the time to compile
# A call copies every field of every array of the tuples, which costs more than what most of these do.
inlined = njit(no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=True)


class State(NamedTuple):
    """The routes as they are, were before the last step, and were when they were best. PART and POOL say which thread
    may touch a crew and a stop that is left out."""

    routes: np.ndarray
    saved: np.ndarray
    best: np.ndarray
    crews: np.ndarray
    stops: np.ndarray
    known: np.ndarray  # of each way, route and number of stops: where it stands after those; FREE_AT -1: it cannot be
    gaps: np.ndarray  # of each route and place: what the search for a place looks at first, side by side in memory
    load: np.ndarray


def state_of(tables: Tables, routes: Iterable[Iterable[int]]) -> State:
    crews, stops = len(tables.capacity), len(tables.load)
    wide = (crews, stops + 2)
    ways = 2 if tables.weights[RETIMED] > 0 else 1
    made = State(
        *(np.zeros(wide, np.int64) for _ in range(3)),
        np.zeros((crews, 6), np.int64),
        np.full((stops, 2), (NOBODY, 0), np.int64),
        np.zeros((ways, *wide, 4), np.int64),
        np.zeros((*wide, 4), np.int64),
        np.zeros((crews, tables.load.shape[1]), np.int64),
    )
    put_back(tables, made, routes)
    return made


def put_back(tables: Tables, state: State, routes: Iterable[Iterable[int]]) -> None:
    state.stops[:, CREW] = NOBODY
    for crew, route in enumerate(routes):
        stops = list(route)
        state.routes[crew, : len(stops)] = stops
        state.crews[crew, LENGTH] = len(stops)
        state.stops[stops, CREW] = crew
        refresh(tables, state, crew)


def routes_of(state: State) -> Routes:
    return tuple(tuple(state.routes[crew, : row[LENGTH]].tolist()) for crew, row in enumerate(state.crews))


def best_of(state: State) -> Routes:
    """Of the last search."""
    return tuple(tuple(state.best[crew, : row[BEST_LENGTH]].tolist()) for crew, row in enumerate(state.crews))


def points_of(tables: Tables, state: State) -> int:
    left_out = tables.stops[:-1, LEFT_OUT][state.stops[:, CREW] == NOBODY].sum()
    return int(state.crews[:, POINTS].sum() + left_out)


@inlined
def _random(seed):
    """A number from 0 up to 1; the seed is renewed (splitmix64)."""
    seed[0] += np.uint64(0x9E3779B97F4A7C15)
    mixed = seed[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> np.uint64(31)
    return np.float64(mixed >> np.uint64(11)) / 9007199254740992.0


@inlined
def _leg(t, origin, target):
    if origin < 0 or target < 0:
        return 0
    return np.int64(t.seconds[origin, target])


@inlined
def _metres(t, origin, target):
    if origin < 0 or target < 0:
        return 0
    return np.int64(t.metres[origin, target])


@inlined
def _leg_points(t, origin, target):
    points = _leg(t, origin, target) * t.weights[TRAVEL]
    if t.weights[DISTANCE]:
        points += _metres(t, origin, target) * t.weights[DISTANCE]
    return points


@inlined
def _next_start(t, stop, instant):
    for window in range(t.stops[stop, WINDOW], t.stops[stop + 1, WINDOW]):
        if instant <= t.windows[window, 1]:
            return max(instant, t.windows[window, 0])
    return -1


@inlined
def _begin(t, crew, stop, at, travel, pause, not_before):
    """When it begins (-1: never) and which break is the next then."""
    while True:
        ready_at = at + travel
        starts_at = _next_start(t, stop, max(ready_at, not_before))
        if starts_at < 0:
            return -1, pause
        if pause >= t.crews[crew + 1, BREAK]:
            return starts_at, pause
        latest = t.breaks[pause, 1]
        begins = max(at, t.breaks[pause, 0])
        resumes_at = begins + t.breaks[pause, 2]
        to_drive = max(0, ready_at - begins)
        is_free = resumes_at + to_drive <= starts_at
        if not is_free and starts_at + t.stops[stop, SERVICE] <= latest:
            return starts_at, pause
        if begins > latest:
            return -1, pause
        pause += 1
        at, travel = resumes_at, to_drive


@inlined
def _comes_home(t, crew, at, travel, pause):
    for waiting in range(pause, t.crews[crew + 1, BREAK]):
        if t.breaks[waiting, 0] >= at + travel:
            break
        begins = max(at, t.breaks[waiting, 0])
        if begins > t.breaks[waiting, 1]:
            return False
        travel = at + travel - begins
        at = begins + t.breaks[waiting, 2]
    return at + travel <= t.crews[crew, CLOSES]


@inlined
def _hold(t, mode, crew, stop):
    return t.stops[stop, WAS_AT] if mode == HOLD and t.stops[stop, WAS_CREW] == crew else 0


@inlined
def _visit_points(t, crew, stop, starts_at):
    points = 0
    if starts_at > t.stops[stop, DUE]:
        points += (starts_at - t.stops[stop, DUE]) * t.weights[LATE]
    if starts_at > t.stops[stop, SLA_DUE]:
        points += (starts_at - t.stops[stop, SLA_DUE]) * t.weights[SLA]
    if t.stops[stop, WAS_CREW] >= 0:
        if t.stops[stop, WAS_CREW] != crew:
            points += t.weights[REASSIGNED]
        elif t.stops[stop, WAS_AT] >= 0 and abs(starts_at - t.stops[stop, WAS_AT]) > t.weights[RETIME_AFTER]:
            points += t.weights[RETIMED]
    return points


@inlined
def _balance(t, crew, busy):
    return (busy - t.crews[crew, SHARE]) * t.weights[BALANCE] if busy > t.crews[crew, SHARE] else 0


@inlined
def _modes(t):
    return 2 if t.weights[RETIMED] > 0 else 1


@compiled
def refresh(t, s, crew):
    """What is known of the route, anew; its points are IMPOSSIBLE if it cannot be done."""
    count = s.crews[crew, LENGTH]
    for kind in range(s.load.shape[1]):
        s.load[crew, kind] = 0
        for at in range(count):
            s.load[crew, kind] += t.load[s.routes[crew, at], kind]
    s.crews[crew, POINTS] = IMPOSSIBLE
    for mode in range(_modes(t)):
        s.crews[crew, POINTS] = min(s.crews[crew, POINTS], _run(t, s, mode, crew))
    _measure(t, s, crew, count)


@inlined
def _measure(t, s, crew, count):
    """Of each gap in the route: when it opens, when one must be at its end, what the way through it costs, its end."""
    ahead, at = t.crews[crew, END], t.crews[crew, CLOSES]
    for place in range(count, -1, -1):
        before = t.crews[crew, START] if place == 0 else t.stops[s.routes[crew, place - 1], PLACE]
        s.gaps[crew, place, FREE] = s.known[EARLY, crew, place, FREE_AT]
        s.gaps[crew, place, LATEST], s.gaps[crew, place, AHEAD] = at, ahead
        s.gaps[crew, place, DIRECT] = _leg_points(t, before, ahead) if count else 0
        if place:
            stop = s.routes[crew, place - 1]
            at -= _leg(t, before, ahead) + t.stops[stop, SERVICE]
            latest = -1
            for window in range(t.stops[stop, WINDOW], t.stops[stop + 1, WINDOW]):
                if t.windows[window, 0] <= at:
                    latest = min(at, t.windows[window, 1])
            at, ahead = latest, before


@inlined
def _run(t, s, mode, crew):
    at, here, pause, points, busy = t.crews[crew, OPENS], t.crews[crew, START], t.crews[crew, BREAK], 0, 0
    s.known[mode, crew, 0, FREE_AT], s.known[mode, crew, 0, PAUSE] = at, pause
    s.known[mode, crew, 0, SO_FAR], s.known[mode, crew, 0, BUSY] = 0, 0
    count = s.crews[crew, LENGTH]
    if count == 0:
        return 0
    for place in range(count):
        s.known[mode, crew, place + 1, FREE_AT] = -1
    for place in range(count):
        stop = s.routes[crew, place]
        travel = _leg(t, here, t.stops[stop, PLACE])
        if travel >= UNREACHABLE:
            return IMPOSSIBLE
        starts_at, pause = _begin(t, crew, stop, at, travel, pause, _hold(t, mode, crew, stop))
        if starts_at < 0:
            return IMPOSSIBLE
        points += _leg_points(t, here, t.stops[stop, PLACE]) + _visit_points(t, crew, stop, starts_at)
        busy += travel + t.stops[stop, SERVICE]
        at, here = starts_at + t.stops[stop, SERVICE], t.stops[stop, PLACE]
        s.known[mode, crew, place + 1, FREE_AT], s.known[mode, crew, place + 1, PAUSE] = at, pause
        s.known[mode, crew, place + 1, SO_FAR], s.known[mode, crew, place + 1, BUSY] = points, busy
    home = _leg(t, here, t.crews[crew, END])
    if home >= UNREACHABLE or not _comes_home(t, crew, at, home, pause):
        return IMPOSSIBLE
    return points + _leg_points(t, here, t.crews[crew, END]) + _balance(t, crew, busy + home)


@inlined
def _with(t, s, mode, crew, stop, place, limit):
    """The points of the route with the stop there; IMPOSSIBLE as soon as they reach the limit."""
    at, pause = s.known[mode, crew, place, FREE_AT], s.known[mode, crew, place, PAUSE]
    if at < 0:
        return IMPOSSIBLE
    points, busy, count = s.known[mode, crew, place, SO_FAR], s.known[mode, crew, place, BUSY], s.crews[crew, LENGTH]
    here = t.crews[crew, START] if place == 0 else t.stops[s.routes[crew, place - 1], PLACE]
    visited = stop
    while True:
        there = t.stops[visited, PLACE]
        travel = _leg(t, here, there)
        if travel >= UNREACHABLE:
            return IMPOSSIBLE
        starts_at, pause = _begin(t, crew, visited, at, travel, pause, _hold(t, mode, crew, visited))
        if starts_at < 0:
            return IMPOSSIBLE
        points += _leg_points(t, here, there) + _visit_points(t, crew, visited, starts_at)
        if points >= limit:
            return IMPOSSIBLE
        busy += travel + t.stops[visited, SERVICE]
        at, here = starts_at + t.stops[visited, SERVICE], there
        if place >= count:
            break
        visited = s.routes[crew, place]
        place += 1
    home = _leg(t, here, t.crews[crew, END])
    if home >= UNREACHABLE or not _comes_home(t, crew, at, home, pause):
        return IMPOSSIBLE
    return points + _leg_points(t, here, t.crews[crew, END]) + _balance(t, crew, busy + home)


@inlined
def _is_full(t, s, crew, stop):
    if s.crews[crew, LENGTH] >= t.crews[crew, MOST]:
        return True
    for kind in range(t.load.shape[1]):  # noqa: SIM110 (numba knows no generators)
        if s.load[crew, kind] + t.load[stop, kind] > t.capacity[crew, kind]:
            return True
    return False


@inner
def cheapest(t, s, stop, part, blink, seed):
    """Crew, place and points more of the cheapest way to put the stop in; -1 where leaving it out is no dearer."""
    best_crew, best_place, best = -1, -1, t.stops[stop, LEFT_OUT]
    here, service, last_kind = t.stops[stop, PLACE], t.stops[stop, SERVICE], -1
    slack, travel, distance = t.weights[RETIMED], t.weights[TRAVEL], t.weights[DISTANCE]
    last_start = -1
    for window in range(t.stops[stop, WINDOW], t.stops[stop + 1, WINDOW]):
        last_start = t.windows[window, 1]
    for each in range(t.stops[stop, MAY], t.stops[stop + 1, MAY]):
        crew = t.may[each]
        count = s.crews[crew, LENGTH]
        if s.crews[crew, PART] != part or _is_full(t, s, crew, stop):
            continue
        if count == 0:
            if t.crews[crew, KIND] == last_kind:
                continue
            last_kind = t.crews[crew, KIND]
        before, was = t.crews[crew, START], s.crews[crew, POINTS]
        moved = t.weights[REASSIGNED] if t.stops[stop, WAS_CREW] >= 0 and t.stops[stop, WAS_CREW] != crew else 0
        for place in range(count + 1):
            ahead = s.gaps[crew, place, AHEAD]
            out = 0 if before < 0 else np.int64(t.seconds_to[here, before])
            on = 0 if ahead < 0 else np.int64(t.seconds[here, ahead])
            free_at = s.gaps[crew, place, FREE]
            if free_at > last_start:
                break
            more = (out + on) * travel + moved - s.gaps[crew, place, DIRECT]
            if distance:
                more += distance * (_metres(t, before, here) + _metres(t, here, ahead))
            before = ahead
            if more - slack >= best or free_at + out > last_start:
                continue
            if free_at + out + service + on > s.gaps[crew, place, LATEST]:
                continue
            if blink > 0 and _random(seed) < blink:
                continue
            for mode in range(_modes(t)):
                points = _with(t, s, mode, crew, stop, place, was + best)
                if points - was < best:
                    best_crew, best_place, best = crew, place, points - was
    return best_crew, best_place, best


@inner
def _insert(t, s, stop, crew, place):
    for at in range(s.crews[crew, LENGTH], place, -1):
        s.routes[crew, at] = s.routes[crew, at - 1]
    s.routes[crew, place] = stop
    s.crews[crew, LENGTH] += 1
    s.stops[stop, CREW] = crew
    refresh(t, s, crew)


@inlined
def _save(s, crew, touched, count):
    """Before a route is changed for the first time."""
    if _is_touched(touched, count, crew):
        return count
    touched[count] = crew
    for at in range(s.crews[crew, LENGTH]):
        s.saved[crew, at] = s.routes[crew, at]
    s.crews[crew, SAVED_LENGTH], s.crews[crew, SAVED_POINTS] = s.crews[crew, LENGTH], s.crews[crew, POINTS]
    return count + 1


@inner
def _take_out(t, s, crew, first, length, kept_from, kept, out, count):
    """The string of that length without `kept` of its stops from `kept_from` on."""
    write = first
    for at in range(first, s.crews[crew, LENGTH]):
        place = at - first
        if place < length and not kept_from <= place < kept_from + kept:
            out[count] = s.routes[crew, at]
            s.stops[s.routes[crew, at], CREW] = TAKEN_OUT
            count += 1
        else:
            s.routes[crew, write] = s.routes[crew, at]
            write += 1
    s.crews[crew, LENGTH] = write
    refresh(t, s, crew)
    return count


@inner
def _ruin(t, s, seed, part, centre, average, longest, out, touched):
    """Strings of stops around the centre are taken out; how many stops, then how many routes that changed.

    Some that are left out around there are put to them, so that they get their chance.
    """
    served, used = 0, 0
    for crew in range(len(s.crews)):
        if s.crews[crew, PART] == part and s.crews[crew, LENGTH]:
            served += s.crews[crew, LENGTH]
            used += 1
    most_length = min(np.float64(longest), served / max(used, 1))
    strings = int(_random(seed) * (4.0 * average / (1.0 + most_length) - 1.0) + 1.0)
    count, changed, waiting = 0, 0, 0
    is_wanted = s.stops[centre, CREW] == NOBODY
    if is_wanted:
        out[0] = centre
        count = 1
    for each in range(t.near.shape[1]):
        stop = t.near[centre, each]
        if stop < 0 or changed >= strings:
            break
        if stop == centre and is_wanted:
            continue
        crew = s.stops[stop, CREW]
        if crew < 0:
            if crew == NOBODY and s.stops[stop, POOL] == part and waiting < average and _random(seed) < 0.5:
                out[count] = stop
                count += 1
                waiting += 1
            continue
        if s.crews[crew, PART] != part or _is_touched(touched, changed, crew):
            continue
        if is_wanted and not _may(t, crew, centre):
            continue
        changed = _save(s, crew, touched, changed)
        length = int(_random(seed) * min(s.crews[crew, LENGTH], most_length)) + 1
        count = _string(t, s, seed, crew, stop, length, out, count)
    return count, changed


@inlined
def _may(t, crew, stop):
    for each in range(t.stops[stop, MAY], t.stops[stop + 1, MAY]):  # noqa: SIM110
        if t.may[each] == crew:
            return True
    return False


@inlined
def _is_touched(touched, count, crew):
    for each in range(count):  # noqa: SIM110
        if touched[each] == crew:
            return True
    return False


@inner
def _string(t, s, seed, crew, stop, length, out, count):
    kept = 0
    if length > 1 and _random(seed) < 0.5:
        while length + kept < s.crews[crew, LENGTH] and _random(seed) < 0.5:
            kept += 1
    whole = length + kept
    at = 0
    while s.routes[crew, at] != stop:
        at += 1
    low, high = max(0, at - whole + 1), min(at, s.crews[crew, LENGTH] - whole)
    first = low + int(_random(seed) * (high - low + 1))
    kept_from = int(_random(seed) * (length - 1)) + 1 if kept else 0
    return _take_out(t, s, crew, first, whole, kept_from, kept, out, count)


@inner
def _sorted(t, seed, out, count, ranks):
    """In one of several orders, equals by chance."""
    way = int(_random(seed) * (t.keys.shape[0] + 3)) - 3
    for each in range(count):
        ranks[each] = _random(seed) if way < 0 else t.keys[way, out[each]] + _random(seed) * 1e-3
    for each in range(1, count):
        stop, rank, at = out[each], ranks[each], each
        while at > 0 and ranks[at - 1] > rank:
            out[at], ranks[at] = out[at - 1], ranks[at - 1]
            at -= 1
        out[at], ranks[at] = stop, rank


@inner
def _undo(t, s, touched, changed, out, count):
    for each in range(count):
        s.stops[out[each], CREW] = NOBODY
    for each in range(changed):
        crew = touched[each]
        s.crews[crew, LENGTH] = s.crews[crew, SAVED_LENGTH]
        for at in range(s.crews[crew, LENGTH]):
            s.routes[crew, at] = s.saved[crew, at]
            s.stops[s.routes[crew, at], CREW] = crew
        refresh(t, s, crew)


@inlined
def _keep_best(s, part):
    for crew in range(len(s.crews)):
        if s.crews[crew, PART] == part:
            s.crews[crew, BEST_LENGTH] = s.crews[crew, LENGTH]
            for at in range(s.crews[crew, LENGTH]):
                s.best[crew, at] = s.routes[crew, at]


@compiled
def search(t, s, seed, part, centres, iterations, hot, cold, average, longest, blink):
    """Simulated annealing of one part of the crews; how much the part's best is below where it began, and how much
    its end is. `best` holds the best of this call."""
    out, touched = np.zeros(len(s.stops) + 1, np.int64), np.zeros(len(s.crews) + 1, np.int64)
    ranks = np.zeros(len(s.stops) + 1)
    now, best = 0, 0
    _keep_best(s, part)
    cooling = (cold / hot) ** (1.0 / max(iterations, 1))
    heat = hot
    for _ in range(iterations if len(centres) else 0):
        centre = centres[int(_random(seed) * len(centres))]
        count, changed = _ruin(t, s, seed, part, centre, average, longest, out, touched)
        _sorted(t, seed, out, count, ranks)
        more = -_left_out(t, s, out, count)
        for each in range(count):
            crew, place, _points = cheapest(t, s, out[each], part, blink, seed)
            if crew >= 0:
                changed = _save(s, crew, touched, changed)
                _insert(t, s, out[each], crew, place)
        _settle(s, out, count)
        more += _left_out(t, s, out, count)
        for each in range(changed):
            more += s.crews[touched[each], POINTS] - s.crews[touched[each], SAVED_POINTS]
        if more < -heat * math.log(_random(seed) + 1e-300):
            now += more
            if now < best:
                best = now
                _keep_best(s, part)
        else:
            _undo(t, s, touched, changed, out, count)
        heat *= cooling
    return best, now


@inlined
def _left_out(t, s, out, count):
    """Points for those of them that nobody has; not those that have just been taken out."""
    points = 0
    for each in range(count):
        if s.stops[out[each], CREW] == NOBODY:
            points += t.stops[out[each], LEFT_OUT]
    return points


@inlined
def _settle(s, out, count):
    for each in range(count):
        if s.stops[out[each], CREW] == TAKEN_OUT:
            s.stops[out[each], CREW] = NOBODY


@compiled
def fill(t, s, stops, part, blink, seed):
    """Puts these in, one by one, where it is cheapest; how many found a place."""
    count = 0
    for stop in stops:
        crew, place, _points = cheapest(t, s, stop, part, blink, seed)
        if crew >= 0:
            _insert(t, s, stop, crew, place)
            count += 1
    return count
