"""What rows keep of the messages that wrote them, and which messages had their effect."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class FromMessage(models.Model):
    """A row that a message wrote; the inbox mark of the message tells where it came from."""

    message_id = models.CharField(
        "message",
        max_length=64,
        blank=True,
        editable=False,
        help_text="message_id (or SHA-256 of the bytes) of the message that wrote it last",
    )

    class Meta:
        abstract = True


class InboxMark(models.Model):
    """A message that had its effect. Committed with the effect, so that a redelivery has none."""

    queue = models.CharField(max_length=64)
    key = models.CharField(max_length=64, help_text="message_id, or the SHA-256 of the bytes")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the bytes")
    first_hop = models.JSONField(default=dict, help_text="who pushed it first")
    last_hop = models.JSONField(default=dict, help_text="who pushed it onto our list")
    received_at = models.DateTimeField(
        default=timezone.now, help_text="when it was taken off its list, UTC"
    )
    imported_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "key"], name="inbox_queue_key"),
        ]

    def __str__(self) -> str:
        return f"{self.queue} {self.key}"
