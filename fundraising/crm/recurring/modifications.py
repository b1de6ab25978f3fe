"""What donors change of their recurring contributions, and the activities that tell of it.

Raising and lowering are told apart by what was given at that time, so a change that comes
late can turn a later one from the one into the other: its activity is then written anew.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal

from fundraising.crm import columns
from fundraising.crm.currencies import exchange_rates
from fundraising.crm.currencies.money import REPORTING_CURRENCY, Money
from fundraising.crm.messages import RecurringModifyMessage
from fundraising.crm.models import Activity, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history
from fundraising.crm.recurring.state import Event, fold

QUEUE = "recurring-modify"
DONOR_PORTAL = "emailpreferences"

Kind = RecurringEvent.Kind
Type = Activity.Type
Told = Mapping[str, str | bool]

_DAYS = re.compile(r"([1-9]\d{0,2}) days?", re.ASCII | re.IGNORECASE)


def days(duration: str) -> int | None:
    """How long a pause lasts, told as ``60 days``; None for anything else."""
    found = _DAYS.fullmatch(duration)
    return int(found[1]) if found else None


def difference(events: Iterable[Event], change: Event) -> Decimal:
    """What a change of the amount added to what was given before it, in the record's currency."""
    before = fold(event for event in events if event.tells_terms or event.order < change.order)
    return (change.amount or before.amount) - before.amount


def circumstances(message: RecurringModifyMessage) -> Told:
    """How the donor came to it, as far as the message tells."""
    told: dict[str, str | bool] = {
        "campaign": message.campaign,
        "medium": message.medium,
        "source": message.source,
        "is_from_donor_portal": message.source_type == DONOR_PORTAL,
        "is_from_save_flow": message.is_from_save_flow,
    }
    return {name: value for name, value in told.items() if value}


def add(event: RecurringEvent, told: Told) -> bool:
    """Add an event to the history of its record, which is locked, unless it is there.

    Returns whether it was news. One that two messages tell, of one moment and with equal
    contents, is one event; it names the same message whichever came first.
    """
    event.details["told"] = told
    known = RecurringEvent.objects.filter(
        recurring=event.recurring_id, kind=event.kind, at=event.at, queue=event.queue
    )
    same = next((row for row in known if row.details == event.details), None)
    if same is None:
        history.add([event])
    elif event.message_id < same.message_id:
        noted = Activity.objects.filter(
            source_record_id=event.recurring_id, message_id=same.message_id
        )
        noted.update(message_id=event.message_id)
        RecurringEvent.objects.filter(pk=same.pk).update(message_id=event.message_id)
    return same is None


def activity(
    kind: Type,
    record: RecurringContribution,
    at: datetime,
    told: Told,
    *,
    message_id: str,
    subject: str = "",
    **details: str | bool,
) -> Activity:
    """An activity, unsaved, that tells of a change of a record."""
    if told.get("is_from_save_flow"):
        details["is_from_save_flow"] = True
    row = Activity(
        activity_type=kind,
        contact_id=record.contact_id,
        source_record_id=record.pk,
        activity_date=at,
        message_id=message_id,
        subject=subject,
        details=json.dumps(details, sort_keys=True) if details else "",
        tracking_campaign=told.get("campaign", ""),
        tracking_medium=told.get("medium", ""),
        tracking_source=told.get("source", ""),
        is_from_donor_portal=bool(told.get("is_from_donor_portal")),
    )
    columns.fit(row)
    return row


def amounts(at: datetime, currency: str, **values: Decimal) -> dict[str, str]:
    """Amounts as the details of an activity name them, natively and in USD of that time.

    Raises ``UnknownCurrency``.
    """
    rate = exchange_rates.rates_for([(currency, at)]).value_in_usd(currency, at)
    found = {"currency": currency}
    for name, value in values.items():
        native = Money(value, currency).rounded()
        found[name] = str(native.amount)
        found[f"usd_{name}"] = str(native.convert(rate, REPORTING_CURRENCY).amount)
    return found


def note_amounts(record: RecurringContribution) -> dict[str, Decimal]:
    """Have the activities of a record, which is locked, tell what its donor raised and lowered.

    Returns the differences by the ids of the messages; what turns out to make none has no
    activity. Raises ``UnknownCurrency``.
    """
    rows = RecurringEvent.objects.filter(recurring=record, queue=QUEUE, kind=Kind.AMOUNT)
    events = history.of([record.pk])[record.pk]
    differences = {}
    for row in rows:
        if row.details.get("is_external"):
            continue
        change = history.read(row)
        differences[row.message_id] = difference(events, change)
        _note_amount(record, row, change.amount or record.amount, differences[row.message_id])
    return differences


def _note_amount(
    record: RecurringContribution, row: RecurringEvent, amount: Decimal, added: Decimal
) -> None:
    known = Activity.objects.filter(
        activity_type__in=[Type.RECURRING_UPGRADE, Type.RECURRING_DOWNGRADE],
        source_record_id=record.pk,
        message_id=row.message_id,
    )
    if not added:
        known.delete()
        return
    kind = Type.RECURRING_UPGRADE if added > 0 else Type.RECURRING_DOWNGRADE
    told = amounts(row.at, record.currency, amount=amount, difference=added)
    wanted = activity(kind, record, row.at, row.details["told"], message_id=row.message_id, **told)
    if (former := known.first()) is not None:
        wanted.pk = former.pk
    wanted.save()
