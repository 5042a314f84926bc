from django.conf import settings


def frame(request):
    """What base.html needs on every page."""
    user = getattr(request, "user", None)
    return {
        "theme": getattr(user, "theme", "system"),
        "density": getattr(user, "density", "comfortable"),
        "map_config": {"tiles": settings.MAP_TILE_URL, "attribution": settings.MAP_ATTRIBUTION},
    }
