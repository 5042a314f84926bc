from django.conf import settings
from django.db.models import Count, Max
from django.utils.functional import SimpleLazyObject

from dispatch.models import Notification


def frame(request):
    """What base.html needs on every page."""
    user = getattr(request, "user", None)
    return {
        "theme": getattr(user, "theme", "system"),
        "density": getattr(user, "density", "comfortable"),
        "map_config": {"tiles": settings.MAP_TILE_URL, "attribution": settings.MAP_ATTRIBUTION},
        # Lazy: a fragment has no bell.
        "unread_notices": SimpleLazyObject(lambda: unread_notices(user)),
    }


def unread_notices(user) -> dict[str, int]:
    unread = Notification.objects.shown_to(user).unread().order_by()
    numbers = unread.aggregate(count=Count("pk"), latest=Max("pk"))
    return {"count": numbers["count"], "latest": numbers["latest"] or 0}
