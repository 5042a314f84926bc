"""What Django says at the start of every command, and `manage.py check`, where the configuration cannot work."""

from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import Error, register
from django.utils.module_loading import import_string

from dispatch.geocoding.provider import SERVICES
from dispatch.notices import push
from dispatch.sms import HttpGateway


@register
def check_push_key(app_configs, **options) -> list[Error]:
    if push.is_on() or not settings.VAPID_PRIVATE_KEY:
        return []
    hint = "`python manage.py make_vapid_key` prints a new one. Without one, push is off."
    return [Error("VAPID_PRIVATE_KEY is no key for Web Push.", hint=hint, id="dispatch.E001")]


@register
def check_travel_servers(app_configs, **options) -> list[Error]:
    urls = {name: getattr(settings, name) for name in ("OSRM_URL", "VALHALLA_URL")}
    errors = [
        Error(f"{name} is no address of a server.", hint="It looks like http://127.0.0.1:5000", id="dispatch.E002")
        for name, url in urls.items()
        if url and not _is_address(url)
    ]
    if all(urls.values()):
        hint = "Truckroll asks one server: unset the other."
        errors.append(Error("OSRM_URL and VALHALLA_URL are both set.", hint=hint, id="dispatch.E003"))
    return errors


@register
def check_geocoder(app_configs, **options) -> list[Error]:
    errors = []
    if settings.GEOCODER and settings.GEOCODER not in SERVICES:
        hint = f"One of {', '.join(sorted(SERVICES))}; or none."
        errors.append(Error(f"GEOCODER names no service: {settings.GEOCODER}.", hint=hint, id="dispatch.E010"))
    if settings.GEOCODER_URL and not _is_address(settings.GEOCODER_URL):
        hint = "It looks like https://nominatim.example.com"
        errors.append(Error("GEOCODER_URL is no address of a server.", hint=hint, id="dispatch.E011"))
    if settings.GEOCODER_PER_SECOND <= 0:
        errors.append(Error("GEOCODER_PER_SECOND must be more than 0.", id="dispatch.E012"))
    return errors


@register
def check_text_messages(app_configs, **options) -> list[Error]:
    if not settings.SMS_BACKEND:
        return []
    try:
        gateway = import_string(settings.SMS_BACKEND)
    except ImportError:
        hint = "dispatch.sms.HttpGateway, or a class of your own with the same `send`; empty sends none."
        return [Error(f"SMS_BACKEND names no class: {settings.SMS_BACKEND}.", hint=hint, id="dispatch.E013")]
    if gateway is HttpGateway and not _is_address(settings.SMS_GATEWAY_URL):
        hint = "It looks like https://sms.example.com/send"
        return [Error("SMS_GATEWAY_URL is no address of a gateway.", hint=hint, id="dispatch.E014")]
    return []


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and not parts.query and parts.port != 0
    except ValueError:
        return False
