"""What a front end or the resolver said last of a payment."""

from typing import ClassVar

from django.db import models

from fundraising.fredge.models.told import ToldRow


class PaymentsInit(ToldRow):
    """The end of one attempt to pay, as far as whoever made it knows.

    One row an attempt: ``(contribution_tracking_id, order_id)`` is unique, where ``order_id``
    may be ``""``.
    """

    KEY = ("contribution_tracking_id", "order_id")

    class FinalStatus(models.TextChoices):
        COMPLETE = "complete", "complete"
        FAILED = "failed", "failed"
        PENDING = "pending", "pending"
        PENDING_POKE = "pending-poke", "needs our approval"
        REVISED = "revised", "revised"
        REVERSED = "reversed", "reversed"
        REFUNDED = "refunded", "refunded"
        ON_HOLD = "on-hold", "on hold"
        CANCELLED = "cancelled", "cancelled"
        TIMEOUT = "timeout", "timeout"
        UNKNOWN = "unknown", "unknown"

    class ValidationAction(models.TextChoices):
        PROCESS = "process", "process"
        REVIEW = "review", "review"
        REJECT = "reject", "reject"
        CHALLENGE = "challenge", "challenge"

    contribution_tracking_id = models.BigIntegerField()
    order_id = models.CharField(max_length=255, blank=True)
    gateway = models.CharField(max_length=64)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    validation_action = models.CharField(max_length=64, choices=ValidationAction.choices)
    payments_final_status = models.CharField(
        "final status", max_length=64, choices=FinalStatus.choices
    )
    payment_method = models.CharField(max_length=64, blank=True)
    payment_submethod = models.CharField(max_length=64, blank=True)
    country = models.CharField(max_length=64)
    amount = models.DecimalField(max_digits=20, decimal_places=4, help_text="in the currency")
    currency_code = models.CharField("currency", max_length=3)
    server = models.CharField(max_length=64)
    date = models.DateTimeField(db_index=True, help_text="when it was so, UTC")

    class Meta:
        verbose_name = "payment's final status"
        verbose_name_plural = "payments' final status"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contribution_tracking_id", "order_id"], name="payments_init_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id", "gateway"]),
            models.Index(fields=["gateway_txn_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.order_id or self.contribution_tracking_id}"
