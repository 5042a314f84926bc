"""What a plan was worked out from, and what has changed since: jobs and technicians compared, told in plain words."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from dispatch.models import FieldChange, Job, Plan, RequiredSkill, Status, StatusChange
from dispatch.models.jobs import ACTIVE
from dispatch.planning.store import ELSEWHERE
from technicians.models import Technician, TechnicianSkill, TimeOff, WorkingHours

WORDS = {
    "starts": "the time",
    "day": "the day",
    "window": "the time block",
    "minutes": "the duration",
    "fixed": "the appointment",
    "pins": "the pins",
    "priority": "the priority",
    "site": "the address",
    "zone": "the zone",
    "skills": "the skills",
}


# What was seen ------------------------------------------------------------------------------------


def seen_of(case) -> dict:
    """`jobs` may be moved by the plan; `known` are all that these technicians have that day.

    `resting` are those of them that have begun or are on hold: they are in no route.
    """
    skills = {job.pk: [[need.skill_id, need.level] for need in job.required_skills.all()] for job in case.jobs}
    own = [job for technician in case.technicians for job in technician.others_that_day]
    known = {job.pk for job in own if job.scheduled_on == case.day or job.status in ACTIVE}
    resting = {job.pk for job in own if job.pk in known and (job.is_on_hold or job.status != Status.ASSIGNED)}
    return {
        "at": case.now.astimezone(UTC).isoformat(),
        "jobs": {str(job.pk): state_of(job, skills[job.pk]) for job in case.jobs},
        "known": sorted(known),
        "resting": sorted(resting),
        "technicians": {str(pk): state for pk, state in people_states(case.technicians, day=case.day).items()},
    }


def state_of(job: Job, skills: Iterable) -> dict:
    return {
        "status": job.status,
        "technician": job.technician_id,
        "held": job.is_on_hold,
        "day": job.scheduled_on and job.scheduled_on.isoformat(),
        "starts": _iso(job.planned_starts_at),
        "window": [_iso(job.window_starts_at), _iso(job.window_ends_at)],
        "minutes": job.duration_minutes,
        "fixed": job.is_fixed,
        "pins": [job.is_time_pinned, job.is_technician_pinned],
        "priority": job.priority,
        "site": job.site_id,
        "zone": job.zone_id,
        "skills": sorted(map(list, skills)),
    }


def people_states(technicians: Iterable[Technician], *, day: date) -> dict[int, dict]:
    """When they work that day and what they may do, as far as the office says; five queries."""
    ids = [technician.pk for technician in technicians]
    starts = timezone.make_aware(datetime.combine(day, time.min))
    ends = starts + timedelta(hours=36)  # a night shift of that day
    off, hours = defaultdict(list), defaultdict(list)
    for row in TimeOff.objects.filter(technician__in=ids, starts_at__lt=ends, ends_at__gt=starts).order_by("pk"):
        off[row.technician_id].append([row.kind, _iso(row.starts_at), _iso(row.ends_at)])
    weekdays = [day.weekday(), (day - timedelta(days=1)).weekday()]
    for row in WorkingHours.objects.filter(technician__in=ids, weekday__in=weekdays).order_by("pk"):
        clocks = (row.starts_at, row.ends_at, row.break_starts_at, row.break_ends_at)
        hours[row.technician_id].append([row.weekday, *(clock and clock.isoformat() for clock in clocks)])
    may = defaultdict(list)
    for row in TechnicianSkill.objects.filter(technician__in=ids).order_by("skill"):
        is_valid = row.certificate_expires_on is None or row.certificate_expires_on >= day
        may[row.technician_id] += [[row.skill_id, row.level]] * is_valid
    zones = defaultdict(list)
    for technician_id, zone_id in Technician.zones.through.objects.filter(technician__in=ids).values_list(
        "technician_id", "servicezone_id"
    ):
        zones[technician_id].append(zone_id)
    active = set(Technician.objects.active().filter(pk__in=ids).values_list("pk", flat=True))
    return {
        pk: {
            "active": pk in active,
            "off": off[pk],
            "hours": hours[pk],
            "skills": may[pk],
            "zones": sorted(zones[pk]),
        }
        for pk in ids
    }


# What has changed ---------------------------------------------------------------------------------


def changes_since(plan: Plan, *, now: datetime, technician_ids: Collection[int] | None = None) -> list[str]:
    """In plain words; of these technicians' routes only, if some are named. Empty: it can be applied as it stands."""
    seen = plan.result.get("seen") or {"jobs": {}, "known": [], "technicians": {}, "at": None}
    routes = [
        route
        for route in plan.result["routes"]
        if not route["applied_at"] and (technician_ids is None or route["technician"] in technician_ids)
    ]
    owners = {route["technician"] for route in routes}
    people = {int(pk): state for pk, state in seen["technicians"].items() if int(pk) in {*owners, plan.absent_id}}
    if owners - people.keys():
        return ["Nothing is known of the day that it was worked out from"]
    names = {one.pk: str(one) for one in Technician.objects.select_related("user").filter(pk__in=seen["technicians"])}
    called = _Called(plan)
    said = _of_people(people, names, plan.day)
    said += _of_jobs(_compared(plan, routes, seen), seen["at"], names, called)
    said += _of_newcomers(plan, owners, seen, names, called)
    said += _of_the_clock(routes, names, called, now=now)
    return [text.replace("a", "A", 1) if text.startswith(ELSEWHERE) else text for text in said]


