"""Pending transactions: payments that a donor began and that are not yet a contribution."""

from collections.abc import Iterable
from typing import ClassVar, Self

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q

from fundraising.pending.lookups import any_of
from queues.messages import ORIGIN_FIELDS, SOURCE_FIELDS
from queues.models import FromMessage
from queues.wire import Json

ENVELOPE = frozenset({"message_id", *SOURCE_FIELDS, *ORIGIN_FIELDS})


class PendingTransactionQuerySet(models.QuerySet["PendingTransaction"]):
    """The questions that are asked of pending transactions."""

    def unresolved(self) -> Self:
        """Those of which nobody knows yet what became of them."""
        return self.filter(is_resolved=False)

    def of_orders(self, pairs: Iterable[tuple[str, str]]) -> Self:
        """Rows of these (gateway, order_id), resolved or not; blank order ids match nothing."""
        return self.filter(any_of("order_id", pairs))

    def of_txns(self, pairs: Iterable[tuple[str, str]]) -> Self:
        """Rows of these (gateway, gateway_txn_id), resolved or not; blank ids match nothing."""
        return self.filter(any_of("gateway_txn_id", pairs))

    def of_either(self, orders: Iterable[tuple[str, str]], txns: Iterable[tuple[str, str]]) -> Self:
        """Rows of any of these orders or of these payments."""
        return self.filter(any_of("order_id", orders) | any_of("gateway_txn_id", txns))


class PendingTransaction(FromMessage):
    """One payment that was begun, with all that its messages told.

    One row a payment: ``(gateway, order_id, gateway_txn_id)`` is unique, an id that is not
    known is ``""``, and at least one of the two is known. An order whose donor tried twice
    may have two payments.
    """

    date = models.DateTimeField(help_text="when the payment began, UTC")
    gateway = models.CharField(max_length=64)
    gateway_account = models.CharField(max_length=255, blank=True)
    order_id = models.CharField(max_length=255, blank=True)
    gateway_txn_id = models.CharField(max_length=255, blank=True)
    contribution_tracking_id = models.BigIntegerField(null=True, blank=True, db_index=True)
    email = models.CharField(max_length=254, blank=True, db_index=True, help_text="lower case")
    payment_method = models.CharField(max_length=64, blank=True)
    message = models.JSONField(
        encoder=DjangoJSONEncoder, help_text="all that the messages of this payment told"
    )
    is_resolved = models.BooleanField("resolved", default=False)
    is_given_up = models.BooleanField(
        "given up",
        default=False,
        help_text="resolved only because payments-init says that no money can come",
    )
    backend_processor = models.CharField(max_length=255, blank=True)
    backend_processor_txn_id = models.CharField(max_length=255, blank=True, db_index=True)
    payment_orchestrator_reconciliation_id = models.CharField(
        max_length=255, blank=True, db_index=True
    )

    objects = PendingTransactionQuerySet.as_manager()

    class Meta:
        verbose_name = "pending transaction"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["order_id", "gateway", "gateway_txn_id"], name="pending_payment_once"
            ),
            models.CheckConstraint(
                condition=~Q(order_id="", gateway_txn_id=""), name="pending_has_an_id"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["date"]),
            models.Index(fields=["is_resolved", "gateway", "payment_method", "date"]),
            models.Index(fields=["gateway_txn_id", "gateway"]),
        ]
        permissions: ClassVar = [
            ("reveal_pendingtransaction", "Can see the personal data of a pending transaction"),
        ]

    def __str__(self) -> str:
        return f"{self.gateway} {self.order_id or self.gateway_txn_id}"

    @property
    def details(self) -> dict[str, Json]:
        """What is known of the payment, without the envelope of the hop that brought it.

        This, not ``message``, is what fills up a sparse donation: its own source_* fields
        and message_id must not be taken from here.
        """
        return {key: value for key, value in self.message.items() if key not in ENVELOPE}
