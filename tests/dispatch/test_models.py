"""The database itself refuses wrong rows, whatever code writes them; and what a customer's phone number means."""

from datetime import time, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from dispatch.models import (
    AssignmentRule,
    BillingRecord,
    BillingSettings,
    Customer,
    DispatchSettings,
    Job,
    JobNote,
    JobType,
    JobTypeSkill,
    RequiredSkill,
    Site,
    Status,
    StatusChange,
)
from dispatch.models.customers import phone_digits
from technicians.models import ClockRecord, Position, Skill, Technician, TechnicianSkill, TimeOff, WorkingHours
from tests.factories import CustomerFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job, square
from zones.models import ServiceZone

NOW = timezone.now()
HOUR = timedelta(hours=1)
TODAY = timezone.localdate()


def refused_by(constraint, write):
    """Whether the database refuses; SQLite names the columns of a unique index instead of the constraint."""
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        write()
    message = str(refusal.value)
    return constraint in message or (connection.vendor == "sqlite" and "UNIQUE" in message)


JOB_UPDATES = {
    "job_status": {"status": "lost", "technician": None},
    "job_priority": {"priority": 5},
    "job_duration": {"duration_minutes": 4},
    "job_window_whole_and_ordered": {"window_starts_at": NOW, "window_ends_at": NOW},
    "job_with_times_has_day": {"scheduled_on": None, "planned_starts_at": NOW},
    "job_hold_has_reason": {"held_at": NOW},
}


@pytest.mark.parametrize("constraint", JOB_UPDATES)
def test_the_database_refuses_a_job_that_breaks(constraint, omar):
    job = make_job(by=omar)
    assert refused_by(constraint, lambda: Job.objects.filter(pk=job.pk).update(**JOB_UPDATES[constraint]))


@pytest.mark.parametrize(
    "values",
    [
        {"window_starts_at": NOW, "window_ends_at": None},
        {"window_starts_at": None, "window_ends_at": NOW},
        {"window_starts_at": NOW, "window_ends_at": NOW - HOUR},
    ],
)
def test_a_time_block_is_whole_and_ordered(values, omar):
    job = make_job(by=omar)
    write = Job.objects.filter(pk=job.pk).update
    assert refused_by("job_window_whole_and_ordered", lambda: write(**values))
    assert write(window_starts_at=NOW, window_ends_at=NOW + HOUR)


@pytest.mark.parametrize("field", ["window_starts_at", "planned_starts_at"])
def test_a_job_with_times_has_a_day(field, omar):
    job = make_job(by=omar, scheduled_on=None)
    values = {field: NOW} | ({"window_ends_at": NOW + HOUR} if field == "window_starts_at" else {})
    assert refused_by("job_with_times_has_day", lambda: Job.objects.filter(pk=job.pk).update(**values))


def test_a_hold_and_its_reason_come_together(omar):
    write = Job.objects.filter(pk=make_job(by=omar).pk).update
    assert refused_by("job_hold_has_reason", lambda: write(hold_reason="No date"))
    assert write(held_at=NOW, hold_reason="Part on order")


@pytest.mark.parametrize("status", Status)
def test_a_job_has_a_technician_exactly_when_its_status_says_so(status, omar, tess):
    job = make_job(by=omar)
    wrong = {Status.CREATED: [tess], Status.CANCELLED: []}.get(status, [None])
    right = {Status.CREATED: [None], Status.CANCELLED: [None, tess]}.get(status, [tess])
    write = Job.objects.filter(pk=job.pk).update
    for technician in wrong:
        assert refused_by("job_technician_fits_status", lambda t=technician: write(status=status, technician=t))
    for technician in right:
        assert write(status=status, technician=technician)


@pytest.mark.parametrize("first", [Status.EN_ROUTE, Status.IN_PROGRESS])
@pytest.mark.parametrize("second", [Status.EN_ROUTE, Status.IN_PROGRESS])
def test_a_technician_is_never_active_on_two_jobs(first, second, omar, tess, tom):
    make_job(first, by=omar, technician=tess)
    other = make_job(Status.ASSIGNED, by=omar, technician=tess)
    write = Job.objects.filter(pk=other.pk).update
    assert refused_by("job_one_active_per_technician", lambda: write(status=second))
    assert write(status=second, technician=tom)


