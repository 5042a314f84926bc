"""Customers and their places, made and changed by other systems as by dispatchers."""

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction

from dispatch.actions.base import ActionRefused, check_may_dispatch_at, publish_jobs
from dispatch.actions.zoning import locate_site
from dispatch.models import Customer, Site


class ExternalIdTaken(ActionRefused):
    """Another customer has it."""


@transaction.atomic
def create_customer(*, by, **fields) -> Customer:
    _check(by, "dispatch.add_customer")
    customer = Customer(**fields)
    _save(customer)
    return customer


@transaction.atomic
def save_customer(customer: Customer, *, fields: list[str], by) -> Customer:
    """Saves these fields of the customer, beside what others change; boards show the new name."""
    _check(by, "dispatch.change_customer")
    _save(customer, update_fields=fields)
    customer.refresh_from_db()
    jobs = customer.jobs.open().select_related("technician__user", "site", "job_type")
    if "name" in fields and (waiting := list(jobs.order_by("pk"))):
        publish_jobs(waiting)
    return customer


@transaction.atomic
def create_site(customer: Customer, *, by, **fields) -> Site:
    """A place without coordinates is in no zone; one in somebody else's zone is refused."""
    _check(by, "dispatch.add_site")
    site = Site.objects.create(customer=customer, **fields)
    locate_site(site)
    check_may_dispatch_at(site, by)
    return site


def _save(customer: Customer, **how) -> None:
    try:
        with transaction.atomic():
            customer.save(**how)
    except IntegrityError:
        other = Customer.objects.filter(external_id=customer.external_id).exclude(pk=customer.pk).first()
        if not customer.external_id or other is None:
            raise
        raise ExternalIdTaken(f"{other} has the external id {customer.external_id} already.") from None


def _check(by, permission: str) -> None:
    if by is not None and not by.has_perm(permission):
        raise PermissionDenied("Only dispatchers may do this.")
