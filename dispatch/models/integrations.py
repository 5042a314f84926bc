"""Other systems: who may call us, whom we call, what we read from files and look up."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from dispatch.models.customers import Site
from dispatch.models.jobs import Job


class ApiToken(models.Model):
    """Lets a program act as a user, within its scopes. Only the token's hash is kept; `hint` tells two apart."""

    name = models.CharField(max_length=80)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(max_length=8, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    expires_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="api_token_has_name")]

    def __str__(self):
        return self.name


class IdempotencyKey(models.Model):
    """What was answered to a request that a program may send again. Without a status it is still being worked on."""

    token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict)
    body = models.TextField(blank=True)
    created_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token", "key"], name="idempotency_key_once")]

    def __str__(self):
        return self.key


class WebhookEndpoint(models.Model):
    """An address that is told of events. Its secret is config.tokens.derived_token("webhook", nonce).

    After a roll the earlier secret signs as well for a day. Since `failing_since` nothing was taken; until
    `rests_until` nothing is sent.
    """

    url = models.URLField(max_length=500)
    description = models.CharField(max_length=120, blank=True)
    nonce = models.CharField(max_length=43, unique=True, editable=False)
    earlier_nonce = models.CharField(max_length=43, blank=True, editable=False)
    rolled_at = models.DateTimeField(null=True, blank=True, editable=False)
    kinds = models.JSONField(default=list, help_text="Which events; none: all of them.")
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    rests_until = models.DateTimeField(null=True, blank=True, editable=False)
    stopped_at = models.DateTimeField(null=True, blank=True, help_text="Given up on after failing for days.")

    class Meta:
        ordering = ["url"]

    def __str__(self):
        return self.url


class WebhookEvent(models.Model):
    """Something that happened, as it is told. Written in the transaction in which it happens."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    kind = models.CharField(max_length=40)
    job = models.ForeignKey(Job, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    content = models.JSONField()
    happened_at = models.DateTimeField(db_index=True)

    class Meta:
        ordering = ["-happened_at", "pk"]

    def __str__(self):
        return self.kind


class WebhookDelivery(models.Model):
    """One event for one address."""

    class State(models.TextChoices):
        QUEUED = "queued"
        DELIVERED = "delivered"
        FAILED = "failed"

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Not before; who takes it to send puts this off, so that nobody else takes it meanwhile.
    due_at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "webhook deliveries"
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(state="queued"), name="webhook_delivery_due"),
            models.Index(fields=["endpoint", "-id"]),
        ]
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="webhook_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=["queued", "delivered", "failed"]), name="webhook_state"),
        ]

    def __str__(self):
        return f"{self.event_id} to {self.endpoint_id}: {self.state}"


class WebhookAttempt(models.Model):
    """One try; the log that people read."""

    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.CASCADE, related_name="log")
    tried_at = models.DateTimeField()
    took_ms = models.PositiveIntegerField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text="How the answer began.")

    class Meta:
        ordering = ["tried_at", "pk"]

    def __str__(self):
        return f"{self.tried_at:%Y-%m-%d %H:%M:%S} {self.status or self.error}"


UPLOADS = "imports"  # the folder of the files


def path_of_import(instance, filename: str) -> str:
    return f"{UPLOADS}/{uuid.uuid4()}.csv"


class FileImport(models.Model):
    """A file that somebody imports in the browser: uploaded, columns chosen, tried without writing, then done."""

    class Kind(models.TextChoices):
        CUSTOMERS = "customers", "Customers and sites"
        JOBS = "jobs", "Jobs"
        TECHNICIANS = "technicians", "Technicians"
        MAINTENANCE = "maintenance", "Maintenance plans"

    class State(models.TextChoices):
        UPLOADED = "uploaded"
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        STOPPED = "stopped"
        FAILED = "failed"

    UNFINISHED = (State.QUEUED, State.RUNNING)

    kind = models.CharField(max_length=11, choices=Kind.choices)
    file = models.FileField(upload_to=path_of_import, max_length=200)
    file_name = models.CharField(max_length=120)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    mapping = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=State.choices, default=State.UPLOADED)
    is_dry_run = models.BooleanField(default=True)
    is_cancel_asked = models.BooleanField(default=False)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    summary = models.JSONField(default=dict)
    report = models.JSONField(default=list, help_text="The rows that were not taken: line, reason, what they held.")
    error = models.CharField(max_length=300, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0, help_text="Workers that have begun with it.")
    started_at = models.DateTimeField(null=True, blank=True)
    seen_alive_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-uploaded_at", "-pk"]

    def __str__(self):
        return self.file_name

    @property
    def done_percent(self) -> int:
        return min(100, 100 * self.rows_done // max(1, self.rows_total))

    @property
    def rejected(self) -> int:
        return self.summary.get("rejected", 0)

    @property
    def would_change(self) -> bool:
        return bool(self.summary.get("created") or self.summary.get("updated"))


class Geocoding(models.Model):
    """Looking up where an address is: once for each site and address; several answers wait for a person."""

    class State(models.TextChoices):
        QUEUED = "queued"
        FOUND = "found"
        AMBIGUOUS = "ambiguous", "Several places: somebody must choose"
        NOT_FOUND = "not_found"
        FAILED = "failed"
        DISMISSED = "dismissed"

    site = models.OneToOneField(Site, on_delete=models.CASCADE, related_name="geocoding")
    address = models.CharField(max_length=200, help_text="As it was asked for.")
    state = models.CharField(max_length=9, choices=State.choices, default=State.QUEUED)
    candidates = models.JSONField(default=list, help_text="[{label, latitude, longitude}], the best first.")
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    due_at = models.DateTimeField()
    answered_at = models.DateTimeField(null=True, blank=True)
    chosen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["asked_at"]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="queued"), name="geocoding_due")]

    def __str__(self):
        return f"{self.address}: {self.state}"


class KnownAddress(models.Model):
    """What a provider answered for an address, so that it is not asked twice."""

    provider = models.CharField(max_length=40)
    address = models.CharField(max_length=200, help_text="In lower case, without needless spaces.")
    candidates = models.JSONField()
    looked_up_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "known addresses"
        constraints = [models.UniqueConstraint(fields=["provider", "address"], name="known_address_once")]

    def __str__(self):
        return self.address
