import logging
import time
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from geopy.location import Location

from dispatch import actions
from dispatch.actions import geocoding as looking_up
from dispatch.actions.moves import redis
from dispatch.checks import check_geocoder
from dispatch.geocoding import provider
from dispatch.geocoding.choosing import Candidate, decide
from dispatch.models import Geocoding, KnownAddress, Notification, Site
from tests.dispatch.importing import Importer
from tests.factories import CustomerFactory, SiteFactory, make_job
from tests.geocoding_server import GeocodingServer, place
from tests.pages import text_of

pytestmark = pytest.mark.django_db
State = Geocoding.State
IN_NORTH, ALSO_NORTH, IN_SOUTH, IN_OHIO = (40.1, -75.1), (40.15, -75.12), (39.9, -75.1), (41.5, -81.7)


@pytest.fixture
def service(settings):
    server = GeocodingServer()
    settings.GEOCODER, settings.GEOCODER_URL = "nominatim", server.url
    settings.GEOCODER_PER_SECOND = 1000
    redis().delete(looking_up.PACE_KEY)
    yield server
    server.stop()


def lost_site(address="12 Ash St", **fields) -> Site:
    site = SiteFactory(address=address, **fields)
    actions.locate_site(site)
    return site


def look_up(**asked) -> int:
    """As a later minute's task."""
    redis().delete(looking_up.TURN_KEY)
    return actions.look_up_addresses(**asked)


def test_the_only_place_within_the_zones_is_found_and_open_jobs_move_there(service, omar, north):
    service.known["12 ash st"] = [place("12, Ash Street, Ohio", *IN_OHIO), place("12, Ash Street", *IN_NORTH)]
    job = make_job(by=omar, site=SiteFactory(address="12 Ash St"))
    assert (job.zone, Geocoding.objects.get().state) == (None, State.QUEUED)
    assert look_up() == 1
    job.refresh_from_db()
    assert (job.site.latitude, job.site.longitude) == IN_NORTH
    assert (job.zone, job.site.zone) == (north, north)
    assert Geocoding.objects.get().state == State.FOUND


def test_saving_asks_nobody_and_does_not_wait(service, omar):
    make_job(by=omar, site=SiteFactory())
    assert service.asked == []


def test_without_a_service_nothing_is_queued_and_nothing_asked(omar):
    with CaptureQueriesContext(connection) as captured:
        actions.look_up_addresses()
    assert len(captured) == 0
    make_job(by=omar)
    assert not Geocoding.objects.exists()


def test_a_site_with_coordinates_is_not_looked_up(service, omar, north):
    make_job(by=omar, zone=north)
    assert not Geocoding.objects.exists()


def test_imported_sites_are_looked_up(service, tmp_path, north):
    importer = Importer(
        tmp_path,
        kind="customers",
        mapping='[fields]\nexternal_id = "no"\nname = "name"\naddress = "street"',
        header="no,name,street",
    )
    importer("C1,Bakery,12 Ash St", arguments=["--dry-run"])
    assert not Geocoding.objects.exists()
    importer("C1,Bakery,12 Ash St", "C2,Butcher,13 Ash St")
    assert Geocoding.objects.filter(state=State.QUEUED).count() == 2


def test_the_service_is_asked_politely_and_near_the_zones(service, settings, north, south):
    settings.GEOCODER_REGION, settings.GEOCODER_COUNTRIES, settings.SITE_URL = "PA", ["us"], "https://x.example"
    lost_site()
    look_up()
    asked = service.asked[0]
    assert (asked["q"], asked["countrycodes"], asked["agent"]) == ("12 Ash St, PA", "us", "Truckroll https://x.example")
    assert asked["viewbox"] == "-75.2,39.8,-75.0,40.2"


def test_an_address_is_asked_for_once(service, north):
    service.known["12 ash st"] = [place("12, Ash Street", *IN_NORTH)]
    first, second = lost_site("12 Ash St"), lost_site("12  ASH St")
    look_up()
    for site in (first, second):
        site.refresh_from_db()
        assert site.has_location
    assert service.addresses == ["12 Ash St"]


def test_an_answer_is_not_believed_for_ever(service, north):
    lost_site()
    look_up()
    KnownAddress.objects.update(looked_up_at=timezone.now() - timedelta(days=400))
    lost_site()
    look_up()
    assert len(service.asked) == 2


