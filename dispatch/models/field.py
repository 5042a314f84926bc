"""What technicians bring back from the field: taps, pictures, checks, materials."""

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q

from dispatch.models.history import AppendOnlyModel
from dispatch.models.jobs import Job, JobType
from technicians.models import Technician, coordinates_check


class Tap(AppendOnlyModel):
    """What a phone sent and what became of it. The key is the phone's own id: sent twice, it counts once.

    `tapped_at` is what the phone's clock said, `happened_at` what we take it to be (never in the future), `received_at`
    when we learned of it.
    """

    class Kind(models.TextChoices):
        STEP = "step", "Status"
        NOTE = "note", "Note"
        CHECK = "check", "Checklist"
        MATERIAL = "material", "Material"
        PHOTO = "photo", "Photo"
        SIGNATURE = "signature", "Signature"
        DUTY = "duty", "Shift or break"
        LATE = "late", "Running late"
        SICK = "sick", "Called out sick"

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        KEPT = "kept", "Kept as a note for the dispatcher"
        REFUSED = "refused", "Refused"

    id = models.UUIDField(primary_key=True)
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, related_name="taps")
    job = models.ForeignKey(Job, on_delete=models.PROTECT, null=True, blank=True, related_name="taps")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    content = models.JSONField(default=dict)
    tapped_at = models.DateTimeField()
    happened_at = models.DateTimeField()
    received_at = models.DateTimeField()
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)
    accuracy_m = models.FloatField(null=True, blank=True)
    outcome = models.CharField(max_length=7, choices=Outcome.choices)
    answer = models.CharField(max_length=300, blank=True, help_text="What the phone was told, in a sentence.")

    class Meta:
        ordering = ["received_at", "pk"]
        indexes = [
            models.Index(fields=["technician", "-received_at"]),
            models.Index(fields=["job", "received_at"]),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(outcome__in=["done", "kept", "refused"]), name="tap_outcome"),
            models.CheckConstraint(condition=coordinates_check(), name="tap_on_globe"),
        ]

    def __str__(self):
        return f"{self.kind} {self.tapped_at:%Y-%m-%d %H:%M}"


def path_of_picture(instance, filename: str) -> str:
    """Nothing of the name that the phone gave."""
    return f"jobs/{instance.job_id}/{instance.pk}.{'png' if instance.kind == 'signature' else 'jpg'}"


def path_of_thumbnail(instance, filename: str) -> str:
    return f"jobs/{instance.job_id}/{instance.pk}-small.jpg"


class Picture(models.Model):
    """A photo or a signature on a job, made anew from what was sent. The key is the phone's own id.

    `name` is a photo's caption or who signed. The place is of the photo's own metadata and only kept where the settings
    want it.
    """

    class Kind(models.TextChoices):
        PHOTO = "photo"
        SIGNATURE = "signature"

    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="pictures")
    kind = models.CharField(max_length=9, choices=Kind.choices)
    file = models.ImageField(upload_to=path_of_picture, width_field="width", height_field="height", max_length=200)
    thumbnail = models.FileField(upload_to=path_of_thumbnail, max_length=200, blank=True)
    width = models.PositiveIntegerField(editable=False)
    height = models.PositiveIntegerField(editable=False)
    size_bytes = models.PositiveIntegerField(editable=False)
    name = models.CharField(max_length=120, blank=True)
    taken_at = models.DateTimeField()
    received_at = models.DateTimeField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    latitude = models.FloatField(null=True, blank=True)
    longitude = models.FloatField(null=True, blank=True)

    class Meta:
        ordering = ["taken_at", "pk"]
        indexes = [models.Index(fields=["job", "taken_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=["photo", "signature"]), name="picture_kind"),
            models.CheckConstraint(condition=coordinates_check(), name="picture_on_globe"),
            models.CheckConstraint(condition=Q(kind="photo") | ~Q(name=""), name="picture_signature_has_name"),
        ]

    def __str__(self):
        return self.name or f"{self.get_kind_display()} of {self.taken_at:%Y-%m-%d %H:%M}"


class ChecklistItem(models.Model):
    """Something to check on every job of a type, in the order of `position`."""

    job_type = models.ForeignKey(JobType, on_delete=models.CASCADE, related_name="checklist")
    position = models.PositiveSmallIntegerField(default=0)
    text = models.CharField(max_length=200)
    is_required = models.BooleanField("must be checked before completing", default=False)

    class Meta:
        ordering = ["position", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["job_type", "text"], name="checklist_item_once"),
            models.CheckConstraint(condition=~Q(text=""), name="checklist_item_has_text"),
        ]

    def __str__(self):
        return self.text


class Check(models.Model):
    """Whether an item is checked on a job, as it was said last. `text` stays when the item is reworded or deleted."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="checks")
    item = models.ForeignKey(ChecklistItem, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    text = models.CharField(max_length=200)
    is_done = models.BooleanField()
    checked_at = models.DateTimeField()
    checked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["job", "item"], name="check_once")]

    def __str__(self):
        return f"{'✓' if self.is_done else '○'} {self.text}"


class Material(models.Model):
    """What technicians use up, to choose from; what is not in the list can be named by hand."""

    name = models.CharField(max_length=120, unique=True)
    unit = models.CharField(max_length=20, default="pcs")
    part_number = models.CharField(max_length=60, blank=True)
    is_active = models.BooleanField("active", default=True)

    class Meta:
        ordering = ["name"]
        constraints = [models.CheckConstraint(condition=~Q(name=""), name="material_has_name")]

    def __str__(self):
        return self.name


class MaterialUse(models.Model):
    """So much of something was used on a job. Taken back, it stays to be seen. The key is the phone's own id."""

    id = models.UUIDField(primary_key=True)
    job = models.ForeignKey(Job, on_delete=models.PROTECT, related_name="material_uses")
    material = models.ForeignKey(Material, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=120)
    unit = models.CharField(max_length=20, blank=True)
    quantity = models.DecimalField(max_digits=9, decimal_places=2, validators=[MinValueValidator(0)])
    used_at = models.DateTimeField()
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["used_at", "pk"]
        indexes = [models.Index(fields=["job", "used_at"])]
        constraints = [
            models.CheckConstraint(condition=Q(quantity__gt=0), name="material_use_some"),
            models.CheckConstraint(condition=~Q(name=""), name="material_use_has_name"),
        ]

    def __str__(self):
        return " ".join(filter(None, (f"{self.quantity.normalize():f}", self.unit, self.name)))


class RunningLate(AppendOnlyModel):
    """A technician said that they come later. The newest of a job counts: not before `arrives_at`."""

    job = models.ForeignKey(Job, on_delete=models.CASCADE, related_name="late_notices")
    technician = models.ForeignKey(Technician, on_delete=models.PROTECT, related_name="+")
    minutes = models.PositiveSmallIntegerField()
    arrives_at = models.DateTimeField()
    said_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-said_at", "-pk"]
        indexes = [models.Index(fields=["job", "-said_at"])]
        constraints = [models.CheckConstraint(condition=Q(minutes__range=(1, 480)), name="running_late_minutes")]

    def __str__(self):
        return f"{self.job_id} +{self.minutes} min"
