"""Asking a geocoding service where an address is, through geopy. Which one is a setting; without one it is off."""

import inspect
import math
from collections.abc import Iterator
from typing import Final
from urllib.parse import quote_plus, urlsplit

from django.conf import settings
from geopy.adapters import RequestsAdapter
from geopy.exc import (
    GeocoderQueryError,
    GeocoderQuotaExceeded,
    GeocoderRateLimited,
    GeopyError,
)
from geopy.geocoders import SERVICE_TO_GEOCODER
from geopy.geocoders.base import Geocoder

from dispatch.geocoding.choosing import Candidate

TIMEOUT_SECONDS: Final = 10
ANSWERS: Final = 6
LONGEST_PAUSE_SECONDS: Final = 24 * 3600
NONSENSE: Final = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)  # in an answer
STREET_RANK: Final = 26  # Nominatim's place_rank from which on it is a street or a house
# What the services call towns, districts and whatever is larger than a street.
VAGUE_KINDS: Final = {
    *("administrativearea", "borough", "city", "continent", "country", "county", "dependency"),
    *("district", "geography", "hamlet", "localadmin", "locality", "macrocounty", "macroregion"),
    *("municipality", "neighborhood", "neighbourhood", "place", "political", "postal_code", "postalcode"),
    *("postalcodepoint", "postcode", "region", "state", "suburb", "town", "village"),
}
KEY_NAMES: Final = ("api_key", "apikey", "subscription_key", "access_token")
SERVICES: Final = SERVICE_TO_GEOCODER


class LookUpFailed(Exception):
    """It may work later."""


class TooFast(LookUpFailed):
    """The service wants to be left alone for so many seconds."""

    def __init__(self, words: str, seconds: float):
        super().__init__(words)
        self.seconds = seconds


class BadAddress(Exception):
    """The service does not understand it, now or later."""


def is_on() -> bool:
    return bool(settings.GEOCODER)


def name() -> str:
    """As answers are remembered: another server may know other places."""
    return f"{settings.GEOCODER} {urlsplit(settings.GEOCODER_URL).netloc}".strip()[:40]


def plain(address: str) -> str:
    return " ".join(address.casefold().split())[:200]


def look_up(address: str, *, around: tuple[float, float, float, float] | None) -> list[Candidate]:
    """The best first. `around`: west, south, east, north of where the business is, preferred if the service can."""
    query = f"{address}, {settings.GEOCODER_REGION}" if settings.GEOCODER_REGION else address
    try:
        geocoder = _geocoder()
        locations = geocoder.geocode(query, exactly_one=False, **_wishes(geocoder, around))
        return [one for location in locations or [] if (one := candidate_of(location))]
    except GeocoderRateLimited as error:
        wait = min(error.retry_after or 60, LONGEST_PAUSE_SECONDS)
        raise TooFast("The service asks for fewer questions.", wait) from None
    except GeocoderQuotaExceeded:
        raise TooFast("The service's quota is used up.", 3600) from None
    except GeocoderQueryError as error:
        raise BadAddress(_words(error)) from None
    except (GeopyError, *NONSENSE) as error:
        raise LookUpFailed(_words(f"{type(error).__name__}: {error}")) from None


def _words(error: object) -> str:
    """To be kept and shown: without the key, which stands in the address that a failed connection names."""
    text = str(error).replace("\0", "")
    for secret in filter(None, (settings.GEOCODER_KEY, quote_plus(settings.GEOCODER_KEY))):
        text = text.replace(secret, "…")
    return text[:200]


def _geocoder() -> Geocoder:
    kind = SERVICES[settings.GEOCODER]
    known = inspect.signature(kind.__init__).parameters
    options: dict = {"timeout": TIMEOUT_SECONDS, "proxies": {}, "user_agent": f"Truckroll {settings.SITE_URL}".strip()}
    options["adapter_factory"] = _adapter
    if settings.GEOCODER_URL:
        parts = urlsplit(settings.GEOCODER_URL)
        options |= {"domain": f"{parts.netloc}{parts.path}".rstrip("/"), "scheme": parts.scheme}
    if settings.GEOCODER_KEY:
        options |= {key: settings.GEOCODER_KEY for key in KEY_NAMES if key in known}
    return kind(**{key: value for key, value in options.items() if key in known})


def _adapter(*, proxies, ssl_context) -> RequestsAdapter:
    """Asks once: when to ask again is for whoever keeps the queue, and a pause that is asked for may be long."""
    return RequestsAdapter(proxies=proxies, ssl_context=ssl_context, max_retries=0)


def _wishes(geocoder: Geocoder, around: tuple[float, float, float, float] | None) -> dict:
    """What this service can be asked beside the address."""
    known = inspect.signature(geocoder.geocode).parameters
    wishes: dict = {"limit": ANSWERS} if "limit" in known else {}
    if "country_codes" in known and settings.GEOCODER_COUNTRIES:
        wishes["country_codes"] = settings.GEOCODER_COUNTRIES
    if around:
        west, south, east, north = around
        if "viewbox" in known:
            wishes["viewbox"] = [(south, west), (north, east)]
        elif "location_bias" in known:
            wishes["location_bias"] = ((south + north) / 2, (west + east) / 2)
    return wishes


def candidate_of(location) -> Candidate | None:
    """None for what has no place on the globe. Without coordinates geopy makes it 0, 0: in the sea."""
    latitude, longitude = float(location.latitude), float(location.longitude)
    if not (math.isfinite(latitude) and abs(latitude) <= 90 and math.isfinite(longitude) and abs(longitude) <= 180):
        return None
    if latitude == longitude == 0:
        return None
    label = " ".join(str(location.address or "").replace("\0", "").split())[:200]
    return Candidate(label, round(latitude, 6), round(longitude, 6), is_vague=_is_vague(location.raw))


def _is_vague(raw: dict) -> bool:
    rank = raw.get("place_rank")
    if isinstance(rank, int):
        return rank < STREET_RANK
    return any(kind.casefold() in VAGUE_KINDS for kind in _kinds(raw))


def _kinds(raw: dict) -> Iterator[str]:
    """What the place is, as the service says it: HERE and TomTom, Google, Mapbox, Photon, Pelias, OpenCage."""
    inner = {name: raw[name] for name in ("properties", "components") if isinstance(raw.get(name), dict)}
    said = [raw.get(name) for name in ("resultType", "MatchLevel", "type", "types", "place_type")]
    said += [one.get(name) for one in inner.values() for name in ("type", "layer", "_type")]
    for word in said:
        yield from (one for one in (word if isinstance(word, list) else [word]) if isinstance(one, str))
