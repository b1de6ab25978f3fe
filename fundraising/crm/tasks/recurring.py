"""The consumer of ``recurring``: what becomes of subscriptions."""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from fundraising.crm.models import RecurringContribution, RecurringEvent, TokenDeletion
from fundraising.crm.recurring import agreements, history
from fundraising.crm.recurring.agreements import Item, happened
from fundraising.crm.recurring.cancellations import QUEUE
from fundraising.crm.recurring.forwarding import forward
from fundraising.crm.recurring.signups import sign_up
from fundraising.crm.recurring.state import ENDED
from queues import effects
from queues.consumer import group_consumer
from queues.outcomes import Damaged

log = logging.getLogger(__name__)

Kind = RecurringEvent.Kind
Status = RecurringContribution.Status

CANCEL_REASON = "(auto) User Cancelled via Gateway"


@group_consumer(QUEUE)
def recurring(group: Sequence[Item]) -> None:
    """Recurring contributions begin, are paid for, fail and end.

    Each message by itself; a failing one takes none along.
    """
    import_recurring(group)


def import_recurring(group: Sequence[Item]) -> None:
    """Import the messages of a group, in the transaction that is open."""
    agreements.lock(group)
    effects.each_received(_import)(group)


def _import(item: Item) -> None:
    rule = _RULES.get(item.message.txn_type)
    if rule is None:
        raise Damaged("INVALID_RECURRING", "is missing or unknown", "txn_type")
    rule(item)


def _cancel(item: Item) -> None:
    message = item.message
    status = message.contribution_status or (
        Status.FAILED if message.is_autorescue else Status.CANCELLED
    )
    if status not in ENDED:
        raise Damaged("INVALID_RECURRING", "is no way to end", "contribution_status_id:name")
    at = message.cancel_date or happened(item)
    reason = message.cancel_reason or CANCEL_REASON
    for record in agreements.find(item):
        agreements.end(record, item, at, status, reason)


def _fail(item: Item) -> None:
    retry_at = item.message.failure_retry_date
    for record in agreements.find(item):
        history.add([_event(record, item, Kind.FAILED, retry_at=retry_at)])


def _expire(item: Item) -> None:
    """The end of its term changes nothing: what ended it has been told, or should have been."""
    for record in agreements.find(item):
        history.add([_event(record, item, Kind.EXPIRED)])
        if record.status not in ENDED:
            log.error("recurring contribution %d: active at the end of its term", record.pk)


def _decline(item: Item) -> None:
    """The donor gave once and does not want to be charged again: the stored token must go.

    No processor is called here. The wish is kept until it is fulfilled.
    """
    message = item.message
    if not (message.gateway and message.recurring_payment_token):
        raise Damaged("INVALID_RECURRING", "is missing", "recurring_payment_token")
    TokenDeletion.objects.get_or_create(
        gateway=message.gateway,
        token=message.recurring_payment_token,
        defaults={
            "processor_contact_id": message.processor_contact_id,
            "payment_method": message.payment_method,
            "order_id": message.order_id,
            "asked_at": happened(item),
            "message_id": item.key,
        },
    )


def _event(
    record: RecurringContribution, item: Item, kind: Kind, **details: datetime | None
) -> RecurringEvent:
    return history.event(record, kind, happened(item), queue=QUEUE, message_id=item.key, **details)


_RULES: dict[str, Callable[[Item], None]] = {
    "subscr_signup": sign_up,
    "subscr_payment": forward,
    "subscr_cancel": _cancel,
    "subscr_failed": _fail,
    "subscr_eot": _expire,
    "monthly_convert_decline": _decline,
}
