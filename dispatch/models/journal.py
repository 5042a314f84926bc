from django.conf import settings
from django.db import models
from django.db.models import Q

from dispatch.models.jobs import Job
from zones import access


class BoardActionQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Those of which the user may see every job: half an action could not be judged, nor undone."""
        zone_ids = access.dispatch_zone_ids(user)
        if zone_ids is access.ALL_ZONES:
            return self
        hidden = ChangedJob.objects.exclude(Q(job__zone__in=zone_ids) | Q(job__zone=None))
        return self.exclude(pk__in=hidden.values("action"))

    def not_undone(self):
        return self.filter(undone_by=None)

    def newest_first(self):
        return self.order_by("-pk")


class BoardAction(models.Model):
    """What somebody did on the board, in a sentence; `changed_jobs` hold what it takes to undo it.

    An undo is a board action too: `undoes` is the one that it took back, and to undo the undo is to do it again.
    `is_undo` is False for that doing again.
    """

    label = models.CharField(max_length=200)
    done_at = models.DateTimeField()
    done_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="board_actions")
    undoes = models.OneToOneField(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="undone_by", editable=False
    )
    is_undo = models.BooleanField(default=False)

    objects = BoardActionQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["done_by", "-id"]), models.Index(fields=["done_at"])]
        constraints = [models.CheckConstraint(condition=~Q(label=""), name="board_action_has_label")]

    def __str__(self):
        return self.label


class ChangedJob(models.Model):
    """One job's fields before and after a board action: only those that it changed, as JSON can say them."""

    action = models.ForeignKey(BoardAction, on_delete=models.CASCADE, related_name="changed_jobs")
    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="+")
    before = models.JSONField()
    after = models.JSONField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["action", "job"], name="changed_job_once")]

    def __str__(self):
        return f"{self.action_id} {self.job_id}"
