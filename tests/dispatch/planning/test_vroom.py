"""`manage.py solve`: problems and solutions as VROOM writes them."""

import json
import os
import random
import signal
import subprocess
import sys
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from dispatch.management.commands import solve as command
from dispatch.planning.checked_json import BadInput
from dispatch.planning.vroom import read_problem

pytestmark = pytest.mark.once
MANAGE = str(Path(__file__).resolve().parents[3] / "manage.py")
NOON_OF_A_DAY = 1_800_000_000  # seconds since 1970


def some_problem(*, jobs: int = 14, vehicles: int = 3, since: int = 0) -> dict:
    """A town of a few kilometres; more work than fits, with everything that we support."""
    chance = random.Random(5)
    spots = [(chance.randrange(1800), chance.randrange(1800)) for _ in range(jobs + vehicles)]
    durations = [[abs(a - c) + abs(b - d) for c, d in spots] for a, b in spots]
    return {
        "jobs": [
            {
                "id": 100 + number,
                "location_index": number,
                "service": chance.choice([600, 1200, 1800]),
                "setup": 60,
                "delivery": [chance.randint(1, 3)],
                "skills": [1] if number % 4 == 0 else [],
                "priority": number % 3 * 10,
                **(
                    {"time_windows": [[since + 1800 * (number % 7), since + 1800 * (number % 7) + 5400]]}
                    if number % 2
                    else {}
                ),
            }
            for number in range(jobs)
        ],
        "vehicles": [
            {
                "id": number,
                "start_index": jobs + number,
                "end_index": jobs + number,
                "capacity": [12],
                "skills": [1] if number else [],
                "time_window": [since, since + 14400],
                "max_tasks": 6,
                "breaks": [{"id": 1, "time_windows": [[since + 3600, since + 9000]], "service": 900}],
            }
            for number in range(vehicles)
        ],
        "matrices": {"car": {"durations": durations, "distances": [[9 * way for way in row] for row in durations]}},
    }


def write(folder: Path, content, name: str = "problem.json") -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return str(path)


def solve(path: str, *arguments: str) -> tuple[dict, str, int]:
    """The answer, what was said besides, and the exit status."""
    out, said, status = StringIO(), StringIO(), 0
    try:
        call_command("solve", path, *arguments, stdout=out, stderr=said)
    except SystemExit as ended:
        status = ended.code
    return json.loads(out.getvalue()), said.getvalue(), status


def by_vroom(path: str) -> dict:
    import vroom

    return vroom.Input.from_json(path, geometry=False).solve(exploration_level=5, nb_threads=1).to_dict()


def assert_steps_follow(problem: dict, answer: dict) -> None:
    """Every time of the answer by plain arithmetic over the file."""
    jobs = {job["id"]: job for job in problem["jobs"]}
    ways = problem["matrices"]["car"]["durations"]
    seen = [row["id"] for row in answer["unassigned"]]
    for route in answer["routes"]:
        vehicle = next(each for each in problem["vehicles"] if each["id"] == route["vehicle"])
        first, *middle, last = route["steps"]
        assert (first["type"], last["type"]) == ("start", "end")
        assert vehicle["time_window"][0] <= first["arrival"] <= last["arrival"] <= vehicle["time_window"][1]
        at, free_at, driven, load, visits = vehicle["start_index"], first["arrival"], 0, first["load"][0], []
        for step in middle:
            drove = step["duration"] - driven
            assert drove >= 0 and step["arrival"] == free_at + drove
            free_at, driven = step["arrival"] + step["waiting_time"] + step["setup"] + step["service"], step["duration"]
            begins = step["arrival"] + step["waiting_time"]
            if step["type"] == "break":
                opens, closes = vehicle["breaks"][0]["time_windows"][0]
                assert opens <= begins <= closes and step["service"] == vehicle["breaks"][0]["service"]
                continue
            job = jobs[step["id"]]
            visits.append(step)
            assert set(job["skills"]) <= set(vehicle["skills"])
            assert all(opens <= begins <= closes for opens, closes in job.get("time_windows", []))
            assert (step["setup"], step["service"]) == (job["setup"], job["service"])
            load -= job["delivery"][0]
            assert step["load"] == [load]
        places = [at, *(step["location_index"] for step in visits), vehicle["end_index"]]
        assert last["duration"] == sum(ways[a][b] for a, b in pairwise(places)) == route["cost"]
        assert first["load"][0] <= vehicle["capacity"][0] and len(visits) <= vehicle["max_tasks"]
        seen += [step["id"] for step in visits]
    assert sorted(seen) == sorted(jobs)
    assert answer["summary"]["unassigned"] == len(answer["unassigned"])
    assert answer["summary"]["cost"] == sum(route["cost"] for route in answer["routes"])


