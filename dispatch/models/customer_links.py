"""What a customer sees and says through the link to their job."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from dispatch.models.customers import Customer
from dispatch.models.jobs import Job


class CustomerLink(models.Model):
    """The address under which a customer follows one job. One stands at a time for a job.

    Its token is config.tokens.derived_token("customer link", nonce); only the hash is looked up.
    """

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="customer_links")
    nonce = models.CharField(max_length=43, unique=True, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    first_opened_at = models.DateTimeField(null=True, blank=True)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(fields=["job"], condition=Q(revoked_at=None), name="customer_link_one"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("created_at")), name="customer_link_expires"),
        ]

    def __str__(self):
        return f"Link to {self.job_id}"


class CustomerDelivery(models.Model):
    """One message to a customer by e-mail or text message, and what became of it."""

    class Channel(models.TextChoices):
        EMAIL = "email", "E-mail"
        SMS = "sms", "Text message"

    class State(models.TextChoices):
        QUEUED = "queued"
        SENT = "sent"
        FAILED = "failed"

    class Kind(models.TextChoices):
        COMING = "coming", "Who is coming, and when"
        EN_ROUTE = "en_route", "On the way"
        LATE = "late", "Later than said"
        ANSWER = "answer", "Answer about another time"
        CANCELLED = "off", "Cancelled"
        DONE = "done", "Done; how was it?"

    link = models.ForeignKey(CustomerLink, on_delete=models.CASCADE, related_name="deliveries")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    to = models.CharField(max_length=254)
    state = models.CharField(max_length=6, choices=State.choices, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    once_key = models.CharField(max_length=80)
    # Until when, as it said, somebody comes: whoever comes later is told of once more.
    said_until = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField()
    # Not before; who takes it to send puts this off, so that nobody else takes it meanwhile.
    due_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "customer deliveries"
        ordering = ["-queued_at", "-pk"]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="queued"), name="customer_delivery_due")]
        constraints = [
            models.UniqueConstraint(fields=["link", "channel", "once_key"], name="customer_delivery_once"),
            models.CheckConstraint(condition=Q(state__in=["queued", "sent", "failed"]), name="customer_delivery_state"),
            models.CheckConstraint(condition=Q(channel__in=["email", "sms"]), name="customer_delivery_channel"),
        ]

    def __str__(self):
        return f"{self.kind} by {self.channel}: {self.state}"


class CustomerMessageQuerySet(models.QuerySet):
    def of_present_customer(self):
        """Not what whoever had the job before said: their gate code and their wishes are not this customer's."""
        return self.filter(customer=F("job__customer"))


class CustomerMessage(models.Model):
    """What a customer said through the link. Another time is only a wish until a dispatcher takes it."""

    class Kind(models.TextChoices):
        READY = "ready", "Ready for the visit"
        ACCESS = "access", "How to get in"
        MESSAGE = "message", "Message"
        OTHER_TIME = "other_time", "Asks for another time"

    class Answer(models.TextChoices):
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="customer_messages")
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    text = models.CharField(max_length=1000, blank=True)
    wanted_starts_at = models.DateTimeField(null=True, blank=True)
    wanted_ends_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField()
    answer = models.CharField(max_length=8, choices=Answer.choices, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer_text = models.CharField(max_length=300, blank=True)

    objects = CustomerMessageQuerySet.as_manager()

    class Meta:
        ordering = ["sent_at", "pk"]
        indexes = [
            models.Index(fields=["job", "sent_at"]),
            models.Index(fields=["sent_at"], condition=Q(kind="other_time", answer=""), name="customer_wish_open"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind="other_time", wanted_starts_at__isnull=False, wanted_ends_at__gt=F("wanted_starts_at"))
                | Q(kind__in=["ready", "access", "message"], wanted_starts_at=None, wanted_ends_at=None),
                name="customer_message_kind",
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["ready", "other_time"]) | ~Q(text=""), name="customer_message_has_text"
            ),
        ]

    def __str__(self):
        return self.text or self.get_kind_display()


class Rating(models.Model):
    """How the customer found the visit, from 1 to 5; may be changed while the link works."""

    job = models.OneToOneField(Job, on_delete=models.CASCADE, related_name="rating")
    stars = models.PositiveSmallIntegerField()
    comment = models.CharField(max_length=1000, blank=True)
    rated_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(stars__range=(1, 5)), name="rating_stars")]

    def __str__(self):
        return f"{self.stars} of 5"
