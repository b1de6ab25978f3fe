"""Payments of subscriptions, on their way to the import of donations."""

from typing import Any

from django.conf import settings
from django.db.models import Min

from fundraising.crm.currencies import exchange_rates
from fundraising.crm.donation import normalise
from fundraising.crm.messages import RecurringMessage
from fundraising.crm.models import Contribution, RecurringContribution
from fundraising.crm.recurring import history, told_again
from fundraising.crm.recurring.agreements import happened
from fundraising.crm.recurring.payment_events import SELF_SCHEDULED
from fundraising.crm.recurring.records import PAYPAL_SUBSCRIPTION, Records
from fundraising.crm.recurring.signups import find_or_make
from queues import wire
from queues.outbox import push_later
from queues.outcomes import Damaged, Park
from queues.received import Received

# Its payments tell of no visit.
UNTRACKED = "amazon"

Item = Received[RecurringMessage]


def forward(item: Item) -> None:
    """Note a payment with its record and pass it on to ``donations``, told whose it is.

    The amounts are passed on as they came: the import of donations converts them. What the
    message tells of the donor is dealt with here and left out. A subscription of PayPal that
    nothing is known of is begun by its payment. Raises ``Damaged`` as the import would,
    ``Park`` for a subscription that this cannot begin.
    """
    at = happened(item)
    message = item.message.model_copy(update={"date": at, "recurring": True})
    records = Records.load([message], item.received_at)
    record = records.find(message)
    _require(message, record)
    rates = exchange_rates.rates_for([(message.currency or message.original_currency, at)])
    donation = normalise(message, rates, records.context(record, message))
    is_new = record is None
    contact = record.contact if record is not None else find_or_make(item)
    record = records.save(donation, record, contact, message, item.key)
    records.write()
    records.settle()
    body: dict[str, Any] = dict(wire.parse(item.body, settings.QUEUE_MAX_MESSAGE_BYTES))
    if is_new or _revise(record, message, item.key):
        for name in told_again.FIELDS:
            body.pop(name, None)
    told = {
        "message_id": item.key,
        "date": body.get("date") or int(at.timestamp()),
        "recurring": True,
        "contribution_tracking_id": _tracking_id(message, record),
        "contribution_recur_id": record.pk,
        "contact_id": record.contact_id,
    }
    push_later(history.PAYMENTS, {**body, **told})


def _require(message: RecurringMessage, record: RecurringContribution | None) -> None:
    if not (message.subscr_id or message.rescue_reference or message.contribution_recur_id):
        raise Damaged("INVALID_RECURRING", "is missing", "subscr_id")
    begins = message.gateway in SELF_SCHEDULED and message.subscr_id.startswith(PAYPAL_SUBSCRIPTION)
    if record is None and not (begins and message.email and not message.contribution_recur_id):
        raise Park("MISSING_PREDECESSOR", "no recurring record is known by these ids")


def _revise(record: RecurringContribution, message: RecurringMessage, key: str) -> bool:
    events = history.of([record.pk])[record.pk]
    this = next(event for event in events if event.message_id == key)
    return told_again.revise(record, message, this, events)


def _tracking_id(message: RecurringMessage, record: RecurringContribution) -> int | None:
    """Its own, or that of the visit by which the subscription came."""
    is_rescue = message.is_autorescue or message.is_successful_autorescue
    if message.contribution_tracking_id or is_rescue or message.gateway == UNTRACKED:
        return message.contribution_tracking_id
    paid = Contribution.objects.filter(contribution_recur=record, is_payment=True)
    least: int | None = paid.aggregate(least=Min("contribution_tracking_id"))["least"]
    return least