def test_a_problem_is_solved_as_well_as_vroom_does(tmp_path):
    problem = some_problem()
    path = write(tmp_path, problem)
    answer, _, status = solve(path, "--seconds", "1.5")
    assert (status, answer["code"]) == (0, 0)
    assert_steps_follow(problem, answer)
    ours, theirs = answer["summary"], by_vroom(path)["summary"]
    assert ours["priority"] >= theirs["priority"]
    if ours["priority"] == theirs["priority"]:
        assert (ours["unassigned"], ours["cost"]) <= (theirs["unassigned"], theirs["cost"] * 1.02)
    assert {"distance", "setup", "service", "waiting_time", "computing_times"} <= ours.keys()


def test_times_since_1970_come_back_as_they_were_given(tmp_path):
    near = solve(write(tmp_path, some_problem()), "--seconds", "0.3", "--threads", "1")[0]
    far_problem = some_problem(since=NOON_OF_A_DAY)
    far = solve(write(tmp_path, far_problem), "--seconds", "0.3", "--threads", "1")[0]
    assert_steps_follow(far_problem, far)
    assert far["summary"]["priority"] == near["summary"]["priority"]


def test_an_answer_of_vroom_is_the_start_of_ours(tmp_path):
    path = write(tmp_path, some_problem())
    theirs = by_vroom(path)
    initial = write(tmp_path, theirs, "initial.json")
    answer, _, status = solve(path, "--seconds", "0.2", "--initial", initial)
    assert status == 0
    assert answer["summary"]["priority"] >= theirs["summary"]["priority"]
    again = write(tmp_path, answer, "again.json")
    assert solve(path, "--seconds", "0.2", "--initial", again)[0]["summary"]["cost"] <= answer["summary"]["cost"]


def test_without_a_matrix_the_ways_are_estimated_and_that_is_said(tmp_path):
    jobs = [{"id": 1, "location": [-80.0, 40.4]}, {"id": 2, "location": [-80.1, 40.4], "description": "Leak"}]
    problem = {"jobs": jobs, "vehicles": [{"id": 1, "start": [-80.0, 40.4], "colour": "red"}]}
    answer, said, status = solve(write(tmp_path, problem), "--seconds", "0.2")
    assert status == 0 and "no matrix" in said and "colour of a vehicle" in said
    steps = answer["routes"][0]["steps"]
    assert [step["type"] for step in steps] == ["start", "job", "job"]
    assert 500 < steps[-1]["duration"] < 2000  # eight kilometres
    assert steps[-1]["location"] == [-80.1, 40.4] and steps[-1]["description"] == "Leak"


def test_a_job_that_no_vehicle_may_do_is_left_out(tmp_path):
    problem = some_problem(jobs=3)
    problem["jobs"][1]["skills"] = [77]
    answer, _, _ = solve(write(tmp_path, problem), "--seconds", "0.2")
    assert answer["unassigned"] == [{"id": 101, "type": "job", "location_index": 1}]


def test_no_jobs_need_no_routes(tmp_path):
    answer, _, status = solve(
        write(tmp_path, {"jobs": [], "vehicles": [{"id": 1, "start": [0, 0]}]}), "--seconds", "0.1"
    )
    assert (status, answer["routes"], answer["summary"]["cost"]) == (0, [], 0)


