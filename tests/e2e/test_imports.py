"""Importing a file in the browser with a real worker, and saying where an unclear address is."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from dispatch.models import Customer, FileImport, Geocoding, Job
from tests.e2e.boards import make_job
from tests.e2e.live import in_thread, log_in
from tests.factories import SiteFactory, make_plan

pytestmark = [pytest.mark.browser, pytest.mark.interaction]

ROWS = b"no;who;street;town;phone\nC1;Bakery;218 Pearl St;Pittsburgh;1\nC2;;12 Ash St;Pittsburgh;2\n"


def test_admin_uploads_a_file_chooses_columns_tries_it_and_imports_it(live_site, page, ada):
    log_in(page, live_site.url, "ada")
    page.goto(f"{live_site.url}/imports/")
    page.get_by_label("Customers and sites").check()
    page.get_by_label("CSV file").set_input_files({"name": "book.csv", "mimeType": "text/csv", "buffer": ROWS})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("2 rows, 5 columns")).to_be_visible()
    page.get_by_label("Name", exact=True).select_option("who")
    preview = page.get_by_role("region", name="How the first rows are read")
    expect(preview).to_contain_text("218 Pearl St, Pittsburgh")
    expect(preview).to_contain_text("Name (who): is empty")
    page.get_by_role("button", name="Try it without writing").click()
    live_site.start_worker()
    expect(page.get_by_role("heading", name="What would happen")).to_be_visible()
    assert in_thread(Customer.objects.count) == 0
    page.get_by_role("button", name="Import for real").click()
    expect(page.get_by_role("heading", name="What happened")).to_be_visible()
    assert in_thread(lambda: str(Customer.objects.get().sites.get())) == "218 Pearl St, Pittsburgh"
    assert in_thread(lambda: FileImport.objects.get().summary["rejected"]) == 1
    expect(page.locator("[data-bell-number]")).to_have_text("1")


def test_admin_downloads_the_maintenance_plans_and_uploads_them_as_they_are(live_site, page, ada, north, tmp_path):
    for name in ("Boiler service", "=1+1"):
        in_thread(lambda name=name: make_plan(by=ada, zone=north, name=name))
    log_in(page, live_site.url, "ada")
    page.goto(f"{live_site.url}/maintenance/")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "plans.csv")
    page.goto(f"{live_site.url}/imports/")
    page.get_by_label("Maintenance plans").check()
    page.get_by_label("CSV file").set_input_files(tmp_path / "plans.csv")
    page.get_by_role("button", name="Upload").click()
    page.get_by_role("button", name="Try it without writing").click()
    live_site.start_worker()
    expect(page.get_by_text("There is nothing to import.")).to_be_visible()
    assert in_thread(lambda: FileImport.objects.get().summary["unchanged"]) == 2


def test_dispatcher_says_where_an_unclear_address_is_from_the_map(live_site, page, dana, omar, north):
    job = make_job(by=omar, site=SiteFactory(address="12 Ash St"))
    offered = [
        {"label": label, "latitude": latitude, "longitude": -75.1, "is_vague": False}
        for label, latitude in (("Ash Street, Upper", 40.15), ("Ash Street, Lower", 40.05))
    ]
    now = timezone.now()
    Geocoding.objects.create(
        site=job.site, address="12 Ash St", state="ambiguous", candidates=offered, asked_at=now, due_at=now
    )
    log_in(page, live_site.url, "dana")
    page.goto(f"{live_site.url}/places/unclear/")
    page.locator(".place-pin", has_text="B").click()
    expect(page.get_by_role("button", name="It is here Ash Street, Lower")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("12 Ash St is on the map.")).to_be_visible()
    expect(page.get_by_text("No address is unclear.")).to_be_visible()
    assert in_thread(lambda: Job.objects.select_related("zone").get().zone) == north
