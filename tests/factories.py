"""Test data. Jobs reach a state through the real actions, so that a completed job has its history."""

import uuid
from io import BytesIO

import factory
from django.utils import timezone
from factory.django import DjangoModelFactory

from dispatch import actions
from dispatch.field.taps import Moment
from dispatch.models import Customer, JobType, MaintenancePlan, Picture, Site, Status, User
from dispatch.roles import Role, give_role
from technicians.models import Skill, Technician
from tests.picture_files import photo
from zones.models import ServiceZone

PASSWORD = "a-good-password"


def square(west, south, east, north):
    """A GeoJSON Polygon."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


class ServiceZoneFactory(DjangoModelFactory):
    class Meta:
        model = ServiceZone

    name = factory.Sequence("Zone {}".format)
    boundary = factory.Sequence(lambda n: square(10 + n, 10, 11 + n, 11))


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence("user{}".format)
    first_name = factory.LazyAttribute(lambda user: user.username.title())
    password = factory.django.Password(PASSWORD)
    role = factory.PostGeneration(lambda user, create, role: role and give_role(user, Role(role)))


class SkillFactory(DjangoModelFactory):
    class Meta:
        model = Skill
        django_get_or_create = ["name"]

    name = factory.Sequence("Skill {}".format)


class TechnicianFactory(DjangoModelFactory):
    class Meta:
        model = Technician
        skip_postgeneration_save = True

    user = factory.SubFactory(UserFactory, role=Role.TECHNICIAN)
    home_latitude = 40.0
    home_longitude = -75.0
    zones = factory.PostGeneration(lambda technician, create, zones: zones and technician.zones.set(zones))


class CustomerFactory(DjangoModelFactory):
    class Meta:
        model = Customer

    name = factory.Sequence("Customer {}".format)
    phone = factory.Sequence("555-01{:02d}".format)


class SiteFactory(DjangoModelFactory):
    class Meta:
        model = Site

    customer = factory.SubFactory(CustomerFactory)
    address = factory.Sequence("{} Ash St".format)


class JobTypeFactory(DjangoModelFactory):
    class Meta:
        model = JobType
        django_get_or_create = ["name"]

    name = "Repair"


def make_job(status=Status.CREATED, *, by, technician=None, site=None, zone=None, reason="Because", **fields):
    """A job in `status`, brought there by `by` (a user who may dispatch). `zone` puts the site in its middle."""
    site = site or _site_in(zone)
    fields.setdefault("scheduled_on", timezone.localdate())
    fields.setdefault("job_type", JobTypeFactory())
    job = actions.create_job(customer=site.customer, site=site, by=by, **fields)
    way = {
        Status.CREATED: [],
        Status.ASSIGNED: [Status.ASSIGNED],
        Status.EN_ROUTE: [Status.ASSIGNED, Status.EN_ROUTE],
        Status.IN_PROGRESS: [Status.ASSIGNED, Status.IN_PROGRESS],
        Status.COMPLETED: [Status.ASSIGNED, Status.IN_PROGRESS, Status.COMPLETED],
        Status.CANCELLED: [Status.CANCELLED],
    }[Status(status)]
    for step in way:
        whom = (technician or TechnicianFactory()) if step == Status.ASSIGNED else None
        job = actions.change_status(job, step, technician=whom, by=by, note=reason)
    return job


def _site_in(zone):
    """In its middle; without a zone nobody knows where."""
    if zone is None:
        return SiteFactory()
    ring = zone.boundary["coordinates"][0]
    return SiteFactory(longitude=(ring[0][0] + ring[2][0]) / 2, latitude=(ring[0][1] + ring[2][1]) / 2)


def make_plan(*, by, zone=None, site=None, now=None, **fields):
    """A maintenance plan: without more, one for every Monday from today on."""
    if site is None:
        site = _site_in(zone)
        actions.locate_site(site)
    fields = {
        "name": "Boiler service",
        "rule": "FREQ=WEEKLY;BYDAY=MO",
        "starts_on": timezone.localdate(now),
        "time_zone": "America/New_York",
        "job_type": fields.pop("job_type", None) or JobTypeFactory(),
    } | fields
    return actions.save_maintenance_plan(MaintenancePlan(site=site, **fields), by=by, now=now)


def keep_photo(job, *, name="", data=None) -> Picture:
    """Sent by the technician who has the job."""
    now, data = timezone.now(), data or photo()
    sent = actions.SentPicture(uuid.uuid4(), "photo", BytesIO(data), len(data), Moment(now, now), name=name)
    tap = actions.keep_picture(job.technician, job.pk, sent, by=job.technician.user, now=now)
    return Picture.objects.get(pk=tap.pk)
