from typing import Final

from django.conf import settings
from django.db import models
from django.db.models import Q

from sla.models.policies import BusinessCalendar, SLAPolicy

SCOPE: Final = ("policy", "calendar", "customer", "job_type")


def at_most_one(names: tuple[str, ...]) -> Q:
    """Of these nullable fields."""
    allowed = Q()
    for name in names:
        allowed |= Q(**dict.fromkeys((other for other in names if other != name), None))
    return allowed


class ClockRecalculation(models.Model):
    """Open jobs are given the deadlines that a new job would get now, by a worker.

    Those of one policy, calendar, customer or job type, or of none of them: all.
    """

    class State(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    policy = models.ForeignKey(SLAPolicy, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    calendar = models.ForeignKey(BusinessCalendar, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    customer = models.ForeignKey("dispatch.Customer", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    job_type = models.ForeignKey("dispatch.JobType", on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    asked_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    seen_at = models.DateTimeField(null=True, blank=True)  # when the worker last said how far it is
    last_job = models.PositiveBigIntegerField(default=0)  # jobs up to this id are done: whoever goes on begins there
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)  # jobs with another deadline than before
    breached = models.PositiveIntegerField(default=0)  # targets that were found to be broken by it
    finished_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=at_most_one(SCOPE),
                name="clock_recalculation_one_scope",
                violation_error_message="Choose one policy, calendar, customer or job type at most.",
            ),
        ]

    def __str__(self):
        return self.scope_text

    @property
    def scope(self):
        """The policy, calendar, customer or job type; none: all open jobs."""
        return next((thing for name in SCOPE if (thing := getattr(self, name))), None)

    @property
    def scope_text(self) -> str:
        thing = self.scope
        return f"{thing._meta.verbose_name} “{thing}”" if thing else "all open jobs"

    @property
    def result_text(self) -> str:
        """“1,204 jobs, 310 with other deadlines, 4 breached”"""
        jobs = f"{self.done:,} job{'' if self.done == 1 else 's'}"
        return f"{jobs}, {self.changed:,} with other deadlines, {self.breached:,} breached"

    @property
    def is_unfinished(self) -> bool:
        return self.state in (self.State.WAITING, self.State.RUNNING)

    @property
    def done_percent(self) -> int:
        """99 at most before it is done: jobs may come and go meanwhile."""
        if self.state == self.State.DONE:
            return 100
        return min(99, 100 * self.done // self.total) if self.total else 0