def test_an_external_id_is_given_once_and_may_be_missing_often(omar):
    make_job(by=omar, external_id="CRM-1")
    make_job(by=omar)
    make_job(by=omar)
    assert refused_by("job_external_id_once", lambda: make_job(by=omar, external_id="CRM-1"))


ROWS = {
    "customer_has_name": lambda: Customer.objects.create(name=""),
    "customer_external_id_once": lambda: [CustomerFactory(external_id="A") for _ in range(2)],
    "site_has_address": lambda: SiteFactory(address=""),
    "site_on_globe": lambda: SiteFactory(latitude=91, longitude=0),
    "job_type_has_name": lambda: JobType.objects.create(name=""),
    "job_type_duration": lambda: JobType.objects.create(name="x", default_duration_minutes=1441),
    "job_type_price_not_negative": lambda: JobType.objects.create(name="x", fixed_price=-1),
    "billing_settings_one_row": lambda: BillingSettings.objects.create(pk=2),
    "billing_labour_rate": lambda: BillingSettings.objects.create(pk=1, labour_rate=-1),
    "billing_tax_rate": lambda: BillingSettings.objects.create(pk=1, tax_rate=101),
    "dispatch_settings_one_row": lambda: DispatchSettings.objects.create(pk=2),
    "dispatch_detour_factor": lambda: DispatchSettings.objects.create(pk=1, detour_factor=0.9),
    "dispatch_average_speed": lambda: DispatchSettings.objects.create(pk=1, average_speed_kmh=0),
    "zone_has_name": lambda: ServiceZone.objects.create(name="", boundary=square(0, 0, 1, 1)),
    "zone_colour_is_hex": lambda: ServiceZone.objects.create(name="x", colour="red", boundary=square(0, 0, 1, 1)),
    "technician_commission_percent": lambda: TechnicianFactory(commission_rate=101),
    "technician_daily_maximum": lambda: TechnicianFactory(daily_maximum=0),
    "technician_home_on_globe": lambda: TechnicianFactory(home_latitude=91),
    "technician_position_whole": lambda: TechnicianFactory(latitude=40, longitude=-75),
    "technician_external_id_once": lambda: [TechnicianFactory(external_id="A") for _ in range(2)],
}


@pytest.mark.django_db
@pytest.mark.parametrize("constraint", ROWS)
def test_the_database_refuses(constraint):
    assert refused_by(constraint, ROWS[constraint])


def half_a_place(model, **fields):
    return lambda: model.objects.filter(**fields).update(longitude=None)


def test_coordinates_come_in_pairs(tess, omar):
    site = SiteFactory(latitude=40, longitude=-75)
    assert refused_by("site_on_globe", half_a_place(Site, pk=site.pk))
    Technician.objects.filter(pk=tess.pk).update(latitude=40, longitude=-75, position_at=NOW)
    assert refused_by("technician_position_whole", half_a_place(Technician, pk=tess.pk))
    assert Technician.objects.filter(pk=tess.pk).update(latitude=None, longitude=None, position_at=None)


def shift(technician, **fields):
    return lambda: WorkingHours.objects.create(
        **{"technician": technician, "weekday": 0, "starts_at": time(8), "ends_at": time(16), **fields}
    )


TECHNICIAN_ROWS = {
    "technician_skill_once": lambda t: [t.skills.create(skill=SkillFactory(name="Gas"), level=1) for _ in range(2)],
    "technician_skill_level": lambda t: TechnicianSkill.objects.create(technician=t, skill=SkillFactory(), level=5),
    "working_hours_once": lambda t: [shift(t)() for _ in range(2)],
    "working_hours_weekday": lambda t: shift(t, weekday=7)(),
    "working_hours_not_empty": lambda t: shift(t, ends_at=time(8))(),
    "working_hours_break_whole": lambda t: shift(t, break_starts_at=time(12))(),
    "time_off_ends_after_start": lambda t: TimeOff.objects.create(technician=t, starts_at=NOW, ends_at=NOW),
    "clock_record_one_open": lambda t: [ClockRecord.objects.create(technician=t, clocked_in_at=NOW) for _ in "ab"],
    "clock_record_out_after_in": lambda t: ClockRecord.objects.create(
        technician=t, clocked_in_at=NOW, clocked_out_at=NOW - HOUR
    ),
    "position_once": lambda t: [position(t, latitude=40) for _ in range(2)],
    "position_on_globe": lambda t: position(t, latitude=-91),
}


