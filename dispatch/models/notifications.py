from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from dispatch.models.jobs import Job


class NotificationQuerySet(models.QuerySet):
    def shown_to(self, user):
        """What the bell and the list have: the user's own, of the kinds that they want in the app."""
        return self.filter(recipient=user, is_in_app=True)

    def unread(self):
        return self.filter(read_at=None)

    def about(self, job: Job):
        return self.filter(
            Q(job=job) | Q(pk__in=Notification.jobs.through.objects.filter(job=job).values("notification"))
        )


class Notification(models.Model):
    """What somebody is told. `Delivery` rows say what became of it on the channels outside the app."""

    class Kind(models.TextChoices):
        ASSIGNED = "assigned", "A job is assigned to me"
        UNASSIGNED = "unassigned", "A job is taken from me"
        CHANGED = "changed", "A job of mine has changed"
        CANCELLED = "cancelled", "A job of mine is cancelled"
        DAY_REORDERED = "day_reordered", "My day has a new order"
        DAY_SENT = "day_sent", "The office sends me my day"
        URGENT_UNASSIGNED = "urgent_unassigned", "An urgent job has nobody"
        SUGGESTION_WAITING = "suggestion_waiting", "A suggestion waits for me"
        NOBODY_ELIGIBLE = "nobody_eligible", "Smart dispatch finds nobody for a job"
        PHONE_SILENT = "phone_silent", "A technician's phone is silent"
        STUCK = "stuck", "A technician does not get nearer"
        PLAN_READY = "plan_ready", "A plan that I asked for is ready"
        SLA_AT_RISK = "sla_at_risk", "An SLA target is at risk"
        SLA_BREACHED = "sla_breached", "An SLA target is breached"
        SLA_REPORT = "sla_report", "SLA compliance of the week"
        FIELD_CONFLICT = "field_conflict", "A phone reports what no longer fits"
        RUNNING_LATE = "running_late", "A technician says that they run late"
        CALLED_SICK = "called_sick", "A technician calls out sick"
        CUSTOMER_WROTE = "customer_wrote", "A customer writes about a job"
        OTHER_TIME = "other_time", "A customer asks for another time"
        ADDRESS_UNCLEAR = "address_unclear", "An address has several places"
        IMPORT_DONE = "import_done", "An import that I started is done"
        WEBHOOK_STOPPED = "webhook_stopped", "A webhook has stopped working"

    recipient = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications")
    kind = models.CharField(max_length=30)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, blank=True, related_name="notifications")
    jobs = models.ManyToManyField(Job, related_name="+", blank=True, help_text="If it is about several.")
    text = models.CharField(max_length=300)
    url = models.CharField(max_length=200, blank=True, help_text="Where it leads, if not to the job.")
    # Told once: the same key for the same person is not written again.
    once_key = models.CharField(max_length=80, blank=True)
    is_in_app = models.BooleanField(default=True)
    created_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-pk"]
        indexes = [
            models.Index(fields=["recipient", "-created_at"]),
            models.Index(fields=["recipient"], condition=Q(read_at=None), name="notification_unread"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "once_key"], condition=~Q(once_key=""), name="notification_once"
            )
        ]

    def __str__(self):
        return self.text


class NotificationPreference(models.Model):
    """One answer that differs from the default of dispatch/notices/notify.py."""

    class Channel(models.TextChoices):
        IN_APP = "in_app", "In the app"
        PUSH = "push", "On the device (push)"
        EMAIL = "email", "By e-mail"

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notification_preferences"
    )
    kind = models.CharField(max_length=30, choices=Notification.Kind.choices)
    channel = models.CharField(max_length=6, choices=Channel.choices)
    is_on = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "channel"], name="notification_preference_once"),
            models.CheckConstraint(
                condition=Q(channel__in=["in_app", "push", "email"]), name="notification_preference_channel"
            ),
        ]

    def __str__(self):
        return f"{self.kind} {self.channel}: {self.is_on}"


class PushSubscription(models.Model):
    """A browser that takes Web Push (RFC 8030); keys as the browser gives them, URL-safe base64."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="push_subscriptions")
    endpoint = models.URLField(max_length=600, unique=True)
    p256dh = models.CharField(max_length=120)
    auth = models.CharField(max_length=40)
    device = models.CharField(max_length=120, blank=True, help_text="The browser, as it calls itself.")
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self):
        return f"{self.user_id} {self.device}"


class Delivery(models.Model):
    """One notification on one channel outside the app."""

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"
        GONE = "gone", "Gone: the browser no longer takes it"

    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.CharField(max_length=6, choices=NotificationPreference.Channel.choices)
    # Without a constraint: a browser that unsubscribes in this very moment must not undo what somebody is told of.
    subscription = models.ForeignKey(
        PushSubscription, on_delete=models.SET_NULL, null=True, blank=True, db_constraint=False
    )
    state = models.CharField(max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    # Not before; who takes it to send puts this off, so that nobody else takes it meanwhile.
    due_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = [models.Index(fields=["due_at"], condition=Q(state="queued"), name="delivery_due")]
        constraints = [
            models.UniqueConstraint(fields=["notification", "subscription"], name="delivery_push_once"),
            models.UniqueConstraint(fields=["notification"], condition=Q(channel="email"), name="delivery_email_once"),
            models.CheckConstraint(condition=Q(state__in=["queued", "sent", "failed", "gone"]), name="delivery_state"),
        ]

    def __str__(self):
        return f"{self.notification_id} {self.channel}: {self.state}"
