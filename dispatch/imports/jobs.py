"""Writing imported jobs.

A job that is imported again gets what has changed in the file, as long as it is still Created; what a person has
changed here stays theirs. Status, technician, customer and job type are never touched.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime

from dispatch import actions
from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome, rejected
from dispatch.imports.places import customers_of, is_at, sites_of
from dispatch.imports.rows import JobRow
from dispatch.models import FieldChange, Job, JobType, Priority, Site, Status
from zones.models import ServiceZone

UPDATED_FIELDS = ("description", "priority", "scheduled_on", "window_starts_at", "window_ends_at", "duration_minutes")
# Changed by a person in any of a group, the whole group stays: half a time block is none.
TIME = frozenset({"scheduled_on", "window_starts_at", "window_ends_at", "planned_starts_at", "is_fixed"})
PLACE = frozenset({"site", "location", "address", "latitude", "longitude"})


class JobWriter:
    def __init__(self, mapping: Mapping, *, now: datetime):
        self.mapping, self.now = mapping, now
        self._zones = ServiceZone.objects.index()
        self._changed_zones: set[int | None] = set()

    def write(self, rows: list[JobRow]) -> list[Outcome]:
        known = {
            job.external_id: job
            for job in Job.objects.filter(external_id__in=[row.external_id for row in rows]).select_related(
                "site", "customer"
            )
        }
        new = [row for row in rows if row.external_id not in known]
        outcomes = self._create(new)
        outcomes |= self._update([(known[row.external_id], row) for row in rows if row.external_id in known])
        return [outcomes[row.external_id] for row in rows]

    def announce(self) -> None:
        actions.announce_jobs(self._changed_zones)
        self._changed_zones = set()

    def _create(self, rows: list[JobRow]) -> dict[str, Outcome]:
        types = self._job_types(rows)
        outcomes = {
            row.external_id: rejected(f"job_type: there is no job type “{row.job_type}”.")
            for row in rows
            if row.job_type.casefold() not in types
        }
        rows = [row for row in rows if row.external_id not in outcomes]
        customers = customers_of(rows)
        jobs = [
            self._new_job(row, customer=customer, site=site, job_type=types[row.job_type.casefold()])
            for row, customer, site in zip(rows, customers, sites_of(rows, customers, self._zones), strict=True)
        ]
        actions.create_jobs(jobs, by=None, now=self.now)
        self._changed_zones |= {job.zone_id for job in jobs}
        return outcomes | {job.external_id: Outcome("created", job.site.has_location) for job in jobs}

    def _job_types(self, rows: list[JobRow]) -> dict[str, JobType]:
        """By name in lower case; read anew for each batch, because a batch may be rolled back."""
        types = {kind.name.casefold(): kind for kind in JobType.objects.prefetch_related("required_skills")}
        if self.mapping.create_job_types:
            for row in rows:
                if row.job_type.casefold() not in types:
                    minutes = self.mapping.default_duration_minutes
                    types[row.job_type.casefold()] = JobType.objects.create(
                        name=row.job_type, default_duration_minutes=minutes
                    )
        return types

    def _new_job(self, row: JobRow, *, customer, site: Site, job_type: JobType) -> Job:
        return Job(
            customer=customer,
            site=site,
            job_type=job_type,
            priority=Priority[row.priority.upper()],
            description=row.description,
            scheduled_on=row.scheduled_on,
            window_starts_at=row.window_starts_at,
            window_ends_at=row.window_ends_at,
            duration_minutes=row.duration_minutes or job_type.default_duration_minutes,
            created_at=row.created_at or self.now,
            source=Job.Source.IMPORT,
            external_id=row.external_id,
        )

    def _update(self, pairs: list[tuple[Job, JobRow]]) -> dict[str, Outcome]:
        changes = {job.pk: self._differences(job, row) for job, row in pairs if job.status == Status.CREATED}
        moving = [(job, row) for job, row in pairs if job.pk in changes and _differs_in_place(job, row)]
        history = _history([*(pk for pk, wanted in changes.items() if wanted), *(job.pk for job, _ in moving)])
        moving = [(job, row) for job, row in moving if _may_move(job, row, history[job.pk])]
        sites = sites_of([row for _, row in moving], [job.customer for job, _ in moving], self._zones)
        for (job, _), site in zip(moving, sites, strict=True):
            if site.pk != job.site_id:
                changes[job.pk]["site"] = site
        changes = {pk: history[pk].left_to_the_file(wanted) for pk, wanted in changes.items() if wanted}
        wanted = [(job, changes[job.pk]) for job, _ in pairs if changes.get(job.pk)]
        self._changed_zones |= {job.zone_id for job, _ in wanted}
        updated = actions.update_created_jobs(wanted, by=None, now=self.now)
        self._changed_zones |= {job.zone_id for job, _ in wanted}
        return {row.external_id: _outcome(job, changes.get(job.pk), updated) for job, row in pairs}

    def _differences(self, job: Job, row: JobRow) -> dict[str, object]:
        """The mapped fields that the file has otherwise. An empty cell asks for nothing but an empty description."""
        mapped = set(self.mapping.fields)
        if "window_starts_at" in mapped:
            mapped.add("scheduled_on")
        wanted = {name: getattr(row, name) for name in UPDATED_FIELDS if name in mapped}
        if "priority" in wanted:
            wanted["priority"] = Priority[row.priority.upper()]
        return {name: value for name, value in wanted.items() if value is not None and value != getattr(job, name)}


@dataclass
class History:
    """What has happened to a job since it was imported."""

    changed_by_people: set[str] = field(default_factory=set)
    changes_by_system: int = 0

    def left_to_the_file(self, wanted: dict[str, object]) -> dict[str, object]:
        touched = set(self.changed_by_people)
        for group in (TIME, PLACE):
            touched |= group if touched & group else set()
        return {name: value for name, value in wanted.items() if name not in touched}


def _history(job_ids: list[int]) -> dict[int, History]:
    histories = defaultdict(History)
    changes = FieldChange.objects.filter(job__in=job_ids)
    for pk, actor_id, fields in changes.values_list("job_id", "actor_id", "changes"):
        if actor_id is None:
            histories[pk].changes_by_system += 1
        else:
            histories[pk].changed_by_people |= set(fields)
    return histories


def _differs_in_place(job: Job, row: JobRow) -> bool:
    return job.site.address != row.address or not is_at(job.site, row)


def _may_move(job: Job, row: JobRow, history: History) -> bool:
    """A place may be given where there was none. Another one only if nothing but imports has ever touched the job:

    correcting a site on the map leaves no log row, only a higher version.
    """
    gets_first_place = job.site.address == row.address and not job.site.has_location
    return gets_first_place or job.version == 1 + history.changes_by_system


def _outcome(job: Job, changes: dict | None, updated: set[int]) -> Outcome:
    if changes and job.pk not in updated:
        return rejected(f"Someone changed {job.number} at the same moment; import the row again.")
    return Outcome("updated" if changes else "unchanged", job.site.has_location)
