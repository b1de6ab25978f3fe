"""Contribution tracking: the log of all data points, and the current state of each visit."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from fundraising.tracking.summary import LENGTHS


def _text(name: str) -> "models.CharField[str, str]":
    return models.CharField(max_length=LENGTHS[name], blank=True)


def _option(*labels: str) -> "models.CharField[str, str]":
    choices = [(label, label) for label in labels]
    return models.CharField(max_length=16, blank=True, choices=choices)


class ContributionTracking(models.Model):
    """The current state of a visit to the donation form: what its data points say together.

    Written only by the fold of the log; ``id`` is the contribution tracking id, a number of
    the sequence, known before the row exists.
    """

    id = models.BigIntegerField("contribution tracking id", primary_key=True)
    # No constraint, and nothing happens here when a contribution goes: this is what the log
    # says, and a link that names a contribution too early or wrongly must not stop a message.
    contribution = models.ForeignKey(
        "crm.Contribution",
        null=True,
        blank=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name="contribution_trackings",
    )
    link_conflicts = models.PositiveIntegerField(
        default=0, help_text="how many other contributions were said to be this visit's"
    )
    amount = models.DecimalField(max_digits=20, decimal_places=3, null=True, blank=True)
    currency = _text("currency")
    usd_amount = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    is_recurring = models.BooleanField(null=True, blank=True)
    referrer = _text("referrer")
    utm_source = _text("utm_source")
    utm_medium = _text("utm_medium")
    utm_campaign = _text("utm_campaign")
    utm_key = _text("utm_key")
    gateway = _text("gateway")
    appeal = _text("appeal")
    payments_form_variant = _text("payments_form_variant")
    banner = _text("banner")
    banner_variant = _text("banner_variant")
    banner_size = _option("Large", "Small", "Other")
    device_type = _option("Desktop", "Mobile")
    landing_page = _text("landing_page")
    mailing_identifier = _text("mailing_identifier")
    payment_method = _text("payment_method")
    payment_submethod = _text("payment_submethod")
    recurring_choice = _option("Upsell", "Organic")
    is_test_variant = models.BooleanField(null=True, blank=True)
    is_pay_fee = models.BooleanField("donor pays the fee", null=True, blank=True)
    language = _text("language")
    country = _text("country")
    tracking_date = models.DateTimeField(null=True, blank=True)
    os = _text("os")
    os_version = _text("os_version")
    browser = _text("browser")
    browser_version = _text("browser_version")
    screen_width = models.PositiveIntegerField(null=True, blank=True)
    screen_height = models.PositiveIntegerField(null=True, blank=True)
    banner_history_log_id = _text("banner_history_log_id")
    app_install_id = _text("app_install_id")

    class Meta:
        verbose_name = "contribution tracking"
        verbose_name_plural = "contribution tracking"
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            *(
                models.Index(fields=[name], name=f"tracking_{name}")
                for name in (
                    "currency",
                    "utm_medium",
                    "utm_campaign",
                    "banner",
                    "landing_page",
                    "payment_method",
                    "language",
                    "country",
                    "tracking_date",
                    "mailing_identifier",
                )
            ),
            models.Index(
                fields=["banner_history_log_id"],
                name="tracking_banner_history",
                condition=~models.Q(banner_history_log_id=""),
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class TrackingDataPoint(models.Model):
    """One message about a visit, for ever: the log that the summary is made of."""

    contribution_tracking = models.ForeignKey(
        ContributionTracking, on_delete=models.PROTECT, related_name="data_points"
    )
    digest = models.CharField(max_length=64, help_text="SHA-256 of the bytes")
    message_key = models.CharField(
        max_length=64, db_index=True, help_text="message_id, or the digest"
    )
    received_at = models.DateTimeField(default=timezone.now)
    source_enqueued_time = models.DateTimeField(
        null=True, blank=True, help_text="when it was pushed, UTC"
    )
    source_name = models.CharField(max_length=255, blank=True)
    source_type = models.CharField(max_length=255, blank=True)
    source_host = models.CharField(max_length=255, blank=True)
    source_run_id = models.CharField(max_length=64, blank=True)
    source_version = models.CharField(max_length=255, blank=True)
    message = models.JSONField(encoder=DjangoJSONEncoder)

    class Meta:
        verbose_name = "tracking data point"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contribution_tracking", "digest"], name="tracking_data_point_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.contribution_tracking_id} {self.message_key}"
