"""Notes on a contact's record."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from queues.models import FromMessage


class Activity(FromMessage):
    """Something that happened to a contact, besides contributions."""

    class Type(models.TextChoices):
        CONTACT_REFERRAL = "Contact referral", "Contact referral"
        RECURRING_RETRY_SUCCESS = (
            "Recurring Processor Retry - Success",
            "Recurring Processor Retry - Success",
        )
        RECURRING_RETRY_START = (
            "Recurring Processor Retry - Start",
            "Recurring Processor Retry - Start",
        )
        RECURRING_FAILURE = "Recurring Failure", "Recurring Failure"
        CANCEL_RECURRING = "Cancel Recurring Contribution", "Cancel Recurring Contribution"
        REFUND = "Refund", "Refund"
        RECURRING_UPGRADE = "Recurring Upgrade", "Recurring Upgrade"
        RECURRING_UPGRADE_DECLINE = "Recurring Upgrade Decline", "Recurring Upgrade Decline"
        RECURRING_DOWNGRADE = "Recurring Downgrade", "Recurring Downgrade"
        RECURRING_PAUSED = "Recurring Paused", "Recurring Paused"
        RECURRING_ANNUAL = "Recurring Annual Conversion", "Recurring Annual Conversion"
        RECURRING_EXTERNAL = (
            "External Recurring Modification",
            "External Recurring Modification",
        )
        OPT_IN = "OptIn", "Opt in"
        UNSUBSCRIBE = "unsubscribe", "Unsubscribe"
        EMAIL_PREFERENCES = "Email Preference Center", "Email Preference Center"
        VERIFY_EMAIL = "Verify Email And Set As Primary", "Verify Email And Set As Primary"
        DOUBLE_OPT_IN = "Double Opt-In", "Double Opt-In"
        LEAD_GENERATION = "Lead Generation Signup", "Lead Generation Signup"

    contact = models.ForeignKey("crm.Contact", on_delete=models.CASCADE, related_name="activities")
    source_contact = models.ForeignKey(
        "crm.Contact", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    activity_type = models.CharField(max_length=64, choices=Type.choices)
    subject = models.CharField(max_length=255, blank=True)
    details = models.TextField(blank=True)
    status = models.CharField(max_length=32, default="Completed")
    activity_date = models.DateTimeField(default=timezone.now)
    source_record_id = models.BigIntegerField(
        null=True, blank=True, help_text="the contribution or recurring contribution it is about"
    )
    tracking_campaign = models.CharField(max_length=255, blank=True)
    tracking_medium = models.CharField(max_length=255, blank=True)
    tracking_source = models.CharField(max_length=255, blank=True)
    is_from_donor_portal = models.BooleanField(default=False)

    class Meta:
        verbose_name_plural = "activities"
        ordering: ClassVar = ["-activity_date", "-id"]
        indexes: ClassVar = [
            models.Index(fields=["activity_type", "source_record_id"], name="activity_record"),
        ]

    def __str__(self) -> str:
        return f"{self.activity_type} {self.pk}"
