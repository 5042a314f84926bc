"""The demo company itself: zones, skills, job types, accounts, technicians, customers and their sites."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import cycle, islice, product

from django.contrib.auth.hashers import make_password
from django.utils.text import slugify

from dispatch.demo import DEMO_PASSWORD
from dispatch.demo.area import DOWNTOWN, NORTH, PLACES, ZONES, Place
from dispatch.demo.trade import (
    ACCESS_NOTES,
    BUSINESS_KINDS,
    BUSINESS_NAMES,
    CREW,
    FIRST_NAMES,
    LAST_NAMES,
    SKILLS,
    WORK,
    Crew,
    Work,
)
from dispatch.models import Customer, JobType, JobTypeSkill, Site, User
from dispatch.models.customers import phone_digits
from dispatch.roles import Role, give_role
from sla.models import SLAPolicy
from technicians.models import Skill, Technician, TechnicianSkill, WorkingHours
from zones.access import grant_zones
from zones.geometry import ZoneIndex
from zones.models import ServiceZone

OFFICE = (
    ("dana", "Dana", "Whitlock", Role.DISPATCHER),
    ("dora", "Dora", "Bell", Role.DISPATCHER),
    ("omar", "Omar", "Haddad", Role.MANAGER),
    ("ada", "Ada", "Lindqvist", Role.ADMIN),
)
USUAL_START, USUAL_END = time(7, 30), time(16, 30)
BREAK = (time(12), time(12, 30))
MAIL_DOMAIN = "truckroll.example"
AREA_CODES = ("412", "724", "878")


@dataclass(eq=False)
class Worker:
    """A technician as the seed uses one: their user keeps its permissions in memory."""

    technician: Technician
    crew: Crew

    @property
    def user(self) -> User:
        return self.technician.user

    def can_do(self, work: Work) -> bool:
        return all(self.crew.skills.get(skill, 0) >= level for skill, level in work.skills.items())


@dataclass
class Company:
    rng: random.Random
    job_types: dict[str, JobType] = field(default_factory=dict)
    zones: dict[str, ServiceZone] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    workers: list[Worker] = field(default_factory=list)
    home_sites: dict[str, list[Site]] = field(default_factory=dict)
    business_sites: dict[str, list[Site]] = field(default_factory=dict)

    def dispatcher_of(self, site: Site) -> User:
        danas = {self.zones[NORTH].pk, self.zones[DOWNTOWN].pk}
        return self.users["dana" if site.zone_id in danas else "dora"]

    def sites_for(self, work: Work, zone: str) -> list[Site]:
        mostly_homes = self.rng.random() < 0.8
        return self.home_sites[zone] if mostly_homes and not work.is_for_business else self.business_sites[zone]


def found_company(rng: random.Random, *, technicians: int, sites: int) -> Company:
    company = Company(rng)
    for zone in ZONES:
        company.zones[zone.name], _ = ServiceZone.objects.get_or_create(
            name=zone.name, defaults={"colour": zone.colour, "boundary": zone.as_geojson()}
        )
    _offer_work(company)
    password = make_password(DEMO_PASSWORD)  # once: two hundred technicians would take a minute
    for username, first_name, last_name, role in OFFICE:
        company.users[username] = _account(username, first_name, last_name, role, password)
    grant_zones(company.users["dana"], [company.zones[NORTH], company.zones[DOWNTOWN]])
    skills = {skill.name: skill for skill in Skill.objects.all()}
    for username, crew in _crews(rng, technicians):
        company.workers.append(_hire(company, username, crew, skills, password))
    _win_customers(company, sites)
    return company


def _offer_work(company: Company) -> None:
    skills = {name: Skill.objects.get_or_create(name=name)[0] for name in SKILLS}
    emergency = SLAPolicy.objects.filter(name="Emergency").first()
    for work in WORK:
        job_type, is_new = JobType.objects.get_or_create(
            name=work.name,
            defaults={
                "default_duration_minutes": work.minutes,
                "fixed_price": work.fixed_price,
                "sla_policy": emergency if work.name == "Gas leak check" else None,
            },
        )
        if is_new:
            JobTypeSkill.objects.bulk_create(
                JobTypeSkill(job_type=job_type, skill=skills[name], level=level) for name, level in work.skills.items()
            )
        company.job_types[work.name] = job_type


def _account(username: str, first_name: str, last_name: str, role: Role, password: str) -> User:
    """An account of that name that exists already keeps its password and its role."""
    user, is_new = User.objects.get_or_create(
        username=username,
        defaults={
            "first_name": first_name,
            "last_name": last_name,
            "email": f"{username}@{MAIL_DOMAIN}",
            "password": password,
        },
    )
    if is_new:
        give_role(user, role)
    return user


def _crews(rng: random.Random, count: int) -> list[tuple[str, Crew]]:
    """The named crew first; further technicians have the zones and skills of one of them and a name of their own."""
    crews = [(crew.first_name.lower(), crew) for crew in CREW[:count]]
    names = rng.sample(list(product(FIRST_NAMES, LAST_NAMES)), len(FIRST_NAMES) * len(LAST_NAMES))
    models = cycle(CREW)
    for number, (first_name, last_name) in enumerate(islice(cycle(names), count - len(crews)), start=len(crews) + 1):
        model = next(models)
        crews.append((f"tech{number}", Crew(first_name, last_name, model.zones, model.skills)))
    return crews


def _hire(company: Company, username: str, crew: Crew, skills: dict[str, Skill], password: str) -> Worker:
    rng = company.rng
    home = rng.choice([place for place in PLACES if place.zone in crew.zones])
    latitude, longitude = _near(rng, home)
    user = _account(username, crew.first_name, crew.last_name, Role.TECHNICIAN, password)
    technician, is_new = Technician.objects.get_or_create(
        user=user,
        defaults={
            "phone": f"412-555-01{rng.randrange(100):02d}",
            "home_address": f"{rng.randrange(100, 2400)} {rng.choice(home.streets)}, {home.city}",
            "home_latitude": latitude,
            "home_longitude": longitude,
            "commission_rate": rng.choice((5, 8, 10, 12)),
        },
    )
    if is_new:
        technician.zones.set([company.zones[name] for name in crew.zones])
        TechnicianSkill.objects.bulk_create(
            TechnicianSkill(technician=technician, skill=skills[name], level=level)
            for name, level in crew.skills.items()
        )
        WorkingHours.objects.bulk_create(_usual_week(technician))
    return Worker(technician, crew)


def _usual_week(technician: Technician) -> list[WorkingHours]:
    return [
        WorkingHours(
            technician=technician,
            weekday=weekday,
            starts_at=USUAL_START,
            ends_at=USUAL_END,
            break_starts_at=BREAK[0],
            break_ends_at=BREAK[1],
        )
        for weekday in range(5)
    ]


def work_that_day(technician: Technician, day: date, *, starts_at: time, ends_at: time) -> None:
    """Gives the technician another shift on that weekday, where it is not the usual one."""
    if (starts_at, ends_at) == (USUAL_START, USUAL_END) and day.weekday() < 5:
        return
    technician.working_hours.filter(weekday=day.weekday()).delete()
    WorkingHours.objects.create(technician=technician, weekday=day.weekday(), starts_at=starts_at, ends_at=ends_at)


def is_working_day(day: date) -> bool:
    return day.weekday() < 5


def previous_working_day(day: date) -> date:
    day -= timedelta(days=1)
    return day if is_working_day(day) else previous_working_day(day)


def _win_customers(company: Company, count: int) -> None:
    rng = company.rng
    index = ZoneIndex((zone.pk, zone.boundary) for zone in company.zones.values())
    policy = SLAPolicy.objects.filter(name="Premium").first()
    customers, sites, is_business = [], [], []
    names = {False: _names(rng, FIRST_NAMES, LAST_NAMES), True: _names(rng, BUSINESS_NAMES, BUSINESS_KINDS)}
    for number, place in enumerate(islice(cycle(PLACES), count)):
        business = rng.random() < 0.4 or (number < 2 * len(PLACES) and number % 2 == 0)
        customers.append(_customer(next(names[business]), number, policy if number in (0, 2) else None))
        sites.append(_site(company, index, place, customers[-1]))
        is_business.append(business)
    Customer.objects.bulk_create(customers)
    Site.objects.bulk_create(sites)
    for zone in ZONES:
        company.home_sites[zone.name], company.business_sites[zone.name] = [], []
    for place, site, business in zip(cycle(PLACES), sites, is_business, strict=False):
        (company.business_sites if business else company.home_sites)[place.zone].append(site)


def _names(rng: random.Random, *words: tuple[str, ...]) -> Iterator[str]:
    pairs = [" ".join(pair) for pair in product(*words)]
    rng.shuffle(pairs)
    return cycle(pairs)


def _customer(name: str, number: int, policy: SLAPolicy | None) -> Customer:
    phone = f"{AREA_CODES[number // 100 % len(AREA_CODES)]}-555-01{number % 100:02d}"
    return Customer(
        name=name,
        phone=phone,
        phone_digits=phone_digits(phone),
        email=f"{slugify(name)}@customer.example",
        sla_policy=policy,
    )


def _site(company: Company, index: ZoneIndex, place: Place, customer: Customer) -> Site:
    rng = company.rng
    zone_id = company.zones[place.zone].pk
    latitude, longitude = _near(rng, place)
    while index.find(latitude=latitude, longitude=longitude) != zone_id:
        latitude, longitude = _near(rng, place)
    return Site(
        customer=customer,
        address=f"{rng.randrange(100, 4900)} {rng.choice(place.streets)}, {place.city}",
        latitude=latitude,
        longitude=longitude,
        zone_id=zone_id,
        access_notes=rng.choice(ACCESS_NOTES) if rng.random() < 0.35 else "",
    )


def _near(rng: random.Random, place: Place) -> tuple[float, float]:
    return (
        round(place.latitude + rng.uniform(-0.008, 0.008), 6),
        round(place.longitude + rng.uniform(-0.010, 0.010), 6),
    )
