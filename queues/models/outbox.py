"""Messages on their way out."""

from django.db import models
from django.utils import timezone


class OutboxMessage(models.Model):
    """A message on its way out. Committed with what caused it, deleted once it is in Redis."""

    queue = models.CharField(max_length=64)
    body = models.BinaryField()
    message_id = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        verbose_name = "outbox message"

    def __str__(self) -> str:
        return f"{self.queue} {self.message_id}"
