"""The dispatch board as a test looks at it."""

import re
from datetime import datetime, time, timedelta
from html import unescape

from django.urls import reverse
from django.utils import timezone

from tests.factories import SiteFactory
from tests.pages import html_of


def board_of(client):
    def get(link="", headers=None, **params):
        response = client.get(reverse("board_list") + link, params or None, headers=headers)
        assert response.status_code == 200
        return response

    return get


def day(offset=0):
    return timezone.localdate() + timedelta(days=offset)


def at(hour, offset=0):
    return timezone.make_aware(datetime.combine(day(offset), time(hour)))


def counts_on(response) -> dict[str, int]:
    found = re.findall(r'data-tile="(\w+)".*?<b>(\d+)</b>', html_of(response), flags=re.S)
    return {name: int(number) for name, number in found}


def count_links(response) -> dict[str, str]:
    found = re.findall(r'data-tile="(\w+)" href="[^"?]*([^"]*)"', html_of(response))
    return {name: unescape(query) for name, query in found}


def choices(response, name) -> set[str]:
    return set(re.findall(rf'type="checkbox" name="{name}" value="([^"]*)"', html_of(response)))


def ticked(response, name) -> set[str]:
    return set(re.findall(rf'type="checkbox" name="{name}" value="([^"]*)" checked', html_of(response)))


def carried(response) -> dict[str, str]:
    form = re.search(r'<form class="filters".*?</form>', html_of(response), flags=re.S)[0]
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form))


def site_of(customer, address, zone=None):
    where = {}
    if zone:
        (west, south), _, (east, north) = zone.boundary["coordinates"][0][:3]
        where = {"latitude": (south + north) / 2, "longitude": (west + east) / 2}
    return SiteFactory(customer=customer, address=address, **where)


def is_chosen(page, name) -> bool:
    return bool(re.search(rf'data-tile="{name}"[^>]*aria-current', html_of(page)))
