"""What the database remembers of sequences that are kept in Redis."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class SequenceGuard(models.Model):
    """How far the counter of a sequence was when it was last looked at.

    Redis may forget: a crash, or a replica that was behind when it took over. This does not.
    """

    name = models.CharField(max_length=64, primary_key=True)
    counter = models.BigIntegerField(help_text="the greatest that was ever seen")
    server = models.CharField(
        max_length=96, help_text="which server had it: its run_id and replication id"
    )
    behind = models.BigIntegerField(default=0, help_text="how far below numbers in use it was")
    checked_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "sequence guard"

    def __str__(self) -> str:
        return self.name


class SequenceNumber(models.Model):
    """A number that we took ourselves, in the transaction that uses it: nobody takes it again."""

    name = models.CharField(max_length=64)
    number = models.BigIntegerField()
    taken_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = "sequence number"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["name", "number"], name="sequence_number_once"),
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"