class _Called:
    """What the plan calls a job: as whoever asked for it may know of it, for they read it, too."""

    def __init__(self, plan: Plan):
        self._plan, self._seen = plan, set()

    def look_up(self, job_ids: Collection[int]) -> None:
        if job_ids:
            found = Job.objects.visible_to(self._plan.created_by).filter(pk__in=job_ids)
            self._seen.update(found.values_list("pk", flat=True))

    def name(self, pk: int) -> str:
        return f"J-{pk:06d}" if pk in self._seen else ELSEWHERE


def _compared(plan: Plan, routes: list[dict], seen: dict) -> dict[int, dict]:
    """The jobs that these routes are about, and those of the others that have come to these technicians since."""
    owners, concerned = {route["technician"] for route in routes}, _concerned(plan, routes)
    theirs = Job.objects.filter(technician__in=owners, status=Status.ASSIGNED, scheduled_on=plan.day)
    had = {int(pk): state["technician"] for pk, state in seen["jobs"].items()}
    now_theirs = theirs.values_list("pk", "technician_id")
    concerned.update(pk for pk, technician_id in now_theirs if had.get(pk, technician_id) != technician_id)
    return {pk: seen["jobs"][str(pk)] for pk in concerned if str(pk) in seen["jobs"]}


def _concerned(plan: Plan, routes: list[dict]) -> set[int]:
    people = {route["technician"] for route in routes} | ({plan.absent_id} if plan.absent_id else set())
    jobs = {stop["job"] for route in routes for stop in route["stops"]}
    given_away = {
        stop["job"]
        for route in plan.result["routes"]
        for stop in route["stops"]
        if not route["applied_at"] and stop["was"] and stop["was"]["technician"] in people
    }
    left_out = {row["job"] for row in plan.result["left_out"] if row["was"] and row["was"]["technician"] in people}
    return jobs | given_away | left_out


def _of_people(seen: Mapping[int, dict], names: Mapping[int, str], day: date) -> list[str]:
    said = []
    for pk, state in people_states([Technician(pk=pk) for pk in seen], day=day).items():
        was, name = seen[pk], names.get(pk, "A technician")
        if was["active"] and not state["active"]:
            said.append(f"{name} is no longer active")
        elif state["off"] != was["off"]:
            new = [row for row in state["off"] if row not in was["off"]]
            is_sick = any(kind == TimeOff.Kind.SICK for kind, _, _ in new)
            text = "called out sick" if is_sick else "has time off that day now" if new else "is back from time off"
            said.append(f"{name} {text}")
        elif state["hours"] != was["hours"]:
            said.append(f"{name} has other working hours")
        elif any(was.get(what, state[what]) != state[what] for what in ("skills", "zones")):
            said.append(f"{name} has other skills or zones")
    return said


