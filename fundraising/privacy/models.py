"""What was erased, without a word of what it was."""

from typing import ClassVar

from django.db import models
from django.utils import timezone


class Erasure(models.Model):
    """The personal data of a contact was erased: when, by whom, why, and of how many rows."""

    contact = models.ForeignKey("crm.Contact", on_delete=models.PROTECT, related_name="erasures")
    at = models.DateTimeField(default=timezone.now, help_text="UTC")
    by = models.CharField(max_length=255, help_text="name of the account")
    reason = models.CharField(max_length=255)
    counts = models.JSONField(default=dict, help_text="rows by table")

    class Meta:
        ordering: ClassVar = ["-at", "-id"]
        permissions: ClassVar = [
            ("erase_contact", "Can erase the personal data of a contact"),
        ]

    def __str__(self) -> str:
        return f"erasure of contact {self.contact_id}"
