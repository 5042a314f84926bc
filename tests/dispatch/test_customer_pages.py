import csv
from io import StringIO

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from dispatch import actions
from dispatch.models import Customer, FileImport, Status
from sla.models import SLAPolicy, Violation
from tests.dispatch.importing import counts
from tests.factories import CustomerFactory, SiteFactory, SkillFactory, TechnicianFactory, make_job
from tests.pages import html_of, text_of, typed

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_dana(client, dana):
    client.force_login(dana)
    return client


def rows_of(response) -> list[dict]:
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    return list(csv.DictReader(StringIO(text)))


def queries_for(client, url) -> int:
    with CaptureQueriesContext(connection) as captured:
        response = client.get(url)
        assert response.status_code == 200
        b"".join(response.streaming_content) if response.streaming else response.content
    return len(captured)


# The list -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["bea", "quince", "555 0100", "bea@x.example", "K-7"])
def test_dispatcher_finds_a_customer_by_name_address_phone_mail_or_number(as_dana, text):
    bea = CustomerFactory(name="Bea Brook", phone="(412) 555-0100", email="bea@x.example", external_id="K-7")
    SiteFactory(customer=bea, address="12 Quince Lane")
    SiteFactory(customer=bea, address="14 Quince Lane")
    CustomerFactory(name="Zed", phone="1")
    page = as_dana.get(reverse("customers"), {"q": text})
    assert [customer.name for customer in page.context["found"].page] == ["Bea Brook"]


def test_the_list_of_a_search_is_the_same_alone_as_in_the_page(as_dana):
    CustomerFactory(name="Bea Brook")
    alone = as_dana.get(reverse("customers"), headers={"HX-Request": "true", "HX-Target": "customer-list"})
    assert "<main" not in html_of(alone)
    assert html_of(alone).strip() in html_of(as_dana.get(reverse("customers")))


def test_dispatcher_finds_those_with_a_site_that_has_no_location(as_dana, north, omar):
    make_job(by=omar, zone=north)
    lost = SiteFactory().customer
    page = as_dana.get(reverse("customers"), {"lost": "on"})
    assert list(page.context["found"].page) == [lost]


def test_open_jobs_in_other_zones_are_not_counted(as_dana, omar, north, south):
    job = make_job(by=omar, zone=north)
    elsewhere = SiteFactory(customer=job.customer, latitude=39.9, longitude=-75.1)
    make_job(by=omar, site=elsewhere)
    make_job(Status.COMPLETED, by=omar, site=job.site)
    assert as_dana.get(reverse("customers")).context["found"].page[0].open_jobs == 1


def test_list_and_file_need_as_many_queries_for_5_as_for_45(as_dana, north):
    def make(number):
        for _ in range(number):
            SiteFactory(zone=north)

    make(5)
    few = [queries_for(as_dana, reverse(name)) for name in ("customers", "export_customers")]
    make(40)
    assert [queries_for(as_dana, reverse(name)) for name in ("customers", "export_customers")] == few


# The page of one ----------------------------------------------------------------------------------


def test_page_of_a_customer_shows_sites_jobs_and_what_is_not_on_the_map(as_dana, omar, north):
    job = make_job(by=omar, zone=north, description="Boiler is cold")
    make_job(Status.COMPLETED, by=omar, site=job.site, description="Yearly service")
    SiteFactory(customer=job.customer, address="1 Lost Lane")
    text = text_of(as_dana.get(reverse("customer", args=[job.customer_id])))
    assert "Boiler is cold" in text
    assert "Earlier jobs" in text
    assert "1 Lost Lane No location" in text


def test_a_new_job_begins_with_the_customer_whose_page_was_open(as_dana, omar, north):
    site = make_job(by=omar, zone=north).site
    url = f"{reverse('new_job')}?customer={site.customer_id}"
    assert url in html_of(as_dana.get(reverse("customer", args=[site.customer_id])))
    page = html_of(as_dana.get(url))
    assert f'name="customer" value="{site.customer_id}"' in page
    assert f'name="site" value="{site.pk}" checked' in page
    assert as_dana.get(f"{reverse('new_job')}?customer=x&site=9").status_code == 200


@pytest.mark.parametrize(
    ("came_from", "back"),
    [
        ("http://testserver/customers/7/?tab=1", "http://testserver/customers/7/?tab=1"),
        ("https://elsewhere.example/", "/"),
        ("", "/"),
    ],
)
def test_whoever_corrects_a_site_is_back_where_they_were(as_dana, omar, north, came_from, back):
    site = make_job(by=omar, zone=north).site
    url = reverse("edit_site", args=[site.pk])
    page = as_dana.get(url, headers={"referer": came_from})
    assert html_of(page).count(f'href="{back}">Cancel') == 1
    done = as_dana.post(
        url, typed(page, **{"site-address": "9 Mill Rd"}), headers={"referer": f"http://testserver{url}"}
    )
    assert (done.status_code, done.url) == (302, back)


def test_jobs_of_a_customer_in_other_zones_are_not_shown(as_dana, omar, south):
    job = make_job(by=omar, zone=south, description="Secret boiler")
    page = as_dana.get(reverse("customer", args=[job.customer_id]))
    assert "Secret boiler" not in html_of(page)
    assert reverse("edit_site", args=[job.site_id]) not in html_of(page)


