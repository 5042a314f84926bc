"""Customers and the places where their jobs are."""

from typing import Annotated

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Path, Query, Router, Schema
from pydantic import AfterValidator, Field

from dispatch import actions
from dispatch.api.fields import Id, In, Key, Latitude, Longitude, Named, Said, Text, named
from dispatch.api.paging import PageQuery, page_of
from dispatch.api.permissions import check_permission
from dispatch.api.problems import invalid
from dispatch.api.tokens import BearerToken
from dispatch.api.versions import check_version, show, tag_of
from dispatch.api.writing import writes
from dispatch.models import Customer, Site
from dispatch.models.customers import phone_digits

router = Router()
CUSTOMERS_READ, CUSTOMERS_WRITE = BearerToken("customers:read"), BearerToken("customers:write")
SITES_READ, SITES_WRITE = BearerToken("sites:read"), BearerToken("sites:write")


def _address(value: str) -> str:
    try:
        if value:
            validate_email(value)
    except ValidationError as error:
        raise ValueError(error.messages[0]) from None
    return value


def _dialled(value: str) -> str:
    if not phone_digits(value):
        raise ValueError("a phone number has digits")
    return value


Email = Annotated[Text, AfterValidator(_address)]
Phone = Annotated[Text, AfterValidator(_dialled)]


class CustomerOut(Schema):
    id: int
    external_id: str
    name: str
    phone: str
    email: str
    notes: str


class CustomerPage(Schema):
    items: list[CustomerOut]
    next_cursor: str | None


class CustomerIn(In):
    name: Said = Field(min_length=1, max_length=120)
    phone: Text = Field("", max_length=40)
    email: Email = Field("", max_length=254)
    notes: Text = Field("", max_length=20_000)
    external_id: Text = Field("", max_length=80, description="Its id in your system; unique")


class CustomerChange(In):
    """What is left out stays as it is."""

    name: Said = Field(None, min_length=1, max_length=120)
    phone: Text = Field(None, max_length=40)
    email: Email = Field(None, max_length=254)
    notes: Text = Field(None, max_length=20_000)
    external_id: Text = Field(None, max_length=80)


class CustomerFilters(Schema):
    external_id: Text | None = Field(None, min_length=1, max_length=80)
    phone: Phone | None = Field(None, min_length=4, max_length=40, description="However it is written")
    search: Text | None = Field(None, min_length=2, max_length=120, description="Part of the name")


@router.get("/customers", response=CustomerPage, auth=CUSTOMERS_READ, tags=["Customers"])
def list_customers(
    request: HttpRequest, response: HttpResponse, filters: Query[CustomerFilters], page: Query[PageQuery]
):
    check_permission(request.user, "dispatch.view_customer")
    customers = Customer.objects.all()
    if filters.external_id:
        customers = customers.filter(external_id=filters.external_id)
    if filters.phone:
        customers = customers.filter(phone_digits=phone_digits(filters.phone))
    if filters.search:
        customers = customers.filter(name__icontains=filters.search)
    return page_of(customers, page, request, response, lambda found: [_customer_out(one) for one in found])


@router.post("/customers", response={201: CustomerOut}, auth=CUSTOMERS_WRITE, tags=["Customers"])
@writes
def create_customer(request: HttpRequest, response: HttpResponse, data: CustomerIn):
    customer = actions.create_customer(by=request.user, **data.dict())
    response.status_code = 201
    response["Location"] = f"{request.path}/{customer.pk}"
    return show(request, response, _customer_out(customer))


@router.get("/customers/{customer_id}", response={200: CustomerOut, 304: None}, auth=CUSTOMERS_READ, tags=["Customers"])
def get_customer(request: HttpRequest, response: HttpResponse, customer_id: Path[Key]):
    check_permission(request.user, "dispatch.view_customer")
    return show(request, response, _customer_out(get_object_or_404(Customer, pk=customer_id)))


@router.patch("/customers/{customer_id}", response=CustomerOut, auth=CUSTOMERS_WRITE, tags=["Customers"])
@writes
def change_customer(request: HttpRequest, response: HttpResponse, customer_id: Path[Key], data: CustomerChange):
    """If-Match is required."""
    check_permission(request.user, "dispatch.change_customer")
    customer = get_object_or_404(Customer.objects.select_for_update(no_key=True), pk=customer_id)
    check_version(request, tag_of(_customer_out(customer)), is_required=True)
    customer = actions.save_customer(customer, fields=_set(customer, data), by=request.user)
    return show(request, response, _customer_out(customer))


