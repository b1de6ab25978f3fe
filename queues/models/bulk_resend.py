"""Many damaged messages sent again at a set rate."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from queues.models.damaged import DamagedMessage


class BulkResend(models.Model):
    """Many damaged messages sent again at a set rate: the plan, the run and its report."""

    class Status(models.TextChoices):
        PLANNED = "planned", "planned"
        RUNNING = "running", "running"
        DONE = "done", "done"
        CANCELLED = "cancelled", "cancelled"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PLANNED)
    selection = models.CharField(max_length=255, help_text="which messages were meant")
    reason = models.CharField(max_length=255, blank=True)
    per_second = models.PositiveIntegerField("rate", default=10, help_text="messages a second")
    created_at = models.DateTimeField("planned at", default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name="planned by",
        on_delete=models.PROTECT,
        related_name="+",
    )
    started_at = models.DateTimeField(null=True, blank=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    stepped_at = models.DateTimeField(null=True, blank=True, help_text="up to when it has sent")
    ended_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = "bulk resend"
        ordering: ClassVar = ["-created_at", "-id"]

    def __str__(self) -> str:
        return f"bulk resend {self.pk}"


class BulkResendItem(models.Model):
    """One message of a bulk resend."""

    bulk_resend = models.ForeignKey(BulkResend, on_delete=models.CASCADE, related_name="items")
    damaged_message = models.ForeignKey(
        DamagedMessage, on_delete=models.CASCADE, related_name="bulk_resends"
    )
    fault = models.CharField(
        max_length=255, blank=True, help_text="why it could not be sent when planned"
    )
    resent_at = models.DateTimeField(null=True)
    skipped = models.CharField(max_length=255, blank=True, help_text="why it was not sent")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["bulk_resend", "damaged_message"], name="bulk_resend_message_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.bulk_resend_id}/{self.damaged_message_id}"
