from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DispatchConfig(AppConfig):
    name = "dispatch"

    def ready(self):
        from dispatch import checks  # noqa: F401 - registers them
        from dispatch.roles import apply_roles_after_migrate

        post_migrate.connect(apply_roles_after_migrate, sender=self)
