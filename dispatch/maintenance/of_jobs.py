"""What pages of jobs and places say of maintenance."""

from dispatch.models import Job, MaintenancePlan, MaintenanceVisit, Site


def visit_of(job: Job, *, user) -> MaintenanceVisit | None:
    """The visit that the job is, with its plan."""
    plans = MaintenancePlan.objects.visible_to(user)
    return MaintenanceVisit.objects.filter(job=job, plan__in=plans).select_related("plan").first()


def plans_at(site: Site, *, user) -> list[MaintenancePlan]:
    return list(MaintenancePlan.objects.visible_to(user).filter(site=site).with_names().order_by("name", "pk"))
