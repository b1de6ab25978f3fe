"""What payment processors told us of."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from queues.models import FromMessage


class ProcessorEvent(FromMessage):
    """One thing that a processor told, and that was pushed on to the queue it belongs to.

    Processors tell the same thing again, in other words and at other times. The unique
    ``event_id`` says that it was pushed on already; it is also the message_id it was pushed
    with.
    """

    event_id = models.CharField("event", max_length=64)
    queue = models.CharField(max_length=64, help_text="to which it was pushed on")
    gateway = models.CharField(max_length=64)
    order_id = models.CharField(max_length=255, blank=True)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    created_at = models.DateTimeField("pushed on", default=timezone.now, editable=False)

    class Meta:
        verbose_name = "event of a processor"
        verbose_name_plural = "events of processors"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event_id"], name="processor_event_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["created_at"]),
            models.Index(fields=["order_id", "gateway"]),
            models.Index(fields=["gateway_txn_id", "gateway"]),
        ]

    def __str__(self) -> str:
        return self.event_id