def set_at(problem: dict, path: list, value) -> None:
    *parents, last = path
    for key in parents:
        problem = problem[key]
    problem[last] = value


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        (["shipments"], [{"pickup": {}}], "shipments: is not supported"),
        (["jobs"], {"id": 1}, "jobs: must be a list, not an object"),
        (["jobs", 3], 7, "jobs[3]: must be an object, not 7"),
        (["jobs", 3, "id"], 100, "jobs[3].id: 100 is the id of jobs[0] already"),
        (["jobs", 3, "id"], -1, "jobs[3].id: must be a whole number from 0 on, not -1"),
        (["jobs", 3, "id"], True, "jobs[3].id: must be a whole number from 0 on, not true"),
        (["jobs", 3, "id"], None, "jobs[3].id: is missing"),
        (["jobs", 3, "location_index"], None, "jobs[3].location_index: is missing"),
        (["jobs", 3, "location_index"], 99, "jobs[3].location_index: must be a whole number from 0 to 16, not 99"),
        (["jobs", 3, "service"], 1.5, "jobs[3].service: must be a whole number from 0 to 16777216, not 1.5"),
        (["jobs", 3, "service"], "9" * 90, 'jobs[3].service: must be a whole number from 0 to 16777216, not "9999'),
        (["jobs", 3, "priority"], 101, "jobs[3].priority: must be a whole number from 0 to 100, not 101"),
        (["jobs", 3, "skills"], ["gas"], 'jobs[3].skills[0]: must be a whole number from 0 on, not "gas"'),
        (["jobs", 3, "delivery"], [1, 2], "jobs[3].delivery: must have 1 values, not 2"),
        (["jobs", 3, "pickup"], [1], "jobs[3].pickup: is not supported beside deliveries"),
        (["jobs", 3, "time_windows"], [[9, 3]], "jobs[3].time_windows[0]: ends before it begins"),
        (["jobs", 3, "time_windows"], [[0, 9], [5, 12]], "jobs[3].time_windows[1]: must begin after the one before"),
        (["jobs", 3, "time_windows"], [[0]], "jobs[3].time_windows[0]: must have 2 values, not 1"),
        (["jobs", 3, "service_per_type"], {"van": 9}, "jobs[3].service_per_type: is not supported"),
        (["jobs", 3, "location_index"], 2, "jobs[2].setup: is not supported where several jobs are at one place"),
        (["vehicles"], [], "vehicles: must hold at least one vehicle"),
        (["vehicles"], None, "vehicles: is missing"),
        (["vehicles", 1, "profile"], "bike", "vehicles[1].profile: must be car for all"),
        (["vehicles", 1, "speed_factor"], 2, "vehicles[1].speed_factor: must be the same for all vehicles"),
        (["vehicles", 1, "costs"], {"per_km": 3}, "vehicles[1].costs: is not supported"),
        (["vehicles", 1, "max_distance"], 3, "vehicles[1].max_distance: is not supported"),
        (["vehicles", 1, "start_index"], "0", "vehicles[1].start_index: must be a whole number"),
        (["vehicles", 1, "capacity"], [1, 2], "vehicles[1].capacity: must have 1 values, not 2"),
        (["vehicles", 1, "breaks", 0, "time_windows"], [[0, 1], [3, 4]], "vehicles[1].breaks[0].time_windows: must be one"),
        (["vehicles", 1, "breaks", 0, "id"], None, "vehicles[1].breaks[0].id: is missing"),
        (["matrices", "car"], None, "matrices.car: is missing"),
        (["matrices", "car", "durations"], None, "matrices.car.durations: is missing"),
        (["matrices", "car", "durations", 4], [1], "matrices.car.durations[4]: must have 17 values, not 1"),
        (["matrices", "car", "durations", 4, 2], None, "matrices.car.durations[4][2]: must be a whole number"),
        (["matrices", "car", "durations", 4, 2], -3, "matrices.car.durations[4][2]: must be a whole number"),
        (["matrices", "car", "distances"], [[0]], "matrices.car.distances: must have 17 values, not 1"),
        (["matrices", "car", "costs"], [[0]], "matrices.car.costs: is not supported"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_place(path, value, told):
    problem = some_problem()
    set_at(problem, path, value)
    with pytest.raises(BadInput) as refused:
        read_problem(json.dumps(problem).encode(), estimate=command.estimated)
    assert str(refused.value).startswith(told)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "not JSON: line 1, column 1"),
        (b"[]", "must be an object, not a list"),
        (b'{"jobs": [}', "not JSON: line 1, column 11"),
        (b'{"jobs": "\xff"}', "not UTF-8: byte 11"),
        (b'{"jobs": [{"id": NaN}]}', "NaN is no number there"),
        (b'{"jobs": [{"id": 1, "location": [1e999, 0]}], "vehicles": [{"id": 1}]}', "jobs[0].location[0]: must be a number"),
        (b'{"jobs": [{"id": 1, "location": [0, 91]}], "vehicles": [{"id": 1}]}', "jobs[0].location[1]: must be a number from -90"),
        (b'{"jobs": [{"id": 1, "location_index": 0}], "vehicles": [{"id": 1}]}', "jobs[0].location: is missing"),
        (b'{"jobs": [{"id": ' + b"1" * 5000 + b"}]}", "one of its numbers is too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"jobs": [{"id": 1, "location": [0, 0], "time_windows": [[0, 1], [90000000, 90000001]]}], "vehicles": [{"id": 1}]}',
         "jobs[0].time_windows[0]: is more than half a year away"),
    ],
)  # fmt: skip
def test_what_is_no_problem_at_all_is_refused(tmp_path, content, told):
    answer, said, status = solve(write(tmp_path, content))
    assert (status, answer["code"]) == (2, 2)
    assert told in answer["error"] and answer["error"] in said


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path, monkeypatch):
    assert "cannot be read: No such file" in solve(str(tmp_path / "nothing.json"))[0]["error"]
    assert "cannot be read: Is a directory" in solve(str(tmp_path))[0]["error"]
    monkeypatch.setattr(command, "LARGEST_FILE", 1000)
    assert "is larger than" in solve(write(tmp_path, some_problem()))[0]["error"]


