"""Money that moved."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from queues.models import FromMessage


class Contribution(FromMessage):
    """One movement of money: a payment, or the refund, reversal or adjustment of one.

    ``total_amount``, ``fee_amount`` and ``net_amount`` are in USD; what the donor gave is
    in ``original_amount`` of ``original_currency``.
    """

    class Status(models.TextChoices):
        COMPLETED = "Completed", "Completed"
        REFUNDED = "Refunded", "Refunded"
        CHARGEBACK = "Chargeback", "Chargeback"
        CANCELLED = "Cancelled", "Cancelled"
        REVERSAL = "Reversal", "Reversal"
        CHARGEBACK_REVERSAL = "chargeback_reversal", "Chargeback reversal"
        REFUND_REVERSAL = "refund_reversal", "Refund reversal"
        REVERSAL_REVERSAL = "reversal_reversal", "Reversal reversal"

    contact = models.ForeignKey(
        "crm.Contact", on_delete=models.PROTECT, related_name="contributions"
    )
    contribution_recur = models.ForeignKey(
        "crm.RecurringContribution",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="contributions",
    )
    parent_contribution = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="adjustments"
    )
    # A payment taken, as opposed to what undoes or adjusts one: those share the payment's ids.
    is_payment = models.BooleanField(default=True)

    total_amount = models.DecimalField(max_digits=20, decimal_places=2)
    fee_amount = models.DecimalField(max_digits=20, decimal_places=2, default=0)
    net_amount = models.DecimalField(max_digits=20, decimal_places=2)
    currency = models.CharField(max_length=3, default="USD")
    original_currency = models.CharField(max_length=3)
    original_amount = models.DecimalField(max_digits=20, decimal_places=4)
    original_fee_amount = models.DecimalField(max_digits=20, decimal_places=4, default=0)
    source = models.CharField(max_length=64, blank=True, help_text="such as EUR 12.00")

    receive_date = models.DateTimeField(db_index=True)
    cancel_date = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=255, blank=True)
    contribution_status = models.CharField(
        max_length=32, choices=Status.choices, default=Status.COMPLETED
    )
    financial_type = models.CharField(max_length=64)
    payment_instrument = models.CharField(max_length=64, blank=True)
    no_thank_you = models.CharField(max_length=255, blank=True, help_text="why none is sent")

    trxn_id = models.CharField(max_length=255, null=True, blank=True)
    invoice_id = models.CharField(max_length=300, null=True, blank=True, unique=True)
    order_id = models.CharField(max_length=255, blank=True)
    gateway = models.CharField(max_length=64, blank=True)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    gateway_account = models.CharField(max_length=255, blank=True)
    gateway_status_raw = models.CharField(max_length=255, blank=True)
    backend_processor = models.CharField(max_length=255, blank=True)
    backend_processor_txn_id = models.CharField(max_length=255, blank=True)
    backend_processor_reversal_id = models.CharField(max_length=255, blank=True)
    payment_orchestrator_reconciliation_id = models.CharField(max_length=255, blank=True)
    payment_orchestrator_reversal_id = models.CharField(max_length=255, blank=True)
    refund_trxn_id = models.CharField(max_length=255, blank=True)
    auth_id = models.CharField(max_length=255, blank=True)
    capture_id = models.CharField(max_length=255, blank=True)
    contribution_tracking_id = models.BigIntegerField(null=True, blank=True, db_index=True)

    gift_fund = models.CharField(max_length=255, blank=True)
    gift_campaign = models.CharField(max_length=255, blank=True)
    gift_appeal = models.CharField(max_length=255, blank=True)
    gift_channel = models.CharField(max_length=255, blank=True)
    gift_package = models.CharField(max_length=255, blank=True)
    is_major_gift = models.BooleanField(default=False)

    settlement_date = models.DateTimeField(null=True, blank=True)
    settlement_currency = models.CharField(max_length=3, blank=True)
    settlement_batch_reference = models.CharField(max_length=255, blank=True)
    settlement_batch_reversal_reference = models.CharField(max_length=255, blank=True)
    settled_donation_amount = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True
    )
    settled_fee_amount = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True, help_text="negative: we paid it"
    )
    settled_reversal_amount = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True
    )
    settled_fee_reversal_amount = models.DecimalField(
        max_digits=20, decimal_places=4, null=True, blank=True
    )

    # Where the message came from: its last hop before this system.
    source_name = models.CharField(max_length=255, blank=True)
    source_type = models.CharField(max_length=255, blank=True)
    source_host = models.CharField(max_length=255, blank=True)
    source_run_id = models.CharField(max_length=64, blank=True)
    source_version = models.CharField(max_length=255, blank=True)
    source_enqueued_time = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trxn_id"], name="contribution_trxn_id"),
            models.UniqueConstraint(
                fields=["gateway_txn_id", "gateway"],
                condition=models.Q(is_payment=True) & ~models.Q(gateway_txn_id=""),
                name="contribution_payment_once",
            ),
        ]
        indexes: ClassVar = [
            # The constraint's own index serves no question about reversals and refunds.
            models.Index(fields=["gateway_txn_id", "gateway"], name="contribution_gateway_txn"),
            models.Index(fields=["order_id", "gateway"], name="contribution_order"),
            models.Index(
                fields=["backend_processor_txn_id"],
                name="contribution_backend_txn",
                condition=~models.Q(backend_processor_txn_id=""),
            ),
        ]

    def __str__(self) -> str:
        return self.trxn_id or f"contribution {self.pk}"
