import pytest
from django.urls import reverse

from dispatch.models import Job, Status
from tests.factories import CustomerFactory, SiteFactory, make_job
from tests.pages import html_of, text_of, typed


@pytest.fixture
def ask(client, dana):
    client.force_login(dana)

    def get(name, *args, **params):
        return client.get(reverse(name, args=args), params)

    return get


# Finding a customer -------------------------------------------------------------------------------


@pytest.fixture
def bea():
    customer = CustomerFactory(name="Bea Brook", phone="(412) 555-0100")
    SiteFactory(customer=customer, address="12 Quince Lane")
    return customer


@pytest.mark.parametrize("text", ["", "b", " b ", "Nobody", "55", "555 9999"])
def test_search_for_nobody_finds_nobody(ask, bea, text):
    assert "Bea" not in text_of(ask("customer_search", **{"customer-name": text}))


@pytest.mark.parametrize("text", ["bea", "BROOK", "quince", "412555", "555-0100", "+1 412 555 0100"])
def test_customer_is_found_by_name_address_or_phone(ask, bea, text):
    assert "Bea Brook" in text_of(ask("customer_search", **{"customer-name": text}))


def test_customer_with_many_sites_is_found_once(ask, bea):
    SiteFactory(customer=bea, address="14 Quince Lane")
    page = html_of(ask("customer_search", **{"customer-name": "quince"}))
    assert page.count("<b>Bea Brook</b>") == 1


def test_unknown_name_says_that_a_new_customer_is_made(ask):
    assert "a new customer is made" in text_of(ask("customer_search", **{"customer-name": "Cleo"}))


@pytest.mark.parametrize("phone", ["412.555.0100", "14125550100", "(412)5550100"])
def test_owners_of_a_phone_are_named_however_it_is_spelled(ask, bea, phone):
    assert "Use Bea Brook" in text_of(ask("phone_owners", **{"customer-phone": phone}))


@pytest.mark.parametrize("phone", ["", "0100", "412 555 0101"])
def test_other_phones_have_no_owner(ask, bea, phone):
    assert text_of(ask("phone_owners", **{"customer-phone": phone})) == ""


def test_chosen_customer_comes_with_sites_and_another_address(ask, bea):
    page = ask("customer_sites", bea.pk)
    assert f'name="customer" value="{bea.pk}"' in html_of(page)
    assert "12 Quince Lane" in text_of(page)
    assert "Another address" in text_of(page)
    assert ask("customer_sites", 999999).status_code == 404


# The zone of a point ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("latitude", "longitude", "said"),
    [
        ("40.1", "-75.1", "Zone: North"),
        ("1", "1", "In no zone"),
        ("91", "0", "No pin yet"),
        ("40.1", "", "No pin yet"),
        ("x", "y", "No pin yet"),
        ("nan", "0", "No pin yet"),
    ],
)
def test_zone_of_a_pin_is_told(ask, north, latitude, longitude, said):
    assert text_of(ask("zone_at", **{"site-latitude": latitude, "site-longitude": longitude})) == said


def test_inactive_zones_have_no_pins(ask, north):
    north.is_active = False
    north.save()
    assert text_of(ask("zone_at", **{"site-latitude": "40.1", "site-longitude": "-75.1"})) == "In no zone"


def test_outlines_of_active_zones_are_drawn(ask, north, south):
    south.is_active = False
    south.save()
    features = ask("zones_geojson").json()["features"]
    assert [feature["properties"]["name"] for feature in features] == ["North"]
    assert features[0]["geometry"] == north.boundary


# Changing a site ----------------------------------------------------------------------------------


@pytest.fixture
def job(omar, north):
    return make_job(by=omar, zone=north)


def save_site(client, site, **changes):
    url = reverse("edit_site", args=[site.pk])
    return client.post(url, typed(client.get(url), **changes))


def test_site_of_a_foreign_zone_is_not_found(client, dana, omar, south):
    foreign = make_job(by=omar, zone=south).site
    client.force_login(dana)
    url = reverse("edit_site", args=[foreign.pk])
    assert client.get(url).status_code == client.post(url, {"site-address": "Mine"}).status_code == 404


def test_site_of_a_foreign_zone_is_not_found_and_one_in_no_zone_is_everyones(client, dana, south):
    client.force_login(dana)
    assert client.get(reverse("edit_site", args=[SiteFactory(zone=south).pk])).status_code == 404
    assert client.get(reverse("edit_site", args=[SiteFactory().pk])).status_code == 200


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"site-latitude": "91"}, "less than or equal to 90"),
        ({"site-longitude": ""}, "Give both latitude and longitude, or neither"),
        ({"site-address": ""}, "This field is required"),
    ],
)
def test_impossible_places_are_refused(client, dana, job, changes, said):
    client.force_login(dana)
    response = save_site(client, job.site, **changes)
    assert response.status_code == 422
    assert said in text_of(response)
    job.site.refresh_from_db()
    assert job.site.latitude == pytest.approx(40.1)


def test_moved_pin_moves_the_open_jobs_to_its_zone_and_leaves_closed_ones(client, ada, omar, job, south):
    done = make_job(Status.COMPLETED, by=omar, site=job.site)
    client.force_login(ada)
    response = save_site(client, job.site, **{"site-latitude": "39.9"})
    assert response.status_code == 302
    assert Job.objects.get(pk=job.pk).zone == south
    assert Job.objects.get(pk=done.pk).zone.name == "North"
    assert "lies in South" in text_of(client.get(response.url, follow=True))


def test_dispatcher_cannot_move_a_place_into_a_zone_that_is_not_hers(client, dana, job, south):
    client.force_login(dana)
    response = save_site(client, job.site, **{"site-latitude": "39.9", "site-access_notes": "Dog"})
    assert response.status_code == 409
    assert f"{job.site.address} lies in South, where you do not dispatch." in text_of(response)
    job.refresh_from_db()
    assert (job.zone.name, job.site.zone.name, job.site.access_notes) == ("North", "North", "")


def test_site_that_loses_its_pin_has_no_location(client, dana, job):
    client.force_login(dana)
    response = save_site(client, job.site, **{"site-latitude": "", "site-longitude": "", "site-access_notes": "Dog"})
    assert "has no location" in text_of(client.get(response.url, follow=True))
    job.refresh_from_db()
    assert (job.zone, job.site.has_location, job.site.access_notes) == (None, False, "Dog")


def test_site_that_moved_to_another_zone_is_no_longer_hers(client, dana, omar, north, south):
    job = make_job(Status.COMPLETED, by=omar, zone=north)
    job.site.zone = south
    job.site.save()
    client.force_login(dana)
    assert client.get(reverse("edit_site", args=[job.site_id])).status_code == 404


def test_two_people_change_different_fields_of_a_site_and_both_count(client, dana, omar, north):
    site = make_job(by=omar, zone=north).site
    shown = {"site-address": site.address, "site-latitude": site.latitude, "site-longitude": site.longitude}
    shown |= {"site-access_notes": ""} | {f"initial-{name}": value for name, value in shown.items()}
    site.access_notes = "Gate code 4471"
    site.save()
    client.force_login(dana)
    data = shown | {"initial-site-access_notes": "", "site-address": "9 Mill Rd"}
    assert client.post(reverse("edit_site", args=[site.pk]), data).status_code == 302
    site.refresh_from_db()
    assert (site.address, site.access_notes) == ("9 Mill Rd", "Gate code 4471")
