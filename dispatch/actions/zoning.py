"""Which zone a site and its jobs lie in."""

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from dispatch import realtime
from dispatch.actions.ask_where import ask_where
from dispatch.actions.base import check_may_dispatch, check_may_dispatch_at, groups_of_job, publish_jobs
from dispatch.actions.technician_notices import tell_of_new_address
from dispatch.models import Job, Site
from zones.models import ServiceZone


def locate_site(site: Site) -> None:
    """Finds the site's zone from its coordinates and saves it: none where no active zone is."""
    zone_id = None
    if site.has_location:
        zone_id = ServiceZone.objects.index().find(latitude=site.latitude, longitude=site.longitude)
    if site.zone_id != zone_id:
        site.zone_id = zone_id
        site.save(update_fields=["zone"])
    ask_where([site])


@transaction.atomic
def rezone_open_jobs() -> int:
    """Finds the zones of all sites and open jobs anew, after boundaries changed. Returns how many jobs moved."""
    index = ServiceZone.objects.index()
    moved, groups = [], set()
    located = Site.objects.exclude(latitude=None)
    for site in located.iterator():
        zone_id = index.find(latitude=site.latitude, longitude=site.longitude)
        if zone_id != site.zone_id:
            site.zone_id = zone_id
            site.save(update_fields=["zone"])
    elsewhere = Job.objects.open().exclude(zone=F("site__zone")).exclude(zone=None, site__zone=None)
    for job in elsewhere.select_related("site", "technician").order_by("pk"):  # as everybody locks them
        groups |= groups_of_job(job)
        job.zone_id = job.site.zone_id
        groups |= groups_of_job(job)
        Job.objects.filter(pk=job.pk).update(zone_id=job.zone_id, version=F("version") + 1)
        moved.append(job.pk)
    if moved:
        realtime.publish("job-changed", groups=groups, jobs=moved)
    return len(moved)


@transaction.atomic
def save_site(site: Site, *, fields: list[str], by) -> Site:
    """Saves these fields of the site, beside what others change, finds its zone anew and moves its open jobs there.

    One that would come to lie in somebody else's zone is refused.
    """
    check_may_dispatch(by)
    was_at = Site.objects.values_list("address", flat=True).get(pk=site.pk)
    site.save(update_fields=fields)
    site.refresh_from_db()
    locate_site(site)
    check_may_dispatch_at(site, by)
    waiting = site.jobs.open().select_related("technician__user", "site", "job_type").order_by("pk")
    jobs, groups = list(waiting), set()
    for job in jobs:
        groups |= groups_of_job(job)
        job.zone_id = site.zone_id
        Job.objects.filter(pk=job.pk).update(zone_id=site.zone_id, version=F("version") + 1)
    if jobs:
        publish_jobs(jobs, also=groups)
    if site.address != was_at:
        tell_of_new_address(jobs, by=by, now=timezone.now())
    return site
