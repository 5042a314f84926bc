"""Whether an assignment can be done, by plain arithmetic; shares no code with the solvers."""

from collections import Counter, defaultdict

from dispatch.assigning.problem import Problem, Solution


def faults_of(problem: Problem, solution: Solution) -> list[str]:
    """A sentence for each rule that is broken; empty when all hold."""
    visits = {visit.job_id: visit for visit in problem.visits}
    times = Counter(given.job_id for given in solution.assigned)
    faults = [f"job {job} is given {count} times" for job, count in times.items() if count > 1]
    days = defaultdict(list)
    for given in solution.assigned:
        visit = visits[given.job_id]
        days[given.technician_id, visit.day].append((given.starts, visit))
        if given.technician_id not in visit.scores:
            faults.append(f"job {given.job_id}: {given.technician_id} is not eligible")
        if not visit.earliest <= given.starts <= visit.latest:
            faults.append(f"job {given.job_id} starts at {given.starts}, not {visit.earliest}..{visit.latest}")
    crews = {(crew.technician_id, crew.day): crew for crew in problem.crews}
    for key, rows in days.items():
        faults += _faults_of_a_day(problem, crews[key], rows) if key in crews else [f"{key} does not work"]
    return faults


def _faults_of_a_day(problem: Problem, crew, rows) -> list[str]:
    faults = []
    if len(rows) > crew.capacity:
        faults.append(f"{crew.technician_id} gets {len(rows)} jobs and may have {crew.capacity}")
    stops = [(at, at + visit.minutes, visit.place, visit.place, f"job {visit.job_id}") for at, visit in rows]
    stops += [(block.starts, block.ends, block.enters, block.leaves, "what is booked") for block in crew.booked]
    free_at, here, last = crew.starts, crew.start, "the start"
    for starts, ends, enters, leaves, name in sorted(stops, key=lambda stop: stop[:2]):
        leg = problem.travel.leg(here, enters)
        if starts < free_at + (leg.minutes if leg else 0):
            faults.append(f"{crew.technician_id}: {name} at {starts} is not reached in time from {last}")
        free_at, here, last = ends, leaves, name
    if free_at > crew.ends:
        faults.append(f"{crew.technician_id} works until {free_at}, after the shift's end")
    return faults
