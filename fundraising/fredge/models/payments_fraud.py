"""How likely a payment is fraud, in all and by each filter."""

from typing import ClassVar

from django.db import models

from fundraising.fredge import merging
from fundraising.fredge.merging import Stamp
from fundraising.fredge.models.payments_init import PaymentsInit
from fundraising.fredge.models.told import ToldRow
from queues.models import FromMessage


class PaymentsFraud(ToldRow):
    """What the fraud filters say of one attempt to pay; the greater, the worse.

    One row an attempt: ``(contribution_tracking_id, order_id)`` is unique. A row is always
    complete: what partial messages leave out, another has told.
    """

    KEY = ("contribution_tracking_id", "order_id")

    contribution_tracking_id = models.BigIntegerField()
    order_id = models.CharField(max_length=255)
    gateway = models.CharField(max_length=64)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    validation_action = models.CharField(
        max_length=64, choices=PaymentsInit.ValidationAction.choices
    )
    user_ip = models.GenericIPAddressField("IP address")
    payment_method = models.CharField(max_length=64)
    risk_score = models.DecimalField(max_digits=15, decimal_places=6)
    server = models.CharField(max_length=64)
    date = models.DateTimeField(db_index=True, help_text="when it was so, UTC")
    breakdown_message_id = models.CharField(
        "message of the breakdown",
        max_length=64,
        editable=False,
        help_text="the newest that told the scores of all filters",
    )

    class Meta:
        verbose_name = "payment's fraud score"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["contribution_tracking_id", "order_id"], name="payments_fraud_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["order_id", "gateway"]),
            models.Index(fields=["gateway_txn_id"]),
        ]
        permissions: ClassVar = [
            ("reveal_paymentsfraud", "Can see the personal data of a payment's fraud score"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.order_id}"

    @property
    def breakdown_told(self) -> Stamp | None:
        """The stamp of the newest message that told the scores of all filters."""
        return merging.unpacked(self.stamps).get("breakdown_message_id")


class PaymentsFraudBreakdown(FromMessage):
    """The score of one filter."""

    payments_fraud = models.ForeignKey(
        PaymentsFraud, on_delete=models.CASCADE, related_name="breakdown"
    )
    filter_name = models.CharField("filter", max_length=64)
    risk_score = models.DecimalField(max_digits=15, decimal_places=6)
    told_at = models.DateTimeField(help_text="date of the message, UTC")

    class Meta:
        verbose_name = "score of a fraud filter"
        verbose_name_plural = "scores of fraud filters"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["payments_fraud", "filter_name"], name="payments_fraud_filter_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.filter_name} {self.risk_score.normalize():f}"
