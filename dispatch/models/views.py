from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse


class SavedView(models.Model):
    """A named set of filters of one user: which page of the board, and its query string."""

    class Page(models.TextChoices):
        """The values are names of URLs."""

        LANES = "board", "Lanes"
        LIST = "board_list", "List"
        WEEK = "calendar_week", "Week"
        MONTH = "calendar_month", "Month"
        MAP = "map", "Map"

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    page = models.CharField(max_length=16, choices=Page.choices)
    query = models.TextField(blank=True)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(fields=["user", "name"], name="saved_view_name_once"),
            models.CheckConstraint(condition=~Q(name=""), name="saved_view_has_name"),
        ]

    def __str__(self):
        return self.name

    @property
    def url(self) -> str:
        return reverse(self.page) + (f"?{self.query}" if self.query else "")