@pytest.mark.parametrize(
    ("routes", "told"),
    [
        ([{"vehicle": 9, "steps": []}], "--initial: routes[0].vehicle: the problem has no vehicle 9"),
        ([{"vehicle": 1, "steps": [{"type": "job", "id": 5}]}], "--initial: routes[0].steps[0].id: the problem has no job 5"),
        ([{"vehicle": 1, "steps": [{"type": "job", "id": 100}] * 2}], "--initial: routes[0].steps[1].id: job 100 is visited twice"),
        (None, "--initial: routes: is missing"),
    ],
)  # fmt: skip
def test_a_start_of_another_problem_is_refused(tmp_path, routes, told):
    initial = write(tmp_path, {"code": 0, "routes": routes}, "initial.json")
    answer, _, status = solve(write(tmp_path, some_problem()), "--initial", initial)
    assert (status, answer["error"]) == (2, told)


@pytest.mark.parametrize("option", [["--seconds", "0"], ["--seconds", "nan"], ["--threads", "0"], ["--threads", "65"]])
def test_limits_that_make_no_sense_are_refused(option):
    with pytest.raises(CommandError, match="must be a"):
        call_command("solve", "-", *option)


def test_a_search_that_fails_is_an_internal_error(tmp_path, monkeypatch):
    def fail(*args, **options):
        raise RuntimeError("out of paper")

    monkeypatch.setattr(command, "solve", fail)
    answer, _, status = solve(write(tmp_path, some_problem()))
    assert (status, answer["code"]) == (1, 1) and "out of paper" in answer["error"]


def test_ctrl_c_writes_the_best_so_far(tmp_path):
    problem = some_problem(jobs=30, vehicles=5)
    searching = subprocess.Popen(
        [sys.executable, MANAGE, "solve", write(tmp_path, problem), "--seconds", "300"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "DEBUG": "1"},
        start_new_session=True,
    )
    try:
        assert "Ctrl-C" in searching.stderr.readline()
        os.killpg(searching.pid, signal.SIGINT)  # as a terminal does: to whoever works for it, too
        out, _ = searching.communicate(timeout=20)
    finally:
        searching.kill()
    assert searching.returncode == 0
    assert_steps_follow(problem, json.loads(out))