def position(technician, *, latitude):
    return Position.objects.create(
        technician=technician, recorded_at=NOW, received_at=NOW, latitude=latitude, longitude=0, source="phone"
    )


@pytest.mark.parametrize("constraint", TECHNICIAN_ROWS)
def test_the_database_refuses_for_a_technician(constraint, tess):
    assert refused_by(constraint, lambda: TECHNICIAN_ROWS[constraint](tess))


def change(job, **fields):
    values = {"to_status": "created", "happened_at": NOW, "received_at": NOW, "actor_kind": "system", **fields}
    return StatusChange.objects.create(job=job, **values)


JOB_ROWS = {
    "status_change_to": lambda job: change(job, to_status="gone"),
    "status_change_from": lambda job: change(job, from_status="gone"),
    "status_change_on_globe": lambda job: change(job, latitude=91, longitude=0),
    "status_change_by_someone": lambda job: change(job, actor_kind="dispatcher"),
    "job_note_not_empty": lambda job: JobNote.objects.create(job=job, written_at=NOW, author=job.created_by, text=""),
    "required_skill_once": lambda job: [
        RequiredSkill.objects.create(job=job, skill=SkillFactory(name="Gas")) for _ in range(2)
    ],
    "required_skill_level": lambda job: RequiredSkill.objects.create(job=job, skill=SkillFactory(), level=0),
    "job_type_skill_once": lambda job: [
        JobTypeSkill.objects.create(job_type=job.job_type, skill=SkillFactory(name="Gas")) for _ in range(2)
    ],
    "job_type_skill_level": lambda job: JobTypeSkill.objects.create(
        job_type=job.job_type, skill=SkillFactory(), level=9
    ),
    "assignment_rule_mode": lambda job: AssignmentRule.objects.update_or_create(priority=1, defaults={"mode": "maybe"}),
    "assignment_rule_priority": lambda job: AssignmentRule.objects.create(priority=7),
    "billing_record_not_negative": lambda job: BillingRecord.objects.create(
        job=job,
        technician=TechnicianFactory(),
        completed_at=NOW,
        worked_minutes=1,
        revenue=Decimal(-1),
        commission=0,
        commission_rate=0,
        tax_rate=0,
        currency="USD",
    ),
}


@pytest.mark.parametrize("constraint", JOB_ROWS)
def test_the_database_refuses_beside_a_job(constraint, omar):
    job = make_job(by=omar)
    assert refused_by(constraint, lambda: JOB_ROWS[constraint](job))


def test_every_constraint_of_these_apps_is_tried_here_or_named():
    tried = {*JOB_UPDATES, *ROWS, *TECHNICIAN_ROWS, *JOB_ROWS}
    tried |= {"job_technician_fits_status", "job_one_active_per_technician", "job_external_id_once"}
    models = [Customer, Site, Job, JobType, JobTypeSkill, RequiredSkill, StatusChange, JobNote, BillingRecord]
    models += [BillingSettings, DispatchSettings, AssignmentRule, ServiceZone, Technician, Skill, TechnicianSkill]
    models += [WorkingHours, TimeOff, ClockRecord, Position]
    known = {constraint.name for model in models for constraint in model._meta.constraints}
    assert known == tried


@pytest.mark.parametrize(
    "phone, digits",
    [
        ("412-555-0134", "4125550134"),
        ("+1 (412) 555-0134", "4125550134"),
        ("001 412 555 0134", "4125550134"),
        ("1.412.555.0134", "4125550134"),
        ("+49 30 1234567", "49301234567"),
        ("0049 30 1234567", "49301234567"),
        ("555-0134 ext. 9", "55501349"),
        ("none", ""),
    ],
)
def test_two_spellings_of_a_phone_number_are_the_same(phone, digits):
    assert phone_digits(phone) == digits


@pytest.mark.django_db
def test_a_changed_phone_number_is_found_by_its_new_digits():
    customer = CustomerFactory(phone="412-555-0100")
    customer.phone = "412-555-0199"
    customer.save(update_fields=["phone"])
    assert Customer.objects.get(phone_digits="4125550199") == customer


def test_a_job_knows_its_number_and_what_a_form_saw(omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    assert job.number == f"J-{job.pk:06d}"
    assert (job.seen, make_job(by=omar).seen) == (f"assigned.{tess.pk}", "created.")
    assert Job.objects.filter(scheduled_on=TODAY).count() == 2
