"""What jobs are made of: types, skills and service zones. They are few, and come whole."""

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from dispatch.api.fields import LevelName, Named, named
from dispatch.api.permissions import check_any, check_permission
from dispatch.api.tokens import BearerToken
from dispatch.models import JobType
from technicians.models import Skill
from zones.models import ServiceZone

router = Router(tags=["Catalogue"])
READ = BearerToken("catalogue:read")


class UsualNeedOut(Schema):
    skill: Named
    level: LevelName


class JobTypeOut(Schema):
    id: int
    name: str
    default_duration_minutes: int
    required_skills: list[UsualNeedOut]
    is_active: bool = Field(description="New jobs are of active types only")


class SkillOfCatalogueOut(Schema):
    id: int
    name: str
    is_active: bool


class ZoneOut(Schema):
    id: int
    name: str
    is_active: bool


@router.get("/job-types", response=list[JobTypeOut], auth=READ)
def list_job_types(request: HttpRequest):
    check_any(request.user, "dispatch.view_job", "dispatch.work_job")
    types = JobType.objects.prefetch_related("required_skills__skill").order_by("pk")
    return [
        {
            **{name: getattr(one, name) for name in ("id", "name", "default_duration_minutes", "is_active")},
            "required_skills": [
                {"skill": named(need.skill), "level": need.get_level_display().lower()}
                for need in one.required_skills.all()
            ],
        }
        for one in types
    ]


@router.get("/skills", response=list[SkillOfCatalogueOut], auth=READ)
def list_skills(request: HttpRequest):
    check_any(request.user, "dispatch.view_job", "dispatch.work_job")
    return list(Skill.objects.order_by("pk").values("id", "name", "is_active"))


@router.get("/zones", response=list[ZoneOut], auth=READ)
def list_zones(request: HttpRequest):
    """Those in which the token's user dispatches."""
    check_permission(request.user, "zones.view_servicezone")
    return list(ServiceZone.objects.visible_to(request.user).order_by("pk").values("id", "name", "is_active"))