def _of_jobs(seen: Mapping[int, dict], at: str | None, names: Mapping[int, str], called: _Called) -> list[str]:
    jobs = Job.objects.select_related("technician__user").in_bulk(list(seen))
    skills = defaultdict(list)
    for job_id, *need in RequiredSkill.objects.filter(job__in=list(seen)).values_list("job_id", "skill_id", "level"):
        skills[job_id].append(need)
    states = {pk: state_of(job, skills[pk]) for pk, job in jobs.items()}
    changed = [pk for pk in sorted(seen) if states.get(pk) != seen[pk]]
    if not changed:
        return []
    who = _who_changed([pk for pk in changed if pk in jobs], at)
    called.look_up(changed)
    return [
        f"J-{pk:06d} does not exist any more"
        if pk not in jobs
        else _sentence(jobs[pk], called.name(pk), seen[pk], states[pk], names, who.get(pk, ""))
        for pk in changed
    ]


def _who_changed(job_ids: list[int], at: str | None) -> dict[int, str]:
    """Who was the last to change each of them; empty where it was the system."""
    since = parse_datetime(at) if at else timezone.now()
    changes = [
        (row.received_at, row.job_id, row.actor)
        for row in StatusChange.objects.filter(job__in=job_ids, received_at__gte=since).select_related("actor")
    ]
    changes += [
        (row.changed_at, row.job_id, row.actor)
        for row in FieldChange.objects.filter(job__in=job_ids, changed_at__gte=since).select_related("actor")
    ]
    changes.sort(key=lambda change: change[0])
    return {job_id: f" by {actor}" if actor else "" for _, job_id, actor in changes}


def _sentence(job: Job, number: str, was: dict, state: dict, names: Mapping[int, str], by: str) -> str:
    if job.status in (Status.EN_ROUTE, Status.IN_PROGRESS, Status.COMPLETED) and was["status"] != job.status:
        done = {"en_route": "set out for", "in_progress": "began", "completed": "completed"}[job.status]
        return f"{job.technician} {done} {number}"
    if job.status == Status.CANCELLED:
        return f"{number} was cancelled{by}"
    if state["technician"] != was["technician"]:
        if job.technician is None:
            return f"{number} was taken from {names.get(was['technician'], 'its technician')}{by}"
        return f"{number} was given to {job.technician}{by}"
    if state["held"] != was["held"]:
        return f"{number} was put on hold{by}" if job.is_on_hold else f"{number} was released{by}"
    changed = ", ".join(word for name, word in WORDS.items() if state[name] != was[name]) or "something"
    return f"{changed[0].upper()}{changed[1:]} of {number} changed{by}"


def _of_newcomers(
    plan: Plan, technician_ids: set[int], seen: dict, names: Mapping[int, str], called: _Called
) -> list[str]:
    resting, known = set(seen.get("resting", ())), {*seen["known"], *map(int, seen["jobs"])}
    theirs = Job.objects.filter(technician__in=technician_ids, scheduled_on=plan.day).exclude(status=Status.CANCELLED)
    rows = list(theirs.order_by("pk").values_list("pk", "technician_id", "status", "held_at"))
    came = [row for row in rows if row[0] not in known]
    back = [row for row in rows if row[0] in resting and row[2] == Status.ASSIGNED and row[3] is None]
    called.look_up([pk for pk, *_ in (*came, *back)])
    said = [f"{called.name(pk)} came to {names.get(owner, 'somebody')}'s day" for pk, owner, *_ in came]
    return said + [
        f"{called.name(pk)} is still to be done, by {names.get(owner, 'somebody')}" for pk, owner, *_ in back
    ]


def _of_the_clock(routes: list[dict], names: Mapping[int, str], called: _Called, *, now: datetime) -> list[str]:
    """A plan that lets somebody begin in the past is none."""
    over = []
    for route in routes:
        starts = ((parse_datetime(stop["planned_at"]), stop["job"]) for stop in route["stops"] if stop["planned_at"])
        if missed := next((start for start in starts if start[0] < now), None):
            over.append((*missed, names.get(route["technician"], "somebody")))
    called.look_up([pk for _, pk, _ in over])
    return [
        f"{timezone.localtime(at):%H:%M} is over, when {name} was to begin {called.name(pk)}" for at, pk, name in over
    ]


def _iso(instant: datetime | None) -> str | None:
    return instant and instant.astimezone(UTC).isoformat()
