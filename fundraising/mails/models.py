"""The mails to donors: what is to be sent, and what became of it."""

import hashlib
from email.utils import parseaddr
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone

from queues.models import FromMessage


class OutgoingMail(FromMessage):
    """A mail to a donor, once for each cause. What it says is made when it is sent, not stored."""

    class Status(models.TextChoices):
        WAITING = "waiting", "to be sent"
        SENT = "sent", "sent"
        FAILED = "failed", "needs a person"
        WITHHELD = "withheld", "not sent"

    template = models.CharField(max_length=64)
    key = models.CharField(max_length=128, help_text="what it is sent for, such as a message_id")
    contact = models.ForeignKey("crm.Contact", on_delete=models.CASCADE, related_name="mails")
    recipient = models.EmailField(max_length=254, blank=True)
    language = models.CharField(max_length=16, blank=True, help_text="such as es_MX")
    context = models.JSONField(default=dict, help_text="what the template needs to know")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveIntegerField(default=0, help_text="how often sending it failed")
    next_try_at = models.DateTimeField(default=timezone.now)
    error = models.CharField(max_length=255, blank=True, help_text="why it was not sent")
    created_at = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "mail"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["template", "key"], name="mail_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["next_try_at"], name="mail_due", condition=models.Q(status="waiting")
            ),
        ]
        permissions: ClassVar = [("resend_outgoingmail", "Can send a failed mail again")]

    def __str__(self) -> str:
        return f"{self.template} {self.pk}"

    @property
    def header_id(self) -> str:
        """The Message-ID header, the same at each try, so that a mail system can see a repeat."""
        cause = hashlib.sha256(f"{self.template}\0{self.key}".encode()).hexdigest()[:32]
        domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2]
        return f"<{cause}@{domain}>"