def test_of_several_places_a_person_says_which_is_meant(service, client, dana, omar, north):
    service.known["12 ash st"] = [place("12, Ash Street", *IN_NORTH), place("12, Ash Street, Upper", *ALSO_NORTH)]
    job = make_job(by=omar, site=SiteFactory(address="12 Ash St"))
    look_up()
    one = Geocoding.objects.get()
    assert (one.state, Notification.objects.filter(recipient=dana).get().url) == (
        State.AMBIGUOUS,
        reverse("unclear_places"),
    )
    client.force_login(dana)
    page = client.get(reverse("unclear_places"))
    assert "12, Ash Street, Upper" in text_of(page)
    assert page.context["page"][0].options[1]["at"] == "40.15,-75.12"
    client.post(reverse("choose_place", args=[one.pk]), {"at": "40.15,-75.12"})
    job.refresh_from_db()
    one.refresh_from_db()
    assert (job.site.latitude, job.zone, one.chosen_by, one.state) == (40.15, north, dana, State.FOUND)
    assert "No address is unclear" in text_of(client.get(reverse("unclear_places")))
    again = lost_site("12 Ash St")  # what was chosen once is known
    look_up()
    again.refresh_from_db()
    assert again.latitude == 40.15


def test_a_place_that_was_not_offered_cannot_be_chosen(service, client, dana, north):
    service.known["12 ash st"] = [place("12, Ash Street", *IN_NORTH), place("12, Ash Street, Upper", *ALSO_NORTH)]
    site = lost_site()
    look_up()
    client.force_login(dana)
    for at in ("1.0,2.0", "x", ""):
        assert client.post(reverse("choose_place", args=[Geocoding.objects.get().pk]), {"at": at}).status_code == 302
    site.refresh_from_db()
    assert not site.has_location


def test_who_pins_it_by_hand_meanwhile_is_not_overruled(service, dana, north):
    service.known["12 ash st"] = [place("12, Ash Street", *IN_NORTH), place("12, Ash Street, Upper", *ALSO_NORTH)]
    site = lost_site()
    look_up()
    one = Geocoding.objects.get()
    Site.objects.filter(pk=site.pk).update(latitude=40.05, longitude=-75.05)
    with pytest.raises(actions.ActionRefused, match="already"):
        actions.choose_place(one, IN_NORTH, by=dana)
    site.refresh_from_db()
    assert site.latitude == 40.05


def test_a_corrected_address_is_looked_up_anew(service, dana, north):
    service.known["13 ash st"] = [place("13, Ash Street", *IN_NORTH)]
    site = lost_site("13 Asch St")
    look_up()
    assert Geocoding.objects.get().state == State.NOT_FOUND
    site.address = "13 Ash St"
    actions.save_site(site, fields=["address"], by=dana)
    assert Geocoding.objects.get().state == State.QUEUED
    look_up()
    site.refresh_from_db()
    assert site.zone == north


def test_a_dispatcher_leaves_an_address_without_a_place_or_asks_again(service, client, dana, north):
    site = lost_site()
    look_up()
    one = Geocoding.objects.get()
    client.force_login(dana)
    client.post(reverse("ask_again", args=[one.pk]))
    service.known["12 ash st"] = [place("Ash Street, a town", *IN_NORTH, rank=16)]
    look_up()
    one.refresh_from_db()
    assert (one.state, one.candidates[0]["is_vague"], len(service.asked)) == (State.AMBIGUOUS, True, 2)
    client.post(reverse("dismiss_place", args=[one.pk]))
    look_up()
    one.refresh_from_db()
    site.refresh_from_db()
    assert (one.state, site.has_location, len(service.asked)) == (State.DISMISSED, False, 2)


def test_sites_in_others_zones_are_not_a_dispatchers_to_place(service, client, dana, south):
    one = Geocoding.objects.create(
        site=SiteFactory(zone=south), address="x", state="ambiguous", asked_at=timezone.now(), due_at=timezone.now()
    )
    client.force_login(dana)
    assert client.post(reverse("dismiss_place", args=[one.pk])).status_code == 404


NOWHERE = [b'[{"display_name": "Ash St"}]', b'[{"display_name": "Ash St", "lat": 0, "lon": 0}]']


