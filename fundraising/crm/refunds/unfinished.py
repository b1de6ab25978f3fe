"""Refunds of payments that never became a donation."""

import logging

from django.db.models import Q

from fundraising.crm.messages import RefundMessage
from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction
from queues import damaged
from queues.models import DamagedMessage
from queues.outcomes import Park
from queues.routes import routes

log = logging.getLogger(__name__)

# Bank payments that can come to nothing after the donor left: what was never collected is
# told as refunded all the same.
_METHODS = frozenset({"rtbt_ideal", "sepadirectdebit"})
_PROCESSORS = frozenset({"trustly"})


def end_or_wait(message: RefundMessage, key: str) -> None:
    """End a refund for which there is no contribution, as far as that can be said.

    The donation may still be on its way, in its queue or among the damaged, so the refund
    is parked. When a bank payment was begun and its donation has not come while all
    the tries of the refund went by, there was nothing to refund: its pending rows are resolved.
    Raises ``Park`` otherwise.
    """
    if not (_may_come_to_nothing(message) and _is_last_try(key) and _was_only_begun(message)):
        raise Park("MISSING_PREDECESSOR", "no contribution is the payment that was refunded")
    transactions.resolve(*_pairs(message))
    log.warning(
        "refund of a payment that was never finished gateway=%s order_id=%s message_id=%s",
        message.gateway,
        message.order_id,
        key,
    )


def _may_come_to_nothing(message: RefundMessage) -> bool:
    return message.payment_method in _METHODS or message.backend_processor.lower() in _PROCESSORS


def _is_last_try(key: str) -> bool:
    """Whether a person would have to look, were it parked once more."""
    return routes()["refund"].retry.delay(damaged.attempts("refund", key) + 1) is None


def _was_only_begun(message: RefundMessage) -> bool:
    """There is a pending row of it, and no donation that waits to be repaired."""
    orders, payments = _pairs(message)
    if not PendingTransaction.objects.of_either(orders, payments).exists():
        return False
    order_ids = {order_id for _, order_id in orders} - {""}
    txn_ids = {txn_id for _, txn_id in payments} - {""}
    waiting = DamagedMessage.objects.filter(
        Q(order_id__in=order_ids) | Q(gateway_txn_id__in=txn_ids),
        gateway=message.gateway,
        original_queue="donations",
        status__in=(DamagedMessage.Status.DAMAGED, DamagedMessage.Status.WAITING),
    )
    return not waiting.exists()


def _pairs(message: RefundMessage) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """The orders and the payments that the message may mean."""
    orders = {(message.gateway, message.order_id), (message.gateway, message.invoice_id)}
    return orders, {(message.gateway, message.gateway_parent_id)}
