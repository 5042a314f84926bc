"""A company around Pittsburgh, filled by bulk inserts: the same one every time. Import after `stage.services` began."""

import random
from datetime import date, datetime, time, timedelta

from django.contrib.auth.models import Group
from django.db import connection
from django.utils import timezone

from dispatch.models import Customer, Job, JobType, Site, Status, User
from dispatch.models.customers import phone_digits
from dispatch.models.jobs import RequiredSkill
from dispatch.roles import Role, give_role
from sla.models import Priority
from technicians.models import Skill, Technician, TechnicianSkill, WorkingHours
from zones.access import grant_zones
from zones.models import ServiceZone

WEST, SOUTH, SIDE = -80.2, 40.3, 0.1  # of a grid of 4 x 3 zones
BATCH = 2000
HISTORY_DAYS = 730
FIRST = [
    *("Ana", "Ben", "Cleo", "Dev", "Edda", "Finn", "Gus", "Hana", "Ivo", "Jun"),
    *("Kaya", "Leo", "Mia", "Noor", "Otto", "Pia", "Quin", "Rosa", "Sam", "Tara"),
]
LAST = ["Abbot", "Bianchi", "Cole", "Dutta", "Eriksen", "Fox", "Grant", "Haas", "Ito", "Jones"]
STREETS = [
    *("Ash", "Beech", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel"),
    *("Ivy", "Juniper", "Larch", "Maple", "Oak", "Pine", "Rowan", "Spruce"),
]
TRADES = ["Boiler", "Furnace", "Chiller", "Heat pump", "Duct", "Water heater", "Drain", "Leak", "Panel", "Generator"]
CALLS = ["makes a noise since this morning", "does not start", "yearly inspection", "leaks into the cellar", "trips"]
SKILLS = [
    *("Gas", "Electrical", "Refrigerant", "Plumbing", "Controls"),
    *("Welding", "Height", "Asbestos", "Backflow", "Solar"),
]


class Company:
    def __init__(self, *, technicians: int = 200, customers: int = 12_000):
        self.chance = random.Random(7)
        self.now = timezone.now()
        self.today = timezone.localdate(self.now)
        self.zones = [self._zone(number) for number in range(12)]
        self.skills = Skill.objects.bulk_create([Skill(name=name) for name in SKILLS])
        self.job_types = JobType.objects.bulk_create([JobType(name=name) for name in TRADES])
        self.technicians = self._hire(technicians)
        self.free = self.chance.sample(self.technicians, technicians)  # with no job under way
        self.sites = self._customers(customers)

    def dispatcher(self, username: str, *, zones: list[ServiceZone] | None) -> User:
        """`zones` None: all of them."""
        user = User.objects.create(username=username, first_name=username.title(), password="!")
        give_role(user, Role.DISPATCHER)
        if zones is not None:
            grant_zones(user, zones)
        return user

    def add_jobs(self, count: int, *, open_today: int) -> None:
        """`open_today` of them are what a dispatcher works on today; the others were done in the past two years."""
        makers = [self._open_job] * open_today + [self._past_job] * (count - open_today)
        self.chance.shuffle(makers)
        for start in range(0, count, BATCH):
            jobs = Job.objects.bulk_create([make() for make in makers[start : start + BATCH]])
            RequiredSkill.objects.bulk_create([need for job in jobs for need in self._needs(job)])
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def fill_days(self, first: date, days: int, jobs: int) -> None:
        """So many jobs on these days: each technician has a row of them, some nobody has, of today some are done."""
        made = [self._planned_job(first + timedelta(days=number % days), number // days) for number in range(jobs)]
        Job.objects.bulk_create(made, batch_size=BATCH)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")

    def _planned_job(self, day: date, number: int) -> Job:
        if number % 12 == 11:
            return self._job(day, status=Status.CREATED, created_at=self.now)
        technician = self.technicians[number % len(self.technicians)]
        row = number // len(self.technicians)
        begins = self._at(day, 7) + timedelta(minutes=100 * (row % 6) + 7 * (number % 9))
        fields = {"technician": technician, "assigned_at": self.now, "created_at": self.now}
        if day <= self.today and row < 2:
            times = {"started_at": begins, "completed_at": begins + timedelta(minutes=55)}
            job = self._job(day, status=Status.COMPLETED, **fields, **times)
        else:
            job = self._job(day, status=Status.ASSIGNED, **fields)
        job.planned_starts_at, job.duration_minutes = begins, 60
        return job

    def _zone(self, number: int) -> ServiceZone:
        west, south = WEST + number % 4 * SIDE, SOUTH + number // 4 * SIDE
        east, north = west + SIDE, south + SIDE
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return ServiceZone.objects.create(
            name=f"Zone {number + 1}", boundary={"type": "Polygon", "coordinates": [ring]}
        )

    def _hire(self, count: int) -> list[Technician]:
        users = User.objects.bulk_create(
            User(
                username=f"tech{number}",
                first_name=FIRST[number % len(FIRST)],
                last_name=LAST[number // len(FIRST) % len(LAST)],
                password="!",
            )
            for number in range(count)
        )
        Group.objects.get(name=Role.TECHNICIAN).user_set.add(*users)
        technicians = Technician.objects.bulk_create(
            Technician(user=user, home_latitude=SOUTH + SIDE, home_longitude=WEST + SIDE) for user in users
        )
        through = Technician.zones.through
        through.objects.bulk_create(
            through(technician=technician, servicezone=zone)
            for technician in technicians
            for zone in self.chance.sample(self.zones, 2)
        )
        TechnicianSkill.objects.bulk_create(
            TechnicianSkill(technician=technician, skill=skill, level=self.chance.randint(1, 4))
            for technician in technicians
            for skill in self.chance.sample(self.skills, 3)
        )
        WorkingHours.objects.bulk_create(
            WorkingHours(technician=technician, weekday=weekday, starts_at=time(7), ends_at=time(17))
            for technician in technicians
            for weekday in range(7)
        )
        return technicians

    def _customers(self, count: int) -> list[Site]:
        phones = [f"412-555-{number:06d}" for number in range(count)]
        customers = Customer.objects.bulk_create(
            (
                Customer(name=f"{self._name()} {number}", phone=phone, phone_digits=phone_digits(phone))
                for number, phone in enumerate(phones)
            ),
            batch_size=BATCH,
        )
        # Every fourth customer has a second site.
        sites = [self._site(customer) for customer in [*customers, *customers[::4]]]
        return Site.objects.bulk_create(sites, batch_size=BATCH)

    def _name(self) -> str:
        return f"{self.chance.choice(FIRST)} {self.chance.choice(LAST)}"

    def _site(self, customer: Customer) -> Site:
        address = f"{self.chance.randrange(1, 9999)} {self.chance.choice(STREETS)} Street, Pittsburgh"
        if self.chance.random() < 0.03:
            return Site(customer=customer, address=address)
        number = self.chance.randrange(len(self.zones))
        longitude = WEST + (number % 4 + self.chance.random()) * SIDE
        latitude = SOUTH + (number // 4 + self.chance.random()) * SIDE
        return Site(customer=customer, address=address, latitude=latitude, longitude=longitude, zone=self.zones[number])

    def _job(self, day: date | None, **fields) -> Job:
        site = self.chance.choice(self.sites)
        job_type = self.chance.choice(self.job_types)
        times = {}
        if day and self.chance.random() < 0.6:
            begins = self._at(day, self.chance.randrange(7, 17))
            times = {"window_starts_at": begins, "window_ends_at": begins + timedelta(hours=2)}
        if day and self.chance.random() < 0.7:
            times["planned_starts_at"] = times.get("window_starts_at") or self._at(day, self.chance.randrange(7, 17))
        return Job(
            customer_id=site.customer_id,
            site=site,
            zone=site.zone,
            job_type=job_type,
            description=f"{job_type.name} {self.chance.choice(CALLS)}",
            priority=self.chance.choices(Priority.values, [2, 5, 2, 1])[0],
            duration_minutes=self.chance.choice([30, 45, 60, 90, 120]),
            scheduled_on=day,
            **times,
            **fields,
        )

    def _at(self, day: date, hour: int) -> datetime:
        return timezone.make_aware(datetime.combine(day, time(hour)))

    def _open_job(self) -> Job:
        days = [self.today, self.today - timedelta(days=self.chance.randint(1, 10)), None]
        day = self.chance.choices(days, [80, 15, 5])[0]
        created_at = self.now - timedelta(days=self.chance.uniform(11, 20))
        fields = {"created_at": created_at}
        status = self.chance.choices([Status.CREATED, Status.ASSIGNED, Status.EN_ROUTE], [40, 54, 6])[0]
        if status == Status.EN_ROUTE and self.free and day:
            status = self.chance.choice([Status.EN_ROUTE, Status.IN_PROGRESS])
            fields |= {"technician": self.free.pop(), "assigned_at": self.now, "en_route_at": self.now}
            if status == Status.IN_PROGRESS:
                fields["started_at"] = self.now
        elif status == Status.CREATED:
            if self.chance.random() < 0.1:
                fields |= {"held_at": self.now, "hold_reason": "Waiting for a part"}
        else:
            status = Status.ASSIGNED
            fields |= {"technician": self.chance.choice(self.technicians), "assigned_at": self.now}
        return self._job(day, status=status, **fields)

    def _past_job(self) -> Job:
        day = self.today - timedelta(days=self.chance.randrange(HISTORY_DAYS))
        ended_at = self._at(day, self.chance.randrange(9, 18))
        fields = {
            "technician": self.chance.choice(self.technicians),
            "created_at": ended_at - timedelta(days=2),
            "assigned_at": ended_at - timedelta(days=1),
        }
        if self.chance.random() < 0.05:
            return self._job(day, status=Status.CANCELLED, cancelled_at=ended_at, **fields)
        started_at = ended_at - timedelta(hours=1)
        return self._job(day, status=Status.COMPLETED, started_at=started_at, completed_at=ended_at, **fields)

    def _needs(self, job: Job) -> list[RequiredSkill]:
        skills = self.chance.sample(self.skills, self.chance.choice([0, 1, 1, 2]))
        return [RequiredSkill(job=job, skill=skill, level=self.chance.randint(1, 4)) for skill in skills]
