"""One night of New York's requests, as its open data has them, and forty technicians who might have answered them.

Import after `stage.services` began.
"""

import random
from datetime import date, datetime, timedelta
from datetime import time as clock
from io import StringIO

import stage

DATA = stage.PROJECT.parent / "shared" / "data"
FILES = [DATA / "nyc-community-districts.geojson", DATA / "nyc311-2019-12-31.csv"]
NIGHT = date(2019, 12, 31)
TRADES = {"Heating repair": "Heating", "Plumbing repair": "Plumbing"}
PEOPLE = 40


def import_night():
    from django.core.management import call_command

    from dispatch.models import Job, RequiredSkill, User
    from dispatch.roles import Role, give_role
    from technicians.models import Skill

    districts, requests = FILES
    if not all(file.exists() for file in FILES):
        raise SystemExit(f"{requests} is missing.")
    silent = {"stdout": StringIO(), "stderr": StringIO()}
    call_command("import_zones", str(districts), "--name", "name", **silent)
    call_command("import_jobs", str(requests), "--mapping", "nyc311.toml", **silent)
    skills = {name: Skill.objects.get_or_create(name=name)[0] for name in TRADES.values()}
    chance = random.Random(311)
    RequiredSkill.objects.bulk_create(
        RequiredSkill(job=job, skill=skills[TRADES[job.job_type.name]], level=chance.choice([1, 2, 2, 3]))
        for job in Job.objects.filter(job_type__name__in=TRADES).select_related("job_type").order_by("external_id")
    )
    hire(skills, chance)
    manager = User.objects.create(username="night-manager", password="!")
    give_role(manager, Role.MANAGER)
    return manager


def hire(skills, chance) -> None:
    """Each starts in one district and covers the nearest ones, and every district is covered by three."""
    from dispatch.models import User
    from dispatch.roles import Role, give_role
    from technicians.models import Technician, TechnicianSkill, WorkingHours
    from zones.models import ServiceZone

    centres = {zone: centre_of(zone) for zone in ServiceZone.objects.filter(is_active=True).order_by("name")}
    zones = list(centres)
    for number in range(PEOPLE):
        own = zones[number * len(zones) // PEOPLE]
        latitude, longitude = centres[own]
        user = User.objects.create(username=f"night{number}", first_name=f"Tech {number:02d}", password="!")
        give_role(user, Role.TECHNICIAN)
        technician = Technician.objects.create(
            user=user, home_latitude=latitude, home_longitude=longitude, daily_maximum=chance.choice([4, 5, 6, 8])
        )
        near = sorted(zones, key=lambda zone: apart(centres[zone], (latitude, longitude)))
        technician.zones.set(near[: chance.choice([6, 8, 10])])
        known = [skills["Heating"]] + [skills["Plumbing"]] * (number % 2)
        TechnicianSkill.objects.bulk_create(
            TechnicianSkill(technician=technician, skill=skill, level=chance.randint(1, 4)) for skill in known
        )
        starts_at = chance.choice([clock(7), clock(8), clock(9)])
        WorkingHours.objects.create(
            technician=technician, weekday=NIGHT.weekday(), starts_at=starts_at, ends_at=clock(starts_at.hour + 8)
        )
    everybody = list(Technician.objects.filter(user__username__startswith="night"))
    for zone, centre in centres.items():
        homes = {person: (person.home_latitude, person.home_longitude) for person in everybody}
        for person in sorted(everybody, key=lambda person: (apart(homes[person], centre), person.pk))[:3]:
            person.zones.add(zone)


def apart(one: tuple[float, float], other: tuple[float, float]) -> float:
    return (one[0] - other[0]) ** 2 + (one[1] - other[1]) ** 2


def centre_of(zone) -> tuple[float, float]:
    from shapely.geometry import shape

    point = shape(zone.boundary).representative_point()
    return point.y, point.x


def at(hour: int) -> datetime:
    from django.utils import timezone

    return timezone.make_aware(datetime.combine(NIGHT, clock(hour)))


def broken_rules(job_ids: list[int]) -> list[str]:
    """The hard rules by plain arithmetic over the rows; nothing of the product's own judgement."""
    from django.utils import timezone

    from dispatch.models import Job, Status

    found, days = [], {}
    for job in Job.objects.filter(pk__in=job_ids, status=Status.ASSIGNED).select_related("technician__user", "zone"):
        who = job.technician
        held = {row.skill_id: row.level for row in who.skills.all()}
        found += [
            f"{job.number}: {who} lacks a skill"
            for need in job.required_skills.all()
            if held.get(need.skill_id, 0) < need.level
        ]
        if job.zone_id and not who.zones.filter(pk=job.zone_id).exists():
            found.append(f"{job.number}: {who} does not cover {job.zone}")
        days.setdefault(who, []).append(job)
    for who, jobs in days.items():
        hours = who.working_hours.get(weekday=NIGHT.weekday())
        if len(jobs) > who.daily_maximum:
            found.append(f"{who} has {len(jobs)} jobs of {who.daily_maximum}")
        free_at = None
        for job in sorted(jobs, key=lambda job: job.planned_starts_at):
            starts = timezone.localtime(job.planned_starts_at)
            ends = starts + timedelta(minutes=job.duration_minutes)
            if starts.date() != NIGHT or starts.time() < hours.starts_at or ends.time() > hours.ends_at:
                found.append(f"{job.number}: {who} works {hours}, not {starts:%H:%M}-{ends:%H:%M}")
            if free_at and starts < free_at:
                found.append(f"{job.number}: {who} is still at another job")
            free_at = ends
    return found
