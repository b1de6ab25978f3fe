"""Donations that come again, and the tokens they are charged with."""

from typing import ClassVar

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from queues.models import FromMessage


class PaymentToken(FromMessage):
    """A processor's name for a donor's stored payment details; worth nothing elsewhere."""

    contact = models.ForeignKey(
        "crm.Contact", on_delete=models.PROTECT, related_name="payment_tokens"
    )
    gateway = models.CharField(max_length=64)
    token = models.CharField(max_length=255)
    ip_address = models.CharField(max_length=45, blank=True, help_text="of the donor, then")
    expiry_date = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token", "gateway"], name="payment_token_gateway"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} token {self.pk}"


class TokenDeletion(FromMessage):
    """A stored token that its donor declined to have kept: it is to go at the processor."""

    gateway = models.CharField(max_length=64)
    token = models.CharField(max_length=255)
    processor_contact_id = models.CharField(max_length=255, blank=True)
    payment_method = models.CharField(max_length=64, blank=True)
    order_id = models.CharField(max_length=255, blank=True, help_text="of the donation")
    asked_at = models.DateTimeField(help_text="when the donor declined, UTC")
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text="when the processor had deleted it, UTC"
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["token", "gateway"], name="token_deletion_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["asked_at"],
                name="token_deletion_due",
                condition=models.Q(deleted_at=None),
            ),
        ]

    def __str__(self) -> str:
        return f"deletion of {self.gateway} token {self.pk}"


class RecurringContribution(FromMessage):
    """A donor's agreement to give ``amount`` of ``currency`` again and again.

    ``trxn_id`` is the subscription's id where the gateway has one, else the id of the
    first payment. The columns that tell the agreement and how it fares are folded from
    its events.
    """

    class Status(models.TextChoices):
        PENDING = "Pending", "Pending"
        IN_PROGRESS = "In Progress", "In Progress"
        PROCESSING = "Processing", "Processing"
        OVERDUE = "Overdue", "Overdue"
        FAILING = "Failing", "Failing"
        FAILED = "Failed", "Failed"
        CANCELLED = "Cancelled", "Cancelled"
        COMPLETED = "Completed", "Completed"

    contact = models.ForeignKey(
        "crm.Contact", on_delete=models.PROTECT, related_name="recurring_contributions"
    )
    amount = models.DecimalField(max_digits=20, decimal_places=4)
    currency = models.CharField(max_length=3)
    frequency_unit = models.CharField(max_length=8, default="month")
    frequency_interval = models.PositiveIntegerField(default=1)
    installments = models.PositiveIntegerField(default=0, help_text="0: without end")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    start_date = models.DateTimeField()
    create_date = models.DateTimeField()
    end_date = models.DateTimeField(null=True, blank=True)
    cancel_date = models.DateTimeField(null=True, blank=True)
    cancel_reason = models.CharField(max_length=255, blank=True)
    cycle_day = models.PositiveSmallIntegerField(help_text="day of the month, UTC")
    next_sched_contribution_date = models.DateTimeField(null=True, blank=True)
    failure_count = models.PositiveIntegerField(default=0)
    failure_retry_date = models.DateTimeField(null=True, blank=True)

    gateway = models.CharField(max_length=64, help_text="the payment processor")
    processor_id = models.CharField(max_length=255, blank=True)
    payment_token = models.ForeignKey(
        PaymentToken,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="recurring_contributions",
    )
    payment_instrument = models.CharField(max_length=64, blank=True)
    financial_type = models.CharField(max_length=64, default="Cash")
    trxn_id = models.CharField(max_length=255, null=True, blank=True)
    invoice_id = models.CharField(max_length=300, null=True, blank=True)

    processor_contact_id = models.CharField(max_length=255, blank=True)
    initial_scheme_transaction_id = models.CharField(max_length=255, blank=True)
    payment_service_id = models.CharField(max_length=255, blank=True)
    rescue_reference = models.CharField(max_length=255, blank=True)
    original_country = models.CharField(max_length=2, blank=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["trxn_id"], name="recurring_trxn_id"),
            models.UniqueConstraint(fields=["invoice_id"], name="recurring_invoice_id"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["next_sched_contribution_date", "status"], name="recurring_due"),
            models.Index(
                fields=["rescue_reference"],
                name="recurring_rescue",
                condition=~models.Q(rescue_reference=""),
            ),
        ]

    def __str__(self) -> str:
        return f"recurring contribution {self.pk}"


class RecurringEvent(FromMessage):
    """One thing that was told of a recurring contribution, for ever.

    The state of the recurring contribution is folded from its events (see
    :mod:`fundraising.crm.recurring.state`), so that it is the same in whatever order the
    messages came, and however often.
    """

    class Kind(models.TextChoices):
        CREATED = "created", "begun by a payment"
        SIGNUP = "signup", "signed up"
        PAYMENT = "payment", "paid"
        FAILED = "failed", "payment failed"
        CANCELLED = "cancelled", "cancelled"
        EXPIRED = "expired", "end of term told"
        AMOUNT = "amount", "amount changed"
        ANNUAL = "annual", "made annual"
        PAUSED = "paused", "paused"

    recurring = models.ForeignKey(
        RecurringContribution, on_delete=models.PROTECT, related_name="events"
    )
    kind = models.CharField(max_length=16, choices=Kind.choices)
    at = models.DateTimeField(help_text="when it happened, UTC")
    details = models.JSONField(default=dict, encoder=DjangoJSONEncoder)
    queue = models.CharField(max_length=64)
    rescue_reference = models.CharField(
        max_length=255, blank=True, help_text="the processor's rescue that ended by it"
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering: ClassVar = ["at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["recurring", "kind", "queue", "message_id"], name="recurring_event_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["rescue_reference"],
                name="recurring_event_rescue",
                condition=~models.Q(rescue_reference=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.at:%Y-%m-%d}"
