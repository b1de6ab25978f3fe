"""What is known of each attempt to pay, to learn to tell fraud from gifts."""

from typing import ClassVar

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from fundraising.fredge.models.told import ToldRow


class PaymentAttempt(ToldRow):
    """One attempt to pay, and its outcome. One row an order.

    An outcome may be known before the attempt: then all but its columns is blank.
    """

    KEY = ("order_id",)

    order_id = models.CharField(max_length=64, unique=True)
    ts = models.DateTimeField("attempted at", null=True, blank=True, help_text="UTC")
    contribution_tracking_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    gateway = models.CharField(max_length=64, blank=True)
    payment_method = models.CharField(max_length=64, blank=True)
    payment_submethod = models.CharField(max_length=64, blank=True)
    amount_in_minor_units = models.BigIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    amount_in_usd_cents = models.BigIntegerField(null=True, blank=True)
    bin_hash = models.CharField(max_length=255, blank=True, help_text="of the card's first digits")
    utm_key = models.CharField(max_length=255, blank=True)
    utm_source = models.CharField(max_length=255, blank=True)
    utm_campaign = models.CharField(max_length=255, blank=True)
    utm_medium = models.CharField(max_length=255, blank=True)
    landing_page = models.CharField(max_length=255, blank=True)
    email_localpart = models.CharField(max_length=255, blank=True)
    email_domain = models.CharField(max_length=255, blank=True)
    first_name = models.CharField(max_length=255, blank=True)
    last_name = models.CharField(max_length=255, blank=True)
    country = models.CharField(max_length=64, blank=True, help_text="as the donor says")
    postal_code = models.CharField(max_length=255, blank=True)
    street_address = models.CharField(max_length=255, blank=True)
    referrer = models.CharField(max_length=4096, blank=True)
    screen_height = models.BigIntegerField(null=True, blank=True)
    screen_width = models.BigIntegerField(null=True, blank=True)
    color_depth = models.BigIntegerField(null=True, blank=True)
    time_zone_offset = models.BigIntegerField(null=True, blank=True, help_text="minutes")
    ip_country = models.CharField(max_length=64, blank=True, help_text="where the address is")
    language = models.CharField(max_length=64, blank=True)
    http_accept_language = models.CharField(max_length=255, blank=True)
    browser = models.CharField(max_length=255, blank=True)
    browser_version = models.CharField(max_length=255, blank=True)
    os = models.CharField(max_length=255, blank=True)
    os_version = models.CharField(max_length=255, blank=True)
    user_ip = models.GenericIPAddressField("IP address", null=True, blank=True)
    recent_attempt_count = models.BigIntegerField(null=True, blank=True)
    repeats = models.JSONField(
        default=dict,
        blank=True,
        encoder=DjangoJSONEncoder,
        help_text="how often recent attempts had the same value in a field",
    )
    fraud_flagged_by_processor = models.BooleanField(null=True, blank=True)
    auth_decline = models.BooleanField("declined by the bank", null=True, blank=True)
    blocked_by_filter = models.BooleanField("blocked by our filters", null=True, blank=True)

    class Meta:
        verbose_name = "payment attempt"
        indexes: ClassVar = [models.Index(fields=["ts"])]
        permissions: ClassVar = [
            ("reveal_paymentattempt", "Can see the personal data of a payment attempt"),
            ("label_paymentattempt", "Can say whether a payment attempt was fraud"),
        ]

    def __str__(self) -> str:
        return self.order_id


class PaymentAttemptLabel(models.Model):
    """What a person says an attempt was. By its order, as the attempt may not be here yet."""

    order_id = models.CharField(max_length=64, unique=True)
    is_fraud = models.BooleanField("fraud")
    labelled_at = models.DateTimeField(default=timezone.now)
    labelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta:
        verbose_name = "label of a payment attempt"
        verbose_name_plural = "labels of payment attempts"

    def __str__(self) -> str:
        return f"{self.order_id} {'fraud' if self.is_fraud else 'no fraud'}"
