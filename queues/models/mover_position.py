"""Where movers are, on the side of this database."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class MoverPosition(models.Model):
    """How far a mover is that moves into the outbox here. Committed with what it moved."""

    source = models.CharField(max_length=255, help_text="identity of the source's queue")
    queue = models.CharField(max_length=255, help_text="the source's queue")
    consumer = models.CharField(max_length=255)
    position = models.CharField(
        max_length=255, blank=True, help_text="of the last batch, in the source's words"
    )
    moved_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "queue", "consumer"], name="mover_position_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} from {self.queue}"


class OutboxPassage(models.Model):
    """How far a mover is that moves out of the outbox here, and what it has in hand.

    A batch is a list of rows, not a range: a row may be committed after others with higher
    numbers.
    """

    queue = models.CharField(max_length=64)
    consumer = models.CharField(max_length=255)
    identity = models.CharField(max_length=32)
    is_registered = models.BooleanField(default=False)
    position = models.CharField(max_length=255, help_text="of the last batch that was finished")
    in_hand = models.JSONField(default=list, help_text="the rows of the batch in hand")
    reached = models.CharField(
        max_length=255, blank=True, help_text="the position after the batch in hand"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["queue", "consumer"], name="outbox_passage_once"),
        ]

    def __str__(self) -> str:
        return f"{self.consumer} from {self.queue}"
