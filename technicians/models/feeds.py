from django.conf import settings
from django.db import models
from django.db.models import Q

from technicians.models.people import Technician


class CalendarFeed(models.Model):
    """The secret address under which a calendar program reads a technician's jobs. One stands at a time.

    Its token is config.tokens.derived_token("calendar feed", nonce); only the hash is looked up.
    """

    technician = models.ForeignKey(Technician, on_delete=models.CASCADE, related_name="calendar_feeds")
    nonce = models.CharField(max_length=43, unique=True, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    last_read_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["technician"], condition=Q(revoked_at=None), name="calendar_feed_one")
        ]

    def __str__(self):
        return f"Calendar of {self.technician_id}"
