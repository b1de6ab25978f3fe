"""Messages that could not be imported, and what became of them."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class DamagedMessage(models.Model):
    """A message that could not be imported: its bytes, the error, and what became of it."""

    class Status(models.TextChoices):
        DAMAGED = "damaged", "needs a person"
        WAITING = "waiting", "waits for its retry"
        RESENT = "resent", "sent again"
        DISCARDED = "discarded", "discarded"

    status = models.CharField(max_length=16, choices=Status.choices, default=Status.DAMAGED)
    original_queue = models.CharField(max_length=64)
    original_date = models.DateTimeField(help_text="when the message was first pushed, UTC")
    damaged_date = models.DateTimeField(default=timezone.now, help_text="when it last failed, UTC")
    retry_at = models.DateTimeField(null=True, blank=True, help_text="when it is tried again, UTC")
    attempts = models.PositiveIntegerField(default=1, help_text="how often it failed")
    message_id = models.CharField(max_length=64, help_text="message_id, or SHA-256 of the bytes")
    gateway = models.CharField(max_length=255, blank=True)
    order_id = models.CharField(max_length=255, blank=True)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    email = models.CharField(max_length=255, blank=True)
    code = models.CharField(max_length=64, help_text="the domain's name of the fault")
    field = models.CharField("field at fault", max_length=128, blank=True)
    error = models.TextField()
    trace = models.TextField(blank=True)
    fingerprint = models.CharField(max_length=16, help_text="equal for equal reasons")
    message = models.BinaryField(help_text="the bytes, verbatim")

    class Meta:
        verbose_name = "damaged message"
        ordering: ClassVar = ["-damaged_date", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["status", "retry_at"]),
            models.Index(fields=["original_queue", "status"]),
            models.Index(fields=["fingerprint", "status"]),
            models.Index(fields=["message_id", "original_queue"]),
            models.Index(fields=["order_id", "gateway"]),
            models.Index(fields=["gateway_txn_id", "gateway"]),
            models.Index(fields=["email"]),
            models.Index(fields=["original_date"]),
        ]
        permissions: ClassVar = [
            ("resend_damagedmessage", "Can send a damaged message again"),
            ("discard_damagedmessage", "Can discard a damaged message"),
            ("reveal_damagedmessage", "Can see the personal data of a damaged message"),
        ]

    def __str__(self) -> str:
        return f"{self.original_queue} {self.message_id}"

    @property
    def body(self) -> bytes:
        """The bytes, whatever type the database driver gives them."""
        return bytes(self.message)


class DamagedMessageEvent(models.Model):
    """One thing that happened to a damaged message: who did what, why, before and after."""

    class Action(models.TextChoices):
        FAILED = "failed", "failed"
        EDITED = "edited", "edited"
        RESENT = "resent", "sent again"
        RETRIED = "retried", "retried by schedule"
        DISCARDED = "discarded", "discarded"
        REVEALED = "revealed", "personal data seen"

    damaged_message = models.ForeignKey(
        DamagedMessage, on_delete=models.CASCADE, related_name="events"
    )
    action = models.CharField(max_length=16, choices=Action.choices)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=255, blank=True)
    before = models.BinaryField(null=True)
    after = models.BinaryField(null=True)

    class Meta:
        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        return f"{self.get_action_display()} {self.at:%Y-%m-%d %H:%M:%S}"