@pytest.mark.parametrize("answer", NOWHERE)
def test_an_answer_without_a_place_is_not_put_into_the_sea(service, answer):
    service.trouble = [(200, {}, answer)]
    site = lost_site()
    look_up()
    site.refresh_from_db()
    assert (site.latitude, Geocoding.objects.get().state) == (None, State.NOT_FOUND)


@pytest.mark.parametrize(
    "answer",
    [b'[{"lat": 1' + b"0" * 400 + b', "lon": 1, "display_name": "x"}]', b"[" * 100_000, b'{"error": "a\\u0000b"}'],
)
def test_nonsense_breaks_nothing_and_keeps_nothing_that_cannot_be_stored(service, answer):
    service.trouble = [(200, {}, answer)]
    lost_site()
    look_up()
    one = Geocoding.objects.get()
    assert one.error
    assert "\0" not in one.error


def test_the_services_key_is_not_told_when_it_cannot_be_reached(settings):
    settings.GEOCODER, settings.GEOCODER_KEY = "opencage", "s3cret/key"
    settings.GEOCODER_URL = "http://127.0.0.1:9"
    redis().delete(looking_up.PACE_KEY)
    lost_site()
    look_up()
    error = Geocoding.objects.get().error
    assert "127.0.0.1" in error
    assert "s3cret" not in error


def test_a_service_that_wants_peace_for_ever_is_asked_tomorrow(service):
    service.trouble = [(429, {"Retry-After": "9" * 15}, b"")]
    lost_site()
    look_up()
    assert Geocoding.objects.get().due_at < timezone.now() + timedelta(days=2)


@pytest.mark.parametrize(
    "trouble", [(500, {}, b"oops"), (200, {}, b"<html>"), (200, {}, b'{"a": 1}'), (200, {}, b'[{"lat": "x"}]')]
)
def test_a_service_in_trouble_is_asked_later_and_then_given_up(service, north, trouble):
    lost_site()
    now = timezone.now()
    service.trouble = [trouble] * 10
    for wait in (0, 2, 15, 120, 600):
        now += timedelta(minutes=wait)
        look_up(now=now)
        look_up(now=now)  # at once it is not asked again
    one = Geocoding.objects.get()
    assert (one.state, one.attempts, len(service.asked)) == (State.FAILED, 5, 5)
    assert one.error


def test_a_service_that_wants_a_pause_gets_it_and_no_address_is_blamed(service, north, caplog):
    lost_site("1 Ash St")
    lost_site("2 Ash St")
    service.trouble = [(429, {"Retry-After": "120"}, b"")]
    with caplog.at_level(logging.WARNING):
        look_up()
    assert len(service.asked) == 1
    assert "pauses" in caplog.text
    assert 100_000 < redis().pttl(looking_up.PACE_KEY) <= 120_000
    assert list(Geocoding.objects.values_list("attempts", flat=True)) == [0, 0]


def test_questions_are_spaced(service, settings, north):
    settings.GEOCODER_PER_SECOND = 10
    for number in range(4):
        lost_site(f"{number} Ash St")
    begun = time.monotonic()
    look_up()
    assert time.monotonic() - begun > 0.28
    assert service.times[-1] - service.times[0] > 0.2  # the first may have waited for a busy machine


def test_workers_together_are_no_faster_than_one_may_be(service, settings, north):
    settings.GEOCODER_PER_SECOND = 0.02
    lost_site("1 Ash St")
    lost_site("2 Ash St")
    look_up()  # the first; the second would have to wait for longer than a worker does
    assert 40_000 < redis().pttl(looking_up.PACE_KEY) <= 50_000
    look_up(now=timezone.now() + timedelta(minutes=2))  # as another worker would
    assert service.addresses == ["1 Ash St"]


def test_what_takes_too_long_goes_on_a_minute_later_and_holds_up_nothing_else(
    service, north, django_capture_on_commit_callbacks
):
    for number in range(3):
        lost_site(f"{number} Ash St")
    with django_capture_on_commit_callbacks() as callbacks:
        assert look_up(seconds=0) == 1
        assert actions.look_up_addresses() == 0  # the others that wait in the queue
    assert not [send for send in callbacks if hasattr(send, "calls")]
    assert 0 < redis().ttl(looking_up.TURN_KEY) < 60
    assert look_up() == 2
    lost_site("4 Ash St")
    assert actions.look_up_addresses() == 1  # where nothing waits nobody waits


