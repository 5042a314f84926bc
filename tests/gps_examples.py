"""What real clients send, as their protocols' documents have it: with the exact answer, and whether it holds a fix.

`{at}` is the instant of the fix in seconds since 1970, `{iso}` as ISO 8601: their own examples are years old.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
EMPTY, LIST = (200, b"", None), (200, b"[]", JSON)


@dataclass(frozen=True)
class Example:
    name: str
    client: str
    answer: tuple[int, bytes, str | None]
    method: str = "POST"
    query: str = ""
    body: str = ""
    content_type: str = ""
    fixes: int = 1

    def filled(self, at: datetime) -> "Example":
        fields = {
            "{at}": str(int(at.timestamp())),
            "{ms}": str(int(at.timestamp() * 1000)),
            "{iso}": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "{date}": at.astimezone(UTC).strftime("%Y-%m-%d+%H%%3A%M%%3A%S"),
        }
        query, body = self.query, self.body
        for name, value in fields.items():
            query, body = query.replace(name, value), body.replace(name, value)
        return Example(self.name, self.client, self.answer, self.method, query, body, self.content_type, self.fixes)


CLIENT_9 = """{"location":{"timestamp":"{iso}","coords":{"latitude":37.42,"longitude":-122.08,"accuracy":5,"speed":0,
"heading":-1,"altitude":5},"is_moving":false,"odometer":0,"event":"motionchange","battery":{"level":1,"is_charging":
false},"activity":{"type":"still"},"extras":{}},"device_id":"48241179"}"""
OWNTRACKS = """{"_type":"location","lat":48.85,"lon":2.29,"tst":{at},"tid":"JJ","acc":12,"alt":35,"vel":18,"cog":270,
"batt":81,"bs":1,"conn":"m","t":"u","topic":"owntracks/jjolie/phone"}"""
TRACCAR = """{"position":{"deviceId":7,"fixTime":"{iso}","valid":true,"latitude":60.0,"longitude":30.0,"altitude":0,
"speed":0.0,"course":0.0,"accuracy":5.0,"attributes":{}},"device":{"id":7,"name":"Van 3","uniqueId":"123456",
"status":"online"}}"""
OTHER_TYPES = (
    *("transition", "waypoint", "waypoints", "lwt", "status", "steps", "card", "cmd", "configuration", "request"),
    *("beacon", "dump", "encrypted"),
)


def osmand(name, answer=EMPTY, **fields) -> Example:
    return Example(name, "osmand", answer, **fields)


def owntracks(name, body, fixes=0, content_type=JSON, **fields) -> Example:
    return Example(name, "owntracks", LIST, body=body, fixes=fixes, content_type=content_type, **fields)


EXAMPLES = [
    osmand(
        "seconds",
        method="GET",
        query="id=123456&timestamp={at}&lat=60.0&lon=30.0&speed=0.0&bearing=0.0&altitude=0&hdop=0.0",
    ),
    osmand(
        "ISO 8601",
        method="GET",
        query="id=902064&lat=42.06288&lon=-88.23412&timestamp={iso}&hdop=6.0&altitude=224.0&speed=0.0",
    ),
    osmand(
        "date and time",
        method="GET",
        query="lat=49.60688&lon=6.15788&timestamp={date}&altitude=384.7&speed=0.0&id=353861053849681",
    ),
    osmand("location", method="GET", query="id=123456&timestamp={at}&location=60.0,30.0"),
    osmand("milliseconds", method="PUT", query="deviceid=1&timestamp={ms}&lat=60&lon=30&heading=12&valid=true"),
    osmand("heartbeat", method="GET", query="id=123456&timestamp={at}&cell=257,02,16,2224", fixes=0),
    osmand("invalid fix", method="GET", query="id=1&timestamp={at}&lat=60&lon=30&valid=false", fixes=0),
    osmand("fix of 2013", method="GET", query="id=1&timestamp=1377177267&lat=60&lon=30", fixes=0),
    osmand("null island", method="GET", query="id=1&timestamp={at}&lat=0&lon=0", fixes=0),
    osmand(
        "client 8",
        query="id=1&timestamp={at}&lat=60.1&lon=30.1&speed=1.5&bearing=9&altitude=3&accuracy=4&batt=77&charge=true&mock=true&alarm=sos",
    ),
    osmand("client 9", body=CLIENT_9, content_type=JSON),
    osmand("client 9, a list", body=f"[{CLIENT_9}]", content_type="application/json; charset=utf-8"),
    osmand(
        "client 9 without a place",
        body='{"location":{"timestamp":"{iso}"},"device_id":"4"}',
        content_type=JSON,
        fixes=0,
    ),
    osmand(
        "client 9 with nulls",
        body='{"location":{"timestamp":null,"coords":null,"battery":null,"new":1},"device_id":"4"}',
        content_type=JSON,
        fixes=0,
    ),
    osmand(
        "client 10",
        body="id=1&lat=60.2&lon=30.2&timestamp={at}&accuracy=5&altitude=2&speed=3&bearing=4&batt=50&charge=false&alarm=sos",
        content_type=FORM,
    ),
    osmand("client 10 without a place", body="id=1&timestamp={at}&batt=50", content_type=FORM, fixes=0),
    osmand("no id", (400, b"", None), method="GET", query="timestamp={at}&lat=60&lon=30", fixes=0),
    osmand("no id in a form", (400, b"", None), body="timestamp={at}&lat=60&lon=30", content_type=FORM, fixes=0),
    osmand("nothing", (400, b"", None), method="GET", fixes=0),
    osmand("no id in JSON", (404, b"", None), body='{"location":{}}', content_type=JSON, fixes=0),
    osmand("no JSON", (404, b"", None), body="{", content_type=JSON, fixes=0),
    owntracks("location", OWNTRACKS, fixes=1),
    owntracks("location, user in the query", OWNTRACKS, fixes=1, query="u=jjolie&d=phone"),
    owntracks("location in UTF-8", OWNTRACKS, fixes=1, content_type="application/json; charset=utf-8"),
    owntracks("what is zero left out", '{"_type":"location","lat":48.85,"lon":2.29,"tst":{at},"tid":"JJ"}', fixes=1),
    owntracks("empty", ""),
    owntracks("empty, of no type", "", content_type=""),
    owntracks("no JSON", "{"),
    *(owntracks(kind, f'{{"_type":"{kind}","tst":{{at}},"data":"x"}}') for kind in OTHER_TYPES),
    Example("forwarded", "traccar", EMPTY, body=TRACCAR, content_type=JSON),
    Example("forwarded, invalid", "traccar", EMPTY, body=TRACCAR.replace("true", "false"), content_type=JSON, fixes=0),
]