def _customer_out(customer: Customer) -> dict:
    return {name: getattr(customer, name) for name in CustomerOut.model_fields}


def _set(row: Customer | Site, data: Schema) -> list[str]:
    given = data.dict(exclude_unset=True)
    for name, value in given.items():
        setattr(row, name, value)
    return list(given)


# Sites --------------------------------------------------------------------------------------------


class SiteOut(Schema):
    id: int
    customer: Named
    address: str
    latitude: float | None
    longitude: float | None
    zone: Named | None = Field(description="The service zone in which it lies, found from its coordinates")
    access_notes: str


class SitePage(Schema):
    items: list[SiteOut]
    next_cursor: str | None


class SiteIn(In):
    customer_id: Id
    address: Said = Field(min_length=1, max_length=200)
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    access_notes: Text = Field("", max_length=20_000)


class SiteChange(In):
    """What is left out stays as it is."""

    address: Said = Field(None, min_length=1, max_length=200)
    latitude: Latitude | None = None
    longitude: Longitude | None = None
    access_notes: Text = Field(None, max_length=20_000)


class SiteFilters(Schema):
    customer_id: Key | None = None
    zone_id: Key | None = None
    search: Text | None = Field(None, min_length=2, max_length=120, description="Part of the address")


@router.get("/sites", response=SitePage, auth=SITES_READ, tags=["Sites"])
def list_sites(request: HttpRequest, response: HttpResponse, filters: Query[SiteFilters], page: Query[PageQuery]):
    """Those in the user's zones, and those in none."""
    check_permission(request.user, "dispatch.view_site")
    exact = {name: value for name in ("customer_id", "zone_id") if (value := getattr(filters, name)) is not None}
    sites = _sites(request.user).filter(**exact)
    if filters.search:
        sites = sites.filter(address__icontains=filters.search)
    return page_of(sites, page, request, response, lambda found: [_site_out(one) for one in found])


@router.post("/sites", response={201: SiteOut}, auth=SITES_WRITE, tags=["Sites"])
@writes
def create_site(request: HttpRequest, response: HttpResponse, data: SiteIn):
    check_permission(request.user, "dispatch.add_site")
    customer = Customer.objects.filter(pk=data.customer_id).first()
    if customer is None:
        raise invalid("customer_id", "There is no such customer.")
    _check_place(data.latitude, data.longitude)
    site = actions.create_site(customer, by=request.user, **data.dict(exclude={"customer_id"}))
    response.status_code = 201
    response["Location"] = f"{request.path}/{site.pk}"
    return show(request, response, _site_out(_sites(request.user).get(pk=site.pk)))


@router.get("/sites/{site_id}", response={200: SiteOut, 304: None}, auth=SITES_READ, tags=["Sites"])
def get_site(request: HttpRequest, response: HttpResponse, site_id: Path[Key]):
    check_permission(request.user, "dispatch.view_site")
    return show(request, response, _site_out(get_object_or_404(_sites(request.user), pk=site_id)))


@router.patch("/sites/{site_id}", response=SiteOut, auth=SITES_WRITE, tags=["Sites"])
@writes
def change_site(request: HttpRequest, response: HttpResponse, site_id: Path[Key], data: SiteChange):
    """If-Match is required. With new coordinates its zone is found anew, and its open jobs go along."""
    check_permission(request.user, "dispatch.change_site")
    get_object_or_404(_sites(request.user).select_for_update(no_key=True, of=("self",)), pk=site_id)
    site = get_object_or_404(_sites(request.user), pk=site_id)
    check_version(request, tag_of(_site_out(site)), is_required=True)
    fields = _set(site, data)
    _check_place(site.latitude, site.longitude)
    actions.save_site(site, fields=fields, by=request.user)
    return show(request, response, _site_out(Site.objects.select_related("customer", "zone").get(pk=site_id)))


def _sites(user):
    return Site.objects.dispatchable_by(user).select_related("customer", "zone").defer("zone__boundary")


def _site_out(site: Site) -> dict:
    names = ("id", "address", "latitude", "longitude", "access_notes")
    same = {name: getattr(site, name) for name in names}
    return same | {"customer": named(site.customer), "zone": named(site.zone)}


def _check_place(latitude: float | None, longitude: float | None) -> None:
    if (latitude is None) != (longitude is None):
        raise invalid("latitude" if latitude is None else "longitude", "Give both latitude and longitude, or neither.")
