"""Writing imported maintenance plans. The file is their truth: what it maps is set at each import.

Visits that are made already and not begun follow a changed plan, but where a dispatcher has settled otherwise.
Customers, sites, job types and technicians are those that are known here; none is made.
"""

from copy import copy
from datetime import datetime

from django.core.exceptions import PermissionDenied

from dispatch import actions
from dispatch.imports.mapping import Mapping
from dispatch.imports.outcome import Outcome, rejected
from dispatch.imports.rows import MaintenanceRow, RowError
from dispatch.maintenance.rule import RuleError, parse
from dispatch.models import JobType, MaintenancePlan, Priority, Site
from technicians.models import Technician

# An empty cell empties these; the others it leaves as they are.
OPTIONAL = ("description", "ends_on", "window_starts", "window_ends")
WITH_DEFAULTS = ("name", "starts_on", "duration_minutes", "days_ahead", "is_active")


class MaintenanceWriter:
    def __init__(self, mapping: Mapping, *, by, now: datetime):
        self.mapping, self.by, self.now = mapping, by, now

    def write(self, rows: list[MaintenanceRow]) -> list[Outcome]:
        plans = MaintenancePlan.objects.select_related("customer", "site", "job_type", "technician__user")
        known = {plan.external_id: plan for plan in plans.filter(external_id__in=[row.external_id for row in rows])}
        self._types = {kind.name.casefold(): kind for kind in JobType.objects.all()}
        people = list(Technician.objects.visible_to(self.by).select_related("user"))
        return [self._write_one(row, known.get(row.external_id), people) for row in rows]

    def announce(self) -> None:
        """Each plan has told of its jobs."""

    def _write_one(self, row: MaintenanceRow, known: MaintenancePlan | None, people: list[Technician]) -> Outcome:
        try:
            plan = self._plan(row, known, people)
            saved = actions.save_maintenance_plan(
                plan, made=actions.FOLLOW, by=self.by, base_version=known and known.version, now=self.now
            )
        except RowError as error:
            return rejected(str(error))
        except actions.ActionRefused as refused:
            return rejected(refused.reason)
        except PermissionDenied as denied:
            return rejected(str(denied))
        what = "created" if known is None else "unchanged" if saved.version == known.version else "updated"
        return Outcome(what, plan.site.has_location)

    def _plan(self, row: MaintenanceRow, known: MaintenancePlan | None, people: list[Technician]) -> MaintenancePlan:
        """As the row wants it. Raises RowError."""
        plan = copy(known) if known else MaintenancePlan(external_id=row.external_id)
        values = self._values(row, known, people)
        for name, value in values.items():
            if not _reads_so(getattr(plan, name, None), value):
                setattr(plan, name, value)
        return plan

    def _values(
        self, row: MaintenanceRow, known: MaintenancePlan | None, people: list[Technician]
    ) -> dict[str, object]:
        said = {name: getattr(row, name) for name in (*OPTIONAL, *WITH_DEFAULTS) if name in self.mapping.fields}
        values = {name: value for name, value in said.items() if name in OPTIONAL or value is not None}
        values |= {"site": _site(row, known), "job_type": self._job_type(row, known)}
        if row.priority:
            values["priority"] = Priority[row.priority.upper()]
        if "technician" in self.mapping.fields:
            values["technician"] = _technician(row, known, people)
        if not known or row.plan_time_zone:
            values["time_zone"] = row.plan_time_zone or self.mapping.time_zone.key
        if not known:
            values.setdefault("duration_minutes", values["job_type"].default_duration_minutes)
        if not known or not _means(known.rule, row.rule):
            values["rule"] = row.rule
        return values

    def _job_type(self, row: MaintenanceRow, known: MaintenancePlan | None) -> JobType:
        kind = self._types.get(row.job_type.casefold())
        if kind is None:
            raise RowError(f"job_type: there is no job type “{row.job_type}”.")
        if not kind.is_active and (known is None or known.job_type != kind):
            raise RowError(f"job_type: “{kind}” is no longer used.")
        return kind


def _means(stored: str, rule: str) -> bool:
    """However it is written: plans that other systems have made have their own way."""
    try:
        return parse(stored).text == rule
    except RuleError:
        return False


def _reads_so(stored: object, value: object) -> bool:
    """Spaces that a file does not keep are no change."""
    if not isinstance(stored, str):
        return stored == value
    return value in (stored.strip(), " ".join(stored.split()))


def _site(row: MaintenanceRow, known: MaintenancePlan | None) -> Site:
    """The plan's own if the row means it, else the one that the customer has at that address."""
    number = row.customer_external_id
    if known and _reads_so(known.site.address, row.address) and _is_of(known, row):
        return known.site
    whose = {"customer__external_id": number} if number else {"customer__name": row.customer_name}
    sites = list(Site.objects.filter(**whose, address=row.address).select_related("customer").order_by("pk")[:2])
    customer = f"customer number “{number}”" if number else f"“{row.customer_name}”"
    if not sites:
        raise RowError(f"address: {customer} has no site at “{row.address}” here; import customers and sites first.")
    if len(sites) > 1:
        raise RowError(f"address: {customer} has more than one site at “{row.address}”; which is meant is not clear.")
    return sites[0]


def _is_of(known: MaintenancePlan, row: MaintenanceRow) -> bool:
    number, customer = row.customer_external_id, known.customer
    return customer.external_id == number if number else _reads_so(customer.name, row.customer_name)


def _technician(row: MaintenanceRow, known: MaintenancePlan | None, people: list[Technician]) -> Technician | None:
    """By user name, else by their own number, else by full name."""
    text = row.technician.casefold()
    if not text:
        return None
    ways = (lambda one: one.user.username, lambda one: one.external_id, str)
    usual = known and known.technician
    if usual and text in [way(usual).casefold() for way in ways]:
        return usual
    found = next((some for way in ways if (some := [one for one in people if way(one).casefold() == text])), [])
    active = [one for one in found if one.is_active]
    if len(active) == 1:
        return active[0]
    if active:
        raise RowError(f"technician: more than one is called “{row.technician}”; name the user instead.")
    raise RowError(f"technician: {'nobody active' if found else 'nobody'} is called “{row.technician}”.")
