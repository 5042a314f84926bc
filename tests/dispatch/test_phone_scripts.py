"""The phone pages run on browsers of 2020, which stop at syntax that they do not know."""

import re

import pytest
from django.conf import settings
from django.urls import reverse

from dispatch.models import Status
from tests.factories import make_job

TOO_NEW = re.compile(
    r"\?\?=|\|\|=|&&=|\.at\(|\.replaceAll\(|structuredClone|\.to(Reversed|Sorted|Spliced)\(|\.findLast|\.replaceChildren\(|Object\.hasOwn|[\"'`][^\"'`]*:(is|has)\("
)
FEATURE_TESTED = {"push_device.js"}  # says itself what browsers without Push lack
SCRIPT = re.compile(r'<script src="/static/js/([\w.]+)"')


def scripts_of(page: str) -> list[str]:
    return [name for name in SCRIPT.findall(page) if name not in FEATURE_TESTED]


@pytest.fixture
def pages(client, omar, tess):
    job = make_job(Status.ASSIGNED, by=omar, technician=tess)
    client.force_login(tess.user)
    return [client.get(url).content.decode() for url in (reverse("phone"), reverse("phone_job", args=[job.pk]))]


def test_scripts_of_the_phone_have_no_syntax_that_old_phones_lack(pages):
    for name in {name for page in pages for name in scripts_of(page)}:
        for number, line in enumerate((settings.BASE_DIR / "static" / "js" / name).read_text().splitlines(), start=1):
            code = line.split("//")[0]
            assert not TOO_NEW.search(code), f"{name}:{number}: {line.strip()}"


def test_styles_of_the_phone_do_not_rest_on_what_old_phones_lack():
    """A rule with a selector that they do not know is dropped whole; `:has` is only for what may be missing."""
    for path in (settings.BASE_DIR / "static" / "css").glob("phone*.css"):
        assert not re.findall(r".*(?:\binset:|:is\(|:where\(|(?<!\()\btranslate:).*", path.read_text()), path.name


def test_outbox_comes_before_what_uses_it(pages):
    for page in pages:
        names = scripts_of(page)
        assert names.index("phone_taps.js") < names.index("phone_outbox.js") < names.index("phone_waiting.js")
