"""Pages by Django, live events by Channels, positions straight in: the only list of URLs that are not Django's."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django_application = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (needs the apps loaded)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from dispatch.consumers import LiveEvents, LiveSocket  # noqa: E402
from dispatch.customer_link.stream import VisitEvents  # noqa: E402
from dispatch.views.gps import GpsDoor  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": URLRouter(
            [
                path("events/", AuthMiddlewareStack(LiveEvents.as_asgi())),
                path("gps/<str:secret>/", GpsDoor()),
                path("visit/<str:token>/events/", VisitEvents.as_asgi()),
                re_path(r"", django_application),
            ]
        ),
        "websocket": URLRouter([path("ws/", AuthMiddlewareStack(LiveSocket.as_asgi()))]),
    }
)
