"""What Django says at the start of every command, and `manage.py check`, where the configuration cannot work."""

from django.conf import settings
from django.core.checks import Error, register

from dispatch import push


@register
def check_push_key(app_configs, **options) -> list[Error]:
    if push.is_on() or not settings.VAPID_PRIVATE_KEY:
        return []
    hint = "`python manage.py make_vapid_key` prints a new one. Without one, push is off."
    return [Error("VAPID_PRIVATE_KEY is no key for Web Push.", hint=hint, id="dispatch.E001")]
