"""What makes the phone page an app: its manifest, its service worker, and the page for what is not on the phone.

None of it is about anybody, and browsers ask for it without a session.
"""

import json
from functools import cache
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_GET

ICONS = [
    {"src": "img/truckroll.svg", "sizes": "any", "type": "image/svg+xml"},
    {"src": "img/app-192.png", "sizes": "192x192", "type": "image/png"},
    {"src": "img/app-512.png", "sizes": "512x512", "type": "image/png"},
    {"src": "img/app-maskable-512.png", "sizes": "512x512", "type": "image/png", "purpose": "maskable"},
]


@require_GET
@login_not_required
@cache_control(max_age=3600)
def manifest(request):
    day = reverse("phone")
    content = {
        "id": day,
        "name": "Truckroll: my day",
        "short_name": "My day",
        "description": "Today's jobs in order, also without signal.",
        "start_url": day,
        "scope": "/",
        "display": "standalone",
        "background_color": "#f5f6f8",
        "theme_color": "#2457d6",
        "icons": [icon | {"src": static(icon["src"])} for icon in ICONS],
    }
    return JsonResponse(content, content_type="application/manifest+json")


@require_GET
@login_not_required
def phone_offline(request):
    """The service worker keeps it and shows it for pages that it does not have."""
    return render(request, "dispatch/phone_offline.html")


@require_GET
@login_not_required
@cache_control(no_cache=True)
def service_worker(request):
    """From the root, for a service worker may only handle what lies below its own address."""
    return HttpResponse(_service_worker(), content_type="text/javascript; charset=utf-8")


@cache
def _service_worker() -> bytes:
    script = (settings.BASE_DIR / "static" / "js" / "service_worker.js").read_bytes()
    about = {
        "day": reverse("phone"),
        "logout": reverse("logout"),
        "offline": reverse("phone_offline"),
        "static": settings.STATIC_URL,
        "taps": static("js/phone_taps.js"),
        "version": _assets_version(),
    }
    return b"const WORKER = %s;\n%s" % (json.dumps(about).encode(), script)


def _assets_version() -> str:
    """Another one whenever a script or a style is: what was kept of the former version is dropped then."""
    digest = sha256()
    for kind in ("js", "css"):
        for path in sorted((settings.BASE_DIR / "static" / kind).iterdir()):
            digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()[:12]
