"""Zones drawn on the map of the admin, in a real browser under the real content security policy."""

import json

import pytest

from dispatch.roles import Role
from tests.e2e.live import log_in
from tests.factories import ServiceZoneFactory, UserFactory, square
from zones.models import ServiceZone

pytestmark = pytest.mark.interaction

WITH_HOLE = square(-75.2, 40.0, -75.0, 40.2)["coordinates"] + square(-75.12, 40.08, -75.08, 40.12)["coordinates"]


@pytest.fixture
def admin_page(live_site, new_context):
    UserFactory(username="ada", role=Role.ADMIN)
    page = new_context().new_page()
    log_in(page, live_site.url, "ada")
    return page


def open_zone(page, live_site, zone=None):
    page.goto(f"{live_site.url}/admin/zones/servicezone/{f'{zone.pk}/change' if zone else 'add'}/")
    page.locator("[data-zone-map].leaflet-container").scroll_into_view_if_needed()


def click_map(page, *points):
    """Each point as fractions of the map's width and height. Leaflet.draw takes a click every 50 ms at most."""
    box = page.locator("[data-zone-map]").bounding_box()
    for x, y in points:
        page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])
        page.wait_for_timeout(120)


def drag(page, handle, *, by, at=(0.5, 0.5)):
    box = handle.bounding_box()
    start = (box["x"] + at[0] * box["width"], box["y"] + at[1] * box["height"])
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=5)
    page.mouse.up()


def save(page):
    with page.expect_navigation():
        page.get_by_role("button", name="Save and continue editing").click()


def says(page, text):
    page.locator("[data-zone-status]", has_text=text).wait_for()


def test_unfinished_or_crossing_boundary_is_not_saved(live_site, admin_page):
    open_zone(admin_page, live_site)
    admin_page.fill("#id_name", "East")
    admin_page.locator(".leaflet-draw-draw-polygon").click()
    click_map(admin_page, (0.3, 0.3), (0.6, 0.3), (0.6, 0.6))
    admin_page.get_by_role("button", name="Save and continue editing").click()
    says(admin_page, "Finish the area that you are drawing")
    admin_page.locator(".leaflet-draw-actions a:visible", has_text="Cancel").click()

    bow_tie = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
    admin_page.fill("#id_boundary", json.dumps(bow_tie))
    save(admin_page)
    assert "Self-intersection" in admin_page.locator(".errorlist").inner_text()
    assert json.loads(admin_page.input_value("#id_boundary")) == bow_tie
    assert not ServiceZone.objects.exists()


def test_admin_draws_a_zone_reopens_it_and_adds_a_second_area(live_site, admin_page):
    ServiceZoneFactory(name="North", boundary=square(-75.2, 40.0, -75.0, 40.2))
    open_zone(admin_page, live_site)
    assert admin_page.locator(".zone-widget-name").inner_text() == "North"  # for orientation
    admin_page.fill("#id_name", "East")
    admin_page.locator(".leaflet-draw-draw-polygon").click()
    click_map(admin_page, (0.75, 0.2), (0.95, 0.2), (0.95, 0.6), (0.75, 0.6), (0.75, 0.2))
    says(admin_page, "1 area")
    save(admin_page)
    east = ServiceZone.objects.get(name="East")
    assert (east.boundary["type"], len(east.boundary["coordinates"][0])) == ("Polygon", 5)

    says(admin_page, "1 area")
    admin_page.locator("[data-zone-map]").scroll_into_view_if_needed()
    admin_page.locator(".leaflet-draw-draw-rectangle").click()
    drag(admin_page, admin_page.locator("[data-zone-map]"), at=(0.8, 0.3), by=(60, 40))
    says(admin_page, "2 areas")
    save(admin_page)
    east.refresh_from_db()
    assert (east.boundary["type"], len(east.boundary["coordinates"])) == ("MultiPolygon", 2)


def test_moving_corners_keeps_a_hole_and_cancelling_puts_them_back(live_site, admin_page):
    zone = ServiceZoneFactory(name="North", boundary={"type": "Polygon", "coordinates": WITH_HOLE})
    open_zone(admin_page, live_site, zone)
    says(admin_page, "1 area, 1 hole")
    before = admin_page.evaluate("JSON.stringify(JSON.parse(id_boundary.value))")
    admin_page.locator(".leaflet-draw-edit-edit").click()
    corners = admin_page.locator(".leaflet-editing-icon")
    assert corners.count() == 16  # four corners and four middles, of the border and of the hole
    drag(admin_page, corners.nth(0), by=(-20, 20))
    admin_page.locator(".leaflet-draw-actions a:visible", has_text="Cancel").click()
    admin_page.wait_for_function("before => JSON.stringify(JSON.parse(id_boundary.value)) == before", arg=before)

    admin_page.locator(".leaflet-draw-edit-edit").click()
    drag(admin_page, corners.nth(0), by=(-20, 20))
    drag(admin_page, corners.nth(8), by=(5, -5))
    save(admin_page)  # without ending the edit first
    zone.refresh_from_db()
    outer, hole = zone.boundary["coordinates"]
    assert (outer[0] != WITH_HOLE[0][0], outer[1:-1] == WITH_HOLE[0][1:-1]) == (True, True)
    assert hole != WITH_HOLE[1]
    assert len(hole) == 5


def test_chosen_file_is_shown_on_the_map_and_can_still_be_changed(live_site, admin_page):
    open_zone(admin_page, live_site)
    admin_page.fill("#id_name", "East")
    feature = {"type": "Feature", "properties": {}, "geometry": square(-75, 40, -74.9, 40.1)}
    upload = {"name": "east.geojson", "mimeType": "application/geo+json", "buffer": json.dumps(feature).encode()}
    admin_page.set_input_files("[data-zone-file]", files=upload)
    says(admin_page, "1 area")
    admin_page.locator(".leaflet-draw-edit-edit").click()
    drag(admin_page, admin_page.locator(".leaflet-editing-icon").nth(0), by=(-20, 20))
    save(admin_page)
    boundary = ServiceZone.objects.get().boundary
    assert boundary["coordinates"][0][2] == [-74.9, 40.1]
    assert boundary["coordinates"][0][0] != [-75, 40]


def test_manager_sees_the_map_without_tools(live_site, new_context):
    UserFactory(username="omar", role=Role.MANAGER)
    zone = ServiceZoneFactory(name="North", boundary=square(-75.2, 40.0, -75.0, 40.2))
    page = new_context().new_page()
    log_in(page, live_site.url, "omar")
    open_zone(page, live_site, zone)
    assert page.locator(".leaflet-overlay-pane path").count() == 1
    assert page.locator(".leaflet-draw").count() == 0
