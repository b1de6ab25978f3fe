"""The consumer of ``recurring-modify``: what donors change of their recurring contributions."""

from collections.abc import Callable, Sequence
from datetime import datetime

from django.db import transaction

from fundraising.crm.contacts.activities import note_once
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.donor import donor_details
from fundraising.crm.currencies import money
from fundraising.crm.currencies.rates import UnknownCurrency
from fundraising.crm.messages import RecurringModifyMessage
from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history, modifications, wishes
from fundraising.crm.recurring.history import Detail
from fundraising.crm.recurring.modifications import QUEUE, Type
from fundraising.crm.recurring.records import Records
from fundraising.crm.recurring.state import ENDED
from fundraising.crm.recurring.wishes import CODE
from fundraising.mails.outgoing import send_later
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged, SetAside

Item = Received[RecurringModifyMessage]
Kind = RecurringEvent.Kind

PORTAL_MAIL = "donor_portal_recurring"
CANCEL_REASON = "(auto) User Cancelled via Donor Portal"


@group_consumer(QUEUE)
def recurring_modify(group: Sequence[Item]) -> None:
    """Donors change their recurring contributions: amount, rhythm, a pause, the end.

    Each wish by itself; one that cannot be fulfilled takes none along.
    """
    records = wishes.load([item.message for item in group], group[0].received_at)
    for item in group:
        try:
            with transaction.atomic():
                _modify(item, records)
        except SetAside as reason:
            item.set_aside(reason)
        except UnknownCurrency as error:
            item.set_aside(Damaged(CODE, str(error), "currency"))


def _modify(item: Item, records: Records) -> None:
    message = item.message
    rule = _RULES.get(message.txn_type)
    if rule is None:
        raise Damaged(CODE, "is missing or unknown", "txn_type")
    record = wishes.find(message, records)
    wishes.verify(message, record)
    at = message.date or message.pushed_at or item.received_at
    rule(record, item, at)


def _change(record: RecurringContribution, item: Item, at: datetime) -> None:
    """More or less from now on, whatever the message calls it."""
    amount = wishes.amount(item.message, record)
    event = _event(record, item, Kind.AMOUNT, at, amount=str(amount))
    if modifications.add(event, modifications.circumstances(item.message)):
        added = modifications.note_amounts(record)[item.key]
        if added > 0:
            _mail(record, item, "recurring_upgrade_message")
        elif added < 0:
            _mail(record, item, PORTAL_MAIL, "recurring_downgrade")


def _make_annual(record: RecurringContribution, item: Item, at: datetime) -> None:
    amount = wishes.amount(item.message, record)
    next_date = item.message.next_sched_contribution_date
    if next_date is None:
        raise Damaged(CODE, "is missing", "next_sched_contribution_date")
    event = _event(
        record, item, Kind.ANNUAL, at, amount=str(amount), next_date=next_date.isoformat()
    )
    told = {
        **modifications.amounts(at, record.currency, amount=amount),
        "next_sched_contribution_date": f"{next_date:%Y-%m-%d}",
    }
    if _add(event, item, Type.RECURRING_ANNUAL, **told):
        # What it was raised to or lowered to later differs from another amount now.
        modifications.note_amounts(record)
        _mail(record, item, PORTAL_MAIL, item.message.txn_type)


def _pause(record: RecurringContribution, item: Item, at: datetime) -> None:
    duration = item.message.duration
    days = modifications.days(duration)
    if days is None:
        fault = "is not a number of days, such as 60 days" if duration else "is missing"
        raise Damaged(CODE, fault, "duration")
    event = _event(record, item, Kind.PAUSED, at, days=days)
    if _add(event, item, Type.RECURRING_PAUSED, duration=f"{days} days"):
        _mail(record, item, PORTAL_MAIL, item.message.txn_type)


def _cancel(record: RecurringContribution, item: Item, at: datetime) -> None:
    was_active = record.status not in ENDED
    reason = item.message.cancel_reason or CANCEL_REASON
    event = _event(record, item, Kind.CANCELLED, item.message.cancel_date or at, reason=reason)
    _add(event, item, Type.CANCEL_RECURRING, subject=reason)
    if was_active and record.status in ENDED:
        _mail(record, item, PORTAL_MAIL, item.message.txn_type)


def _decline(record: RecurringContribution, item: Item, at: datetime) -> None:
    """Asked to give more, the donor said no."""
    if not item.message.contact_id:
        raise Damaged(CODE, "is missing", "contact_id")
    told = modifications.circumstances(item.message)
    kind = Type.RECURRING_UPGRADE_DECLINE
    note_once(modifications.activity(kind, record, at, told, message_id=item.key))


def _take_over(record: RecurringContribution, item: Item, at: datetime) -> None:
    """What was changed on the pages of a processor: the donor's details, the amount."""
    message, told = item.message, modifications.circumstances(item.message)
    amounts: dict[str, str] = {}
    if message.amount is not None:
        amount = wishes.amount(message, record)
        event = _event(record, item, Kind.AMOUNT, at, amount=str(amount), is_external=True)
        modifications.add(event, told)
        modifications.note_amounts(record)
        amounts = modifications.amounts(at, record.currency, amount=amount)
    donor = donor_details(message, at, is_known_recurring=False)
    directory = Directory.load([donor], [record.contact_id])
    profile = directory.owner(record)
    if profile is not None:
        directory.save(donor, profile, item.key)
        directory.write()
    kind = Type.RECURRING_EXTERNAL
    note_once(modifications.activity(kind, record, at, told, message_id=item.key, **amounts))


def _event(
    record: RecurringContribution, item: Item, kind: Kind, at: datetime, **told: Detail
) -> RecurringEvent:
    return history.event(record, kind, at, queue=QUEUE, message_id=item.key, **told)


def _add(event: RecurringEvent, item: Item, kind: Type, **details: str) -> bool:
    """Add an event with its activity; whether it was news."""
    told = modifications.circumstances(item.message)
    is_news = modifications.add(event, told)
    if is_news:
        record, at = event.recurring, event.at
        modifications.activity(kind, record, at, told, message_id=item.key, **details).save()
    return is_news


def _mail(record: RecurringContribution, item: Item, template: str, change: str = "") -> None:
    next_date = record.next_sched_contribution_date
    context = {
        "amount": str(money.rounded(record.amount, record.currency)),
        "currency": record.currency,
        "next_date": f"{next_date:%Y-%m-%d}" if next_date else "",
        "change": change,
    }
    send_later(
        template,
        record.contact,
        key=f"{QUEUE} {item.key}",
        context=context,
        message_id=item.key,
    )


_RULES: dict[str, Callable[[RecurringContribution, Item, datetime], None]] = {
    "recurring_upgrade": _change,
    "recurring_upgrade_decline": _decline,
    "recurring_downgrade": _change,
    "recurring_paused": _pause,
    "recurring_annual_conversion": _make_annual,
    "recurring_cancel": _cancel,
    "external_recurring_modification": _take_over,
}