def test_sites_from_before_the_service_was_configured_are_looked_up(service, north):
    service.known["12 ash st"] = [place("12, Ash Street", *IN_NORTH)]
    site = SiteFactory(address="12 Ash St")
    look_up()
    site.refresh_from_db()
    assert site.has_location


def test_many_unclear_addresses_are_told_of_once(service, dana, omar, north):
    for number in range(3):
        service.known[f"{number} ash st"] = [place("a", *IN_NORTH), place("b", *ALSO_NORTH)]
        make_job(by=omar, site=SiteFactory(address=f"{number} Ash St"))
    look_up()
    assert (
        Notification.objects.get(recipient=dana).text
        == "3 addresses may be in several places: say which ones are meant."
    )


def test_page_of_unclear_addresses_needs_as_many_queries_for_5_as_for_15(service, client, dana, omar, north):
    def make(count):
        customer = CustomerFactory()
        for number in range(count):
            site = SiteFactory(customer=customer, address=f"{number} Ash St")
            asked = {"asked_at": timezone.now(), "due_at": timezone.now()}
            offered = [Candidate("a", *IN_NORTH).as_dict()]
            Geocoding.objects.create(site=site, address=site.address, state="ambiguous", candidates=offered, **asked)

    def queries():
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse("unclear_places")).status_code == 200
        return len(captured)

    client.force_login(dana)
    make(5)
    few = queries()
    make(10)
    assert queries() == few


def test_a_setting_that_names_no_service_is_said_at_the_start(settings):
    settings.GEOCODER, settings.GEOCODER_URL, settings.GEOCODER_PER_SECOND = "nonsense", "localhost", 0
    assert [error.id for error in check_geocoder(None)] == ["dispatch.E010", "dispatch.E011", "dispatch.E012"]


# Which is meant -----------------------------------------------------------------------------------

HERE, NEXT_DOOR, ELSEWHERE = Candidate("a", 40.1, -75.1), Candidate("b", 40.1005, -75.1), Candidate("c", 41.5, -81.7)
TOWN = Candidate("d", 40.1, -75.1, is_vague=True)


@pytest.mark.parametrize(
    ("candidates", "found", "offered"),
    [
        ([], None, []),
        ([HERE], HERE, [HERE]),
        ([HERE, NEXT_DOOR], HERE, [HERE]),
        ([ELSEWHERE, HERE], HERE, [HERE]),
        ([TOWN, HERE], HERE, [HERE]),
        ([ELSEWHERE], None, [ELSEWHERE]),
        ([TOWN], None, [TOWN]),
    ],
)
def test_the_only_exact_place_within_the_zones_is_meant(candidates, found, offered):
    verdict = decide(candidates, is_served=lambda one: one is not ELSEWHERE)
    assert (verdict.found, verdict.candidates) == (found, offered)


VAGUE = [
    {"place_rank": 16},
    {"properties": {"type": "city"}},  # Photon
    {"properties": {"layer": "locality"}},  # Pelias
    {"resultType": "administrativeArea"},  # HERE
    {"types": ["locality", "political"]},  # Google
    {"place_type": ["postcode"]},  # Mapbox
    {"components": {"_type": "village"}},  # OpenCage
    {"type": "Geography"},  # TomTom
]
EXACT = [
    {"place_rank": 30, "type": "city"},
    {"type": "Feature", "properties": {"type": "house"}},
    {"type": "Feature", "properties": {"layer": "address"}},
    {"resultType": "houseNumber"},
    {"types": ["street_address"]},
    {"place_type": ["address"]},
    {"components": {"_type": "building"}},
    {"type": "Point Address"},
    {"properties": [1], "types": [None, 3]},
    {},
]


@pytest.mark.parametrize(("raw", "is_vague"), [(raw, True) for raw in VAGUE] + [(raw, False) for raw in EXACT])
def test_a_town_is_not_where_a_house_is_whichever_service_says_it(raw, is_vague):
    location = Location("Ash Street", (40.1, -75.1), raw)
    assert provider.candidate_of(location).is_vague is is_vague


def test_where_there_are_no_zones_any_only_place_is_meant():
    assert decide([ELSEWHERE], is_served=None).found == ELSEWHERE
    assert decide([ELSEWHERE, HERE], is_served=None).found is None
