"""Jobs: finding, creating, reading and changing them. What happens to them is in steps.py."""

from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router

from dispatch import actions
from dispatch.api.fields import Key, level_of, priority_of
from dispatch.api.job_schemas import (
    INSTANTS,
    JobChange,
    JobFilters,
    JobIn,
    JobOut,
    JobPage,
    NeedIn,
    check_times,
    day_of,
    job_out,
    jobs_out,
)
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_any, check_permission
from dispatch.api.problems import Problem, invalid
from dispatch.api.tokens import BearerToken
from dispatch.api.versions import check_version, show, tag_of
from dispatch.api.writing import writes
from dispatch.models import Job, JobType, Site
from technicians.models import Skill, Technician

router = Router(tags=["Jobs"])
READ, WRITE = BearerToken("jobs:read"), BearerToken("jobs:write")
CHANGED_AS_THEY_ARE = ("description", "scheduled_on", *INSTANTS, "duration_minutes", "is_fixed")


@router.get("/jobs", response=JobPage, auth=READ)
def list_jobs(request: HttpRequest, response: HttpResponse, filters: Query[JobFilters], page: Query[PageQuery]):
    """Those that the token's user may see: a dispatcher's zones, a technician's own."""
    check_any(request.user, "dispatch.view_job", "dispatch.work_job")
    return page_of(_filtered(request.user, filters), page, request, response, jobs_out)


def _filtered(user, filters: JobFilters):
    jobs = Job.objects.visible_to(user).with_board_info()
    if filters.search:
        jobs = jobs.matching(filters.search)
    if filters.status:
        jobs = jobs.filter(status__in=filters.status)
    if filters.priority:
        jobs = jobs.filter(priority__in=map(priority_of, filters.priority))
    exact = ("technician_id", "zone_id", "customer_id", "site_id", "job_type_id", "external_id")
    wanted = {name: value for name in exact if (value := getattr(filters, name)) is not None}
    if filters.day_from:
        wanted["scheduled_on__gte"] = filters.day_from
    if filters.day_to:
        wanted["scheduled_on__lte"] = filters.day_to
    return jobs.filter(**wanted)


@router.post("/jobs", response={201: JobOut}, auth=WRITE)
@writes
def create_job(request: HttpRequest, response: HttpResponse, data: JobIn):
    """Smart dispatch looks at it as at one that a dispatcher has typed in, unless a technician is given."""
    check_permission(request.user, "dispatch.add_job")
    values = data.dict(include={"description", "scheduled_on", *INSTANTS, "is_fixed", "external_id"})
    values |= {"priority": priority_of(data.priority), "scheduled_on": day_of(values), "source": Job.Source.API}
    check_times(values)
    if data.duration_minutes is not None:
        values["duration_minutes"] = data.duration_minutes
    site = _site(request.user, data)
    try:
        with transaction.atomic():
            job = actions.create_job(
                customer=site.customer,
                site=site,
                job_type=chosen_job_type(data.job_type_id),
                technician=chosen_technician(request.user, data.technician_id),
                skills=_needs(data.required_skills),
                by=request.user,
                **values,
            )
    except IntegrityError:
        if data.external_id and Job.objects.filter(external_id=data.external_id).exists():
            raise Problem("already-exists", f"There is a job with the external_id {data.external_id}.") from None
        raise
    job = visible_job(request.user, job.pk)
    response.status_code = 201
    response["Location"] = f"{request.path}/{job.pk}"
    return show(request, response, job_out(job), version=job.version)


@router.get("/jobs/{job_id}", response={200: JobOut, 304: None}, auth=READ)
def get_job(request: HttpRequest, response: HttpResponse, job_id: Path[Key]):
    job = visible_job(request.user, job_id)
    return show(request, response, job_out(job), version=job.version)


@router.patch("/jobs/{job_id}", response=JobOut, auth=WRITE)
@writes
def change_job(request: HttpRequest, response: HttpResponse, job_id: Path[Key], data: JobChange):
    """If-Match is required. Status and technician change by transitions, day and technician together by place."""
    job = dispatchable_job(request, job_id, is_match_required=True)
    given = data.dict(exclude_unset=True)
    changes = {name: given[name] for name in CHANGED_AS_THEY_ARE if name in given}
    check_times({name: getattr(job, name) for name in CHANGED_AS_THEY_ARE} | changes)
    if "priority" in given:
        changes["priority"] = priority_of(given["priority"])
    if "job_type_id" in given:
        changes["job_type"] = chosen_job_type(given["job_type_id"], besides=job.job_type_id)
    skills = _needs(data.required_skills) if "required_skills" in given else None
    actions.edit_job(job, changes, skills=skills, by=request.user, base_version=job.version)
    return changed(request, response, job_id)


def changed(request: HttpRequest, response: HttpResponse, job_id: int):
    """The job as it is after what was done to it; whoever has given it away may not see it any more."""
    job = get_object_or_404(Job.objects.with_board_info(), pk=job_id)
    return show(request, response, job_out(job), version=job.version)


def visible_job(user, job_id: int) -> Job:
    check_any(user, "dispatch.view_job", "dispatch.work_job")
    return get_object_or_404(Job.objects.visible_to(user).with_board_info(), pk=job_id)


def dispatchable_job(request: HttpRequest, job_id: int, *, is_match_required: bool = False) -> Job:
    """Locked, so that it is still the version that If-Match names when it is changed."""
    check_permission(request.user, "dispatch.change_job")
    return locked_job(request, Job.objects.dispatchable_by(request.user), job_id, is_match_required=is_match_required)


def locked_job(request: HttpRequest, jobs, job_id: int, *, is_match_required: bool = False) -> Job:
    get_object_or_404(jobs.select_for_update(no_key=True, of=("self",)), pk=job_id)
    job = get_object_or_404(jobs.with_board_info(), pk=job_id)
    check_version(request, tag_of(job_out(job), version=job.version), is_required=is_match_required)
    return job


# What a request names ------------------------------------------------------------------------------


def _site(user, data: JobIn) -> Site:
    site = Site.objects.dispatchable_by(user).select_related("customer").filter(pk=data.site_id).first()
    if site is None:
        raise invalid("site_id", "There is no such site, or not in this user's zones.")
    if data.customer_id not in (None, site.customer_id):
        raise invalid("customer_id", "The site is another customer's.")
    return site


def chosen_job_type(job_type_id: int, *, besides: int | None = None) -> JobType:
    found = JobType.objects.filter(pk=job_type_id).first()
    if found is None or not (found.is_active or found.pk == besides):
        raise invalid("job_type_id", "There is no such job type, or it is no longer used.")
    return found


def chosen_technician(user, technician_id: int | None) -> Technician | None:
    if technician_id is None:
        return None
    found = Technician.objects.visible_to(user).active().select_related("user").filter(pk=technician_id).first()
    if found is None:
        raise invalid("technician_id", "There is no such technician, or not in this user's zones.")
    return found


def _needs(given: list[NeedIn] | None) -> list[actions.SkillNeed] | None:
    if given is None:
        return None
    levels = {need.skill_id: level_of(need.level) for need in given}
    if len(levels) < len(given):
        raise invalid("required_skills", "A skill is named twice.")
    if Skill.objects.filter(pk__in=levels).count() < len(levels):
        raise invalid("required_skills", "There is no such skill.")
    return [actions.SkillNeed(skill_id, level) for skill_id, level in levels.items()]