def test_page_of_a_customer_needs_as_many_queries_for_many_jobs(as_dana, omar, north):
    job = make_job(by=omar, zone=north)
    page = reverse("customer", args=[job.customer_id])
    make_job(Status.COMPLETED, by=omar, site=job.site)
    few = queries_for(as_dana, page)
    for _ in range(5):
        make_job(by=omar, site=SiteFactory(customer=job.customer, latitude=40.1, longitude=-75.1))
        make_job(Status.COMPLETED, by=omar, site=job.site)
    assert queries_for(as_dana, page) == few


def test_dispatcher_corrects_a_phone_number(as_dana):
    bea = CustomerFactory(name="Bea Brook", phone="1")
    page = reverse("edit_customer", args=[bea.pk])
    fields = typed(as_dana.get(page), phone="412 555 0199")
    assert as_dana.post(page, fields).url == reverse("customer", args=[bea.pk])
    bea.refresh_from_db()
    assert (bea.phone, bea.phone_digits) == ("412 555 0199", "4125550199")


def test_a_customer_without_a_name_is_not_saved(as_dana):
    bea = CustomerFactory(name="Bea Brook")
    response = as_dana.post(reverse("edit_customer", args=[bea.pk]), {"name": ""})
    assert response.status_code == 422
    assert Customer.objects.get().name == "Bea Brook"


# Files --------------------------------------------------------------------------------------------


def test_exported_customers_have_a_row_a_site_and_run_no_formula(as_dana, north):
    bea = CustomerFactory(name="=1+1", phone="+1 412", external_id="K-7")
    SiteFactory(customer=bea, address="12 Ash St", latitude=40.1, longitude=-75.1, zone=north)
    SiteFactory(customer=bea, address="14 Ash St")
    CustomerFactory(name="Zed")
    first, second, third = rows_of(as_dana.get(reverse("export_customers")))
    assert (first["name"], first["phone"], first["address"], first["zone"]) == (
        "'=1+1",
        "'+1 412",
        "12 Ash St",
        "North",
    )
    assert (first["latitude"], second["latitude"], third["address"]) == ("40.1", "", "")


def test_the_file_has_what_the_search_finds(as_dana):
    CustomerFactory(name="Bea")
    CustomerFactory(name="Zed")
    assert [row["name"] for row in rows_of(as_dana.get(reverse("export_customers"), {"q": "bea"}))] == ["Bea"]


def test_exported_customers_are_imported_again_unchanged(client, ada, north):
    bea = CustomerFactory(name="-Bea", phone="+1 412", external_id="K-7", notes="=A1\nDog")
    SiteFactory(customer=bea, address="12 Ash St", latitude=40.1, longitude=-75.1, access_notes="@gate")
    client.force_login(ada)
    exported = b"".join(client.get(reverse("export_customers")).streaming_content)
    client.post(reverse("imports"), {"kind": "customers", "file": SimpleUploadedFile("c.csv", exported)})
    one = FileImport.objects.get()
    page = reverse("map_import", args=[one.pk])
    client.post(page, {name: value for name, value in typed(client.get(page)).items() if name != "preview"})
    one = actions.work_out_import(one.pk)
    assert counts(one.summary) == {"read": 1, "unchanged": 1}, one.report


def test_exported_technicians_have_their_skills_and_not_their_homes(as_dana, tess, north):
    tess.skills.create(skill=SkillFactory(name="HVAC"), level=4)
    tess.home_address = "1 Secret St"
    tess.save()
    (row,) = rows_of(as_dana.get(reverse("export_technicians")))
    assert (row["username"], row["zones"], row["skills"]) == ("tess", "North", "HVAC: Expert")
    assert "1 Secret St" not in str(row)


def test_a_dispatcher_exports_the_technicians_of_her_zones_in_few_queries(as_dana, tess, tom, north):
    assert len(rows_of(as_dana.get(reverse("export_technicians")))) == 1
    few = queries_for(as_dana, reverse("export_technicians"))
    for _ in range(10):
        TechnicianFactory(zones=[north])
    assert queries_for(as_dana, reverse("export_technicians")) == few


def test_exported_violations_are_those_of_the_list(as_dana, omar, north, south):
    def violate(zone):
        job, now = make_job(by=omar, zone=zone), timezone.now()
        where = {"zone": zone, "job_type": job.job_type, "priority": job.priority, "policy": SLAPolicy.objects.first()}
        return Violation.objects.create(job=job, kind="response", breached_at=now, recorded_at=now, **where)

    mine, _ = violate(north), violate(south)
    (row,) = rows_of(as_dana.get(reverse("export_violations")))
    assert (row["Job"], row["Missed"], row["Zone"]) == (mine.job.number, "Response", "North")
    few = queries_for(as_dana, reverse("export_violations"))
    for _ in range(5):
        violate(north)
    assert queries_for(as_dana, reverse("export_violations")) == few
    assert rows_of(as_dana.get(reverse("export_violations"), {"state": "acknowledged"})) == []
