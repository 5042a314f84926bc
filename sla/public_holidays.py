"""Public holidays by country and region, and which of those there are, from the `holidays` package. Pure.

The package takes half a second to import and most pages do without it, so it is imported where it is needed.
"""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, lru_cache

logger = logging.getLogger(__name__)

WORD_BEGINS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
SMALL_WORDS = re.compile(r"\b(And|Of|The)\b")


class UnknownRegionError(LookupError):
    """Nothing is known of that country, or of that region of it."""


@dataclass(frozen=True)
class PublicHolidays:
    """The dates of a country's or region's public holidays. Where they cannot be known there are none; it is logged."""

    country: str
    region: str = ""

    def __contains__(self, day: date) -> bool:
        return day in _known_holidays(self.country, self.region, day.year)

    def name_of(self, day: date) -> str:
        return _known_holidays(self.country, self.region, day.year).get(day, "")


@cache
def countries() -> dict[str, str]:
    """Names by ISO code, in the order of the names."""
    from holidays.registry import COUNTRIES

    names = {entry[1]: _spaced(entry[0]) for entry in COUNTRIES.values()}
    return dict(sorted(names.items(), key=lambda entry: entry[1]))


@cache
def regions_of(country: str) -> dict[str, str]:
    """Names by code of the country's states or regions that have holidays of their own."""
    import holidays

    if country not in countries():
        raise UnknownRegionError(f"No public holidays are known for a country “{country}”.")
    entity = getattr(holidays, country)
    names = {code: code for code in entity.subdivisions}
    for name, code in entity.subdivisions_aliases.items():
        if code in names and (names[code] == code or len(name) > len(names[code])):
            names[code] = name
    return dict(sorted(names.items(), key=lambda entry: entry[1]))


@lru_cache(maxsize=1024)
def public_holidays(country: str, region: str, year: int) -> Mapping[date, str]:
    """Names by date, the days on which one that falls on a weekend is observed among them. UnknownRegionError.

    A year at a time and never changed: the package's own calendars grow while they are asked, and two threads that ask
    one for a new year can be told that it has no holidays.
    """
    import holidays

    regions = regions_of(country)
    if region and region not in regions:
        raise UnknownRegionError(f"{countries()[country]} has no state or region “{region}”.")
    found = holidays.country_holidays(country, region or None, years=year, expand=False, language="en_US")
    return {day: found[day] for day in sorted(found) if day.year == year}


@lru_cache(maxsize=1024)
def _known_holidays(country: str, region: str, year: int) -> Mapping[date, str]:
    try:
        return public_holidays(country, region, year)
    except UnknownRegionError as error:
        logger.error("A business calendar goes without public holidays: %s", error)
        return {}
    except Exception:  # whatever another release of the package makes of it, jobs and the check go on
        logger.exception("A business calendar goes without public holidays of %s %s", country, region)
        return {}


def _spaced(name: str) -> str:
    """“Isle of Man” from IsleOfMan"""
    return SMALL_WORDS.sub(lambda word: word[0].lower(), WORD_BEGINS.sub(" ", name))
