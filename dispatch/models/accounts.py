from django.contrib.auth.models import AbstractUser
from django.db import models


class User(AbstractUser):
    """Everyone who logs in. What they may do comes from their role's group; see dispatch/roles.py."""

    class Theme(models.TextChoices):
        SYSTEM = "system", "As the device"
        LIGHT = "light"
        DARK = "dark"

    class Density(models.TextChoices):
        COMFORTABLE = "comfortable"
        COMPACT = "compact"

    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    density = models.CharField(max_length=11, choices=Density.choices, default=Density.COMFORTABLE)
    hidden_columns = models.JSONField(default=list, blank=True, editable=False)  # keys of board_list's COLUMNS

    @property
    def short_name(self) -> str:
        return self.first_name or self.username

    @property
    def initials(self) -> str:
        return (self.first_name[:1] + self.last_name[:1] or self.username[:2]).upper()

    def __str__(self):
        return self.get_full_name() or self.username
