from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from dispatch.models.jobs import Job
from technicians.models import Technician


class BillingSettings(models.Model):
    """One row (id 1)."""

    labour_rate = models.DecimalField(
        "labour rate per hour", max_digits=8, decimal_places=2, default=Decimal(95), validators=[MinValueValidator(0)]
    )
    currency = models.CharField(
        max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}\Z", "Three capital letters, as in USD.")]
    )
    tax_rate = models.DecimalField(
        "tax rate (%)",
        max_digits=5,
        decimal_places=2,
        default=0,
        validators=[MinValueValidator(0), MaxValueValidator(100)],
    )

    class Meta:
        verbose_name_plural = "billing settings"
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="billing_settings_one_row"),
            models.CheckConstraint(condition=Q(labour_rate__gte=0), name="billing_labour_rate"),
            models.CheckConstraint(condition=Q(tax_rate__range=(0, 100)), name="billing_tax_rate"),
        ]

    def __str__(self):
        return "Billing settings"

    @classmethod
    def load(cls) -> "BillingSettings":
        return cls.objects.get_or_create(pk=1)[0]


class BillingRecord(models.Model):
    """What a completed job earned, at the rates of that day. Before tax; in the currency of that day."""

    job = models.OneToOneField(Job, on_delete=models.PROTECT, related_name="billing")
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, related_name="+")
    completed_at = models.DateTimeField()
    worked_minutes = models.PositiveIntegerField()
    revenue = models.DecimalField(max_digits=10, decimal_places=2)
    commission_rate = models.DecimalField(max_digits=5, decimal_places=2)
    commission = models.DecimalField(max_digits=10, decimal_places=2)
    tax_rate = models.DecimalField(max_digits=5, decimal_places=2)
    currency = models.CharField(max_length=3)

    class Meta:
        permissions = [("view_financial_report", "Can see financial reports")]
        indexes = [models.Index(fields=["completed_at", "technician"])]
        constraints = [
            models.CheckConstraint(condition=Q(revenue__gte=0, commission__gte=0), name="billing_record_not_negative")
        ]

    def __str__(self):
        return f"{self.job_id} {self.revenue} {self.currency}"
