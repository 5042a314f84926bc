"""What apps and trackers send, decoded. The examples are those of the protocols' own documentation."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from technicians.fixes import Fix
from technicians.gps import osmand, owntracks, traccar
from technicians.gps.limits import Buckets
from technicians.gps.messages import Message, Unreadable
from technicians.gps.protocols import Heard, hear

NOW = datetime(2026, 6, 15, 12, 0, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
AT_2013 = datetime(2013, 8, 22, 13, 14, 27, tzinfo=UTC)


def read_form(query="", body=b"", content_type=""):
    return osmand.decode(Message(query, body, content_type), now=NOW)


def as_json(data) -> Message:
    return Message("", json.dumps(data).encode(), "application/json")


def only(reading) -> Fix:
    (fix,) = reading.fixes
    return fix


# OsmAnd: query and form ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "fix"),
    [
        (
            "id=123456&timestamp=1377177267&lat=60.0&lon=30.0&speed=0.0&bearing=0.0&altitude=0&hdop=0.0",
            Fix(60, 30, AT_2013, speed_kmh=0, heading_degrees=0),
        ),
        (
            "id=902064&lat=42.06288&lon=-88.23412&timestamp=2016-01-27T18%3A55%3A47Z&hdop=6.0&altitude=224.0&speed=0.0",
            Fix(42.06288, -88.23412, datetime(2016, 1, 27, 18, 55, 47, tzinfo=UTC), speed_kmh=0),
        ),
        (
            "lat=49.60688&lon=6.15788&timestamp=2014-06-04+09%3A10%3A11&altitude=384.7&speed=0.0&id=353861053849681",
            Fix(49.60688, 6.15788, datetime(2014, 6, 4, 9, 10, 11, tzinfo=UTC), speed_kmh=0),
        ),
        ("id=123456&timestamp=1377177267&location=60.0,30.0", Fix(60, 30, AT_2013)),
        ("deviceid=1&lat=60&lon=30", Fix(60, 30, NOW)),
        (
            "id=1&timestamp=1377177267000&lat=60&lon=30&speed=10&heading=270&accuracy=12.5&batt=81.4&charge=true&mock=true"
            "&alarm=sos&driverUniqueId=7&notificationToken=x&wifi=a,b&anything=at+all",
            Fix(60, 30, AT_2013, accuracy_m=12.5, speed_kmh=18.52, heading_degrees=270, battery_percent=81),
        ),
        ("id=1&lat=60&lon=30&timestamp=2147483646", Fix(60, 30, datetime(2038, 1, 19, 3, 14, 6, tzinfo=UTC))),
        ("id=1&lat=60&lon=30&timestamp=2147483647", Fix(60, 30, datetime.fromtimestamp(2147483.647, tz=UTC))),
        (
            "id=1&lat=60&lon=30&timestamp=2016-01-27T18:55:47.5+02:00",
            Fix(60, 30, datetime(2016, 1, 27, 16, 55, 47, 500000, tzinfo=UTC)),
        ),
        ("id=1&lat=60&lon=30&timestamp=&speed=-1&bearing=-1&batt=-1&accuracy=-1", Fix(60, 30, NOW)),
        ("id=1&lat=60&lon=30&speed=fast&bearing=400&batt=900&accuracy=nan", Fix(60, 30, NOW, battery_percent=100)),
        ("id=1&lat=60&lon=30&valid=true&timestamp=1377177267", Fix(60, 30, AT_2013)),
        ("id=1&lat=60&lon=30&valid=1&timestamp=1377177267", Fix(60, 30, AT_2013)),
    ],
)
def test_a_query_is_a_fix(query, fix):
    assert only(read_form(query)) == fix
    assert only(read_form(body=query.encode(), content_type=FORM)) == fix


@pytest.mark.parametrize(
    "query",
    [
        "id=123456&timestamp=1377177267&cell=257,02,16,2224",
        "id=1",
        "id=1&lat=60",
        "id=1&lat=60&lon=",
        "id=1&location=60",
        "id=1&lat=sixty&lon=30",
        "id=1&lat=inf&lon=30",
        "id=1&lat=60&lon=30&valid=false",
        "id=1&lat=60&lon=30&valid=0",
        "id=1&lat=60&lon=30&timestamp=yesterday",
        "id=1&lat=60&lon=30&timestamp=2016-13-45T99:99",
        "id=1&lat=60&lon=30&timestamp=99999999999999999999999",
    ],
)
def test_without_place_or_time_it_is_a_sign_of_life(query):
    reading = read_form(query)
    assert (reading.fixes, bool(reading.sender)) == ([], True)


@pytest.mark.parametrize("query", ["", "lat=60&lon=30", "id=&lat=60&lon=30", "id=%00&lat=60", "&".join(["a=1"] * 300)])
def test_without_an_id_it_cannot_be_read(query):
    with pytest.raises(Unreadable):
        read_form(query)


def test_a_query_goes_before_the_body():
    assert read_form("id=1", b"id=1&lat=60&lon=30", FORM).fixes == []


# OsmAnd: JSON --------------------------------------------------------------------------------------

LOCATION = {
    "timestamp": "2025-06-15T13:45:12.862Z",
    "coords": {
        "latitude": 37.42,
        "longitude": -122.08,
        "accuracy": 5,
        "speed": 0,
        "heading": -1,
        "altitude": 5,
    },
    "is_moving": False,
    "odometer": 0,
    "event": "motionchange",
    "battery": {"level": 1, "is_charging": False},
    "activity": {"type": "still"},
    "extras": {},
}
CLIENT_9 = {"location": LOCATION, "device_id": "48241179"}
AT_9 = datetime(2025, 6, 15, 13, 45, 12, 862000, tzinfo=UTC)
FIX_9 = Fix(37.42, -122.08, AT_9, accuracy_m=5, speed_kmh=0, battery_percent=100)


def location(coords=None, **changes):
    return LOCATION | {"coords": LOCATION["coords"] | (coords or {})} | changes


@pytest.mark.parametrize(
    ("data", "fixes"),
    [
        (CLIENT_9, [FIX_9]),
        ([CLIENT_9, {"location": location(timestamp=1377177267), "device_id": "1"}], [FIX_9, None]),
        ({"device_id": "1", "location": [LOCATION]}, [FIX_9]),
        ([LOCATION, {"device_id": 1}], [FIX_9]),
        ({"device_id": 48241179, "location": LOCATION}, [FIX_9]),
        ({"device_id": "1"}, []),
        ({"device_id": "1", "location": None}, []),
        ({"device_id": "1", "location": {"timestamp": "2025-06-15T13:45:12.862Z"}}, []),
        ({"device_id": "1", "location": {"coords": None, "battery": None, "timestamp": None}}, []),
        ({"device_id": "1", "location": location({"latitude": None})}, []),
        ({"device_id": "1", "location": location({"latitude": True})}, []),
        ({"device_id": "1", "location": location({"latitude": 10**400})}, []),
        ({"device_id": "1", "location": location(timestamp="soon")}, []),
        ([], None),
        ([[]], None),
        ("x", None),
        (7, None),
        (None, None),
        ({"location": LOCATION}, None),
        ({"device_id": "", "location": LOCATION}, None),
        ({"device_id": {"a": 1}, "location": LOCATION}, None),
    ],
)
def test_json_of_client_9(data, fixes):
    """`fixes` None: it cannot be read; a None among them: of that fix only the number counts."""
    if fixes is None:
        with pytest.raises(Unreadable):
            osmand.decode(as_json(data), now=NOW)
        return
    found = osmand.decode(as_json(data), now=NOW).fixes
    assert len(found) == len(fixes)
    assert all(wanted in (None, fix) for fix, wanted in zip(found, fixes, strict=True))


@pytest.mark.parametrize(
    ("coords", "battery", "wanted"),
    [
        ({"speed": 10, "heading": 90}, {"level": 0.5}, (36, 90, 50)),
        ({"speed": -1, "heading": -1}, {"level": -1}, (None, None, None)),
        ({"speed": None, "heading": None}, {"level": None}, (None, None, None)),
        ({"speed": 0, "heading": 0}, {"level": 0}, (0, 0, 0)),
        ({"speed": "2.5", "heading": "1"}, None, (9, 1, None)),
    ],
)
def test_client_9_counts_in_metres_a_second_and_parts_of_one(coords, battery, wanted):
    fix = only(osmand.decode(as_json({"device_id": "1", "location": location(coords, battery=battery)}), now=NOW))
    assert (fix.speed_kmh, fix.heading_degrees, fix.battery_percent) == wanted


# OwnTracks -----------------------------------------------------------------------------------------

OWNTRACKS = {
    "_type": "location",
    "lat": 48.85,
    "lon": 2.29,
    "tst": 1718459112,
    "tid": "JJ",
    "acc": 12,
    "alt": 35,
    "vel": 18,
    "cog": 270,
    "batt": 81,
    "bs": 1,
    "conn": "m",
    "t": "u",
    "topic": "owntracks/jjolie/phone",
}
AT_OWNTRACKS = datetime(2024, 6, 15, 13, 45, 12, tzinfo=UTC)


def test_a_location_of_owntracks():
    assert only(owntracks.decode(as_json(OWNTRACKS), now=NOW)) == Fix(48.85, 2.29, AT_OWNTRACKS, 12, 18, 270, 81)


@pytest.mark.parametrize(
    ("changes", "speed", "heading"), [({}, 0, None), ({"vel": 5}, 5, 0), ({"vel": 5, "cog": 90}, 5, 90)]
)
def test_owntracks_leaves_out_what_is_zero(changes, speed, heading):
    sent = {name: OWNTRACKS[name] for name in ("_type", "lat", "lon", "tst")} | changes
    fix = only(owntracks.decode(as_json(sent), now=NOW))
    assert (fix.speed_kmh, fix.heading_degrees, fix.accuracy_m) == (speed, heading, None)


OTHER_TYPES = ("transition", "waypoint", "waypoints", "lwt", "status", "steps", "card", "cmd", "configuration")
OTHER_TYPES += ("request", "beacon", "dump", "whatever")


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_other_messages_of_owntracks_are_signs_of_life(kind):
    assert owntracks.decode(as_json({"_type": kind, "lat": 1, "lon": 1, "tst": 1}), now=NOW).fixes == []


def test_encrypted_messages_of_owntracks_are_a_trouble():
    reading = owntracks.decode(as_json({"_type": "encrypted", "data": "x"}), now=NOW)
    assert reading.fixes == []
    assert "remove the encryption key" in reading.trouble


@pytest.mark.parametrize("sent", [{"tst": None}, {"tst": 1e300}, {"lat": None}, {"lon": "east"}, {"tst": "x"}])
def test_locations_of_owntracks_that_say_nothing_are_left_out(sent):
    assert owntracks.decode(as_json(OWNTRACKS | sent), now=NOW).fixes == []


# Traccar server ------------------------------------------------------------------------------------

TRACCAR = {
    "position": {
        "deviceId": 7,
        "fixTime": "2025-06-15T13:45:12.000+00:00",
        "valid": True,
        "latitude": 60.0,
        "longitude": 30.0,
        "altitude": 0,
        "speed": 10.0,
        "course": 90.0,
        "accuracy": 5.0,
        "attributes": {},
    },
    "device": {"id": 7, "name": "Van 3", "uniqueId": "123456", "status": "online"},
}


def test_a_position_of_a_traccar_server():
    reading = traccar.decode(as_json(TRACCAR), now=NOW)
    at = datetime(2025, 6, 15, 13, 45, 12, tzinfo=UTC)
    assert (only(reading), reading.sender) == (Fix(60, 30, at, 5, 18.52, 90), "123456")


@pytest.mark.parametrize("changes", [{"valid": False}, {"fixTime": None}, {"fixTime": "..."}, {"latitude": None}])
def test_positions_of_a_traccar_server_that_do_not_count(changes):
    sent = TRACCAR | {"position": TRACCAR["position"] | changes}
    assert traccar.decode(as_json(sent), now=NOW).fixes == []


@pytest.mark.parametrize("device", [None, {}, {"uniqueId": None}, {"uniqueId": "\0"}, []])
def test_positions_of_nobody_cannot_be_read(device):
    with pytest.raises(Unreadable):
        traccar.decode(as_json(TRACCAR | {"device": device}), now=NOW)


# Whose protocol it is ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "speaks"),
    [
        (Message("id=1"), "osmand"),
        (Message("", b"id=1&lat=1&lon=1", FORM), "osmand"),
        (as_json(CLIENT_9), "osmand"),
        (as_json([CLIENT_9]), "osmand"),
        (as_json(OWNTRACKS), "owntracks"),
        (Message("", json.dumps(OWNTRACKS).encode()), "owntracks"),
        (Message("u=jo&d=phone", json.dumps(OWNTRACKS).encode(), "application/json; charset=utf-8"), "owntracks"),
        (as_json(TRACCAR), "traccar"),
        *((message, "") for message in (Message(), Message("", b"", "application/json"), as_json([]), as_json({}))),
    ],
)
def test_the_protocol_is_known_by_its_content(message, speaks):
    assert hear(message).speaks == speaks


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(sorted(LOCATION)), inner),
    max_leaves=20,
)


def skeletons(values):
    """The outlines of real messages, with anything where values are."""
    coords = st.fixed_dictionaries(dict.fromkeys(("latitude", "longitude", "speed", "heading", "accuracy"), values))
    places = st.fixed_dictionaries({"timestamp": values, "coords": coords | values, "battery": values})
    client = st.fixed_dictionaries({"device_id": values, "location": places | st.lists(places, max_size=3) | values})
    own = st.fixed_dictionaries(
        {"_type": st.just("location") | values, **dict.fromkeys(("lat", "lon", "tst", "vel", "cog", "batt"), values)}
    )
    fields = ("fixTime", "valid", "latitude", "longitude", "speed", "course", "accuracy", "attributes")
    position = st.fixed_dictionaries(dict.fromkeys(fields, values))
    server = st.fixed_dictionaries({"position": position, "device": st.fixed_dictionaries({"uniqueId": values})})
    return client | own | server | st.lists(client | own, max_size=3)


@given(
    st.text() | st.binary().map(lambda raw: raw.decode("latin-1")),
    st.binary() | (JSON | skeletons(JSON)).map(lambda data: json.dumps(data).encode()),
    st.sampled_from(["application/json", FORM, "", "text/plain", "application/json; charset=utf-16"]),
    st.sampled_from(["osmand", "owntracks", "traccar"]),
)
def test_whatever_comes_is_read_or_refused(query, body, content_type, client):
    heard = hear(Message(query, body, content_type))
    assert isinstance(heard, Heard)
    assert heard.refusal.status in (200, 400, 404)
    try:
        reading = heard.read(client, now=NOW)
    except Unreadable:
        return
    assert reading.sender.isprintable()
    for fix in reading.fixes:
        assert fix.recorded_at.tzinfo is not None


def test_json_nested_without_end_is_refused():
    assert hear(Message("", b"[" * 100_000, "application/json")).speaks == ""


# How often one may knock ---------------------------------------------------------------------------


def test_a_bucket_runs_dry_and_fills_again():
    buckets = Buckets(burst=2, per_second=0.5)
    assert [buckets.take("a", at=0) for _ in range(3)] == [0, 0, 2]
    assert buckets.take("b", at=0) == 0
    assert [buckets.take("a", at=2), buckets.take("a", at=2)] == [0, 2]
    assert [buckets.wait_for("a", at=4), buckets.wait_for("a", at=4)] == [0, 0]
    buckets.forget("a")
    assert [buckets.take("a", at=4) for _ in range(3)] == [0, 0, 2]


def test_made_up_keys_take_no_memory():
    buckets = Buckets(burst=1, per_second=1, most_keys=3)
    for number in range(100):
        buckets.take(str(number), at=0)
    assert [key for key in map(str, range(100)) if key in buckets] == ["97", "98", "99"]
