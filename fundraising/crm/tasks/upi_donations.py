"""The consumer of ``upi-donations``: monthly payments under mandates of Indian bank accounts."""

import logging
from collections.abc import Sequence
from decimal import Decimal

from django.db.models import Q

from fundraising.crm.currencies.money import Money
from fundraising.crm.donations import import_donations
from fundraising.crm.messages import DonationMessage, UpiDonationMessage
from fundraising.crm.models import Activity, Contribution, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history, modifications
from fundraising.crm.recurring.state import ENDED
from queues import effects, locks
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged, Park

log = logging.getLogger(__name__)

Item = Received[UpiDonationMessage]
Status = RecurringContribution.Status

QUEUE = "upi-donations"
# The donor has ended the mandate at the bank.
MANDATE_ENDED = "322"
CANCEL_REASON = "Subscription cancelled at gateway"
UNWANTED = "To be refunded: paid after the subscription was cancelled"


@group_consumer(QUEUE)
def upi_donations(group: Sequence[Item]) -> None:
    """Payments under standing mandates of Indian banks find or make their recurring record.

    Each message by itself, and those of one mandate in turns, whatever worker has them.
    """
    locks.take(
        (QUEUE, item.message.gateway, item.message.recurring_payment_token) for item in group
    )
    effects.each_received(_apply)(group)


def _apply(item: Item) -> None:
    message = item.message
    if not message.recurring_payment_token:
        raise Damaged("INVALID_RECURRING", "is missing", "recurring_payment_token")
    missing = [name for name in message.missing() if name != "gateway_txn_id"]
    if missing:
        raise Damaged("CIVI_REQ_FIELD", f"required: {', '.join(missing)}", missing[0])
    given = Money(message.gross or Decimal(0), message.currency or message.original_currency)
    # Which of its payments comes first must not decide what the record is called.
    name = f"{message.recurring_payment_token} {given.rounded()}"
    record = _find(message, given.rounded(), name)
    if message.gateway_status == "paid":
        _note_unwanted(_import(item, record, name))
    elif message.gateway_status != "rejected" or message.gateway_status_code != MANDATE_ENDED:
        raise Damaged("INVALID_MESSAGE", "is neither PAID nor REJECTED with 322", "gateway_status")
    elif record is None:
        raise Park("MISSING_PREDECESSOR", "no recurring record has the token and the amount")
    else:
        _end(item, record)
        _note_unwanted(record)


def _find(message: UpiDonationMessage, given: Money, name: str) -> RecurringContribution | None:
    """The record of a mandate, locked: by its name, or by its token and amount.

    Of several the one in progress, else one that has not ended, else the oldest.
    """
    by_token = Q(
        payment_token__gateway=message.gateway,
        payment_token__token=message.recurring_payment_token,
        amount=given.amount,
        currency=given.currency,
    )
    rows = RecurringContribution.objects.filter(by_token | Q(trxn_id=name))
    return min(
        rows.select_for_update(of=("self",), no_key=True),
        key=lambda row: (row.status != Status.IN_PROGRESS, row.status in ENDED, row.pk),
        default=None,
    )


def _import(item: Item, record: RecurringContribution | None, name: str) -> RecurringContribution:
    """Import a payment as any instalment; the first one makes contact, token and record."""
    told: dict[str, object] = {"recurring": True}
    if record is None or record.trxn_id == name:
        told["subscr_id"] = name
    else:
        told["contribution_recur_id"] = str(record.pk)
    message: DonationMessage = item.message.model_copy(update=told)
    instalment = Received(item.body, item.key, item.digest, message, item.received_at)
    import_donations([instalment])
    if instalment.verdict is not None:
        raise instalment.verdict
    paid = RecurringContribution.objects.filter(
        contributions__gateway=message.gateway,
        contributions__gateway_txn_id=message.gateway_txn_id,
        contributions__is_payment=True,
    )
    return paid.get()


def _end(item: Item, record: RecurringContribution) -> None:
    at = item.message.date or item.message.pushed_at or item.received_at
    kind = RecurringEvent.Kind.CANCELLED
    event = history.event(record, kind, at, queue=QUEUE, message_id=item.key, reason=CANCEL_REASON)
    if modifications.add(event, {}):
        modifications.activity(
            Activity.Type.CANCEL_RECURRING,
            record,
            at,
            {},
            message_id=item.key,
            subject=CANCEL_REASON,
        ).save()


def _note_unwanted(record: RecurringContribution) -> None:
    """Payments that were made after the end go back to the donor: a person sees to it."""
    if record.status != Status.CANCELLED or record.cancel_date is None:
        return
    unwanted = Contribution.objects.filter(
        contribution_recur=record,
        is_payment=True,
        contribution_status=Contribution.Status.COMPLETED,
        receive_date__gt=record.cancel_date,
    )
    for row in unwanted:
        _, is_new = Activity.objects.get_or_create(
            activity_type=Activity.Type.REFUND,
            source_record_id=row.pk,
            subject=UNWANTED,
            defaults={
                "contact_id": row.contact_id,
                "activity_date": row.receive_date,
                "status": "Scheduled",
                "message_id": row.message_id,
            },
        )
        if is_new:
            log.warning("contribution %d is to be refunded: its subscription had ended", row.pk)
