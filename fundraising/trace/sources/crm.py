"""What was imported: contributions, recurring contributions, activities."""

from collections.abc import Iterator

from django.db.models import Q

from fundraising.crm.models import Activity, Contribution, RecurringContribution, RecurringEvent
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, Tone, page_of

Status = Contribution.Status
Kind = RecurringEvent.Kind

_EVENT_TONES = {
    Kind.PAYMENT: Tone.GOOD,
    Kind.FAILED: Tone.WARNING,
    Kind.CANCELLED: Tone.WARNING,
}


def entries(clues: Clues) -> Iterator[Entry]:
    """Lines of everything in the donor database but the donor's own data."""
    yield from _contributions(clues)
    yield from _recurring(clues)
    yield from _activities(clues)


def _contributions(clues: Clues) -> Iterator[Entry]:
    for row in Contribution.objects.filter(pk__in=clues.contributions):
        told = {
            "amount": f"{row.original_amount.normalize():f} {row.original_currency}",
            "in USD": row.total_amount,
            "gateway": row.gateway,
            "order_id": row.order_id,
            "trxn_id": row.trxn_id,
            "invoice_id": row.invoice_id,
            "type": row.financial_type,
            "contact": row.contact_id,
        }
        yield Entry(
            at=row.receive_date,
            source="Contribution" if row.is_payment else "Refund or adjustment",
            title=f"Donation {row.pk}" if row.is_payment else f"{row.financial_type} {row.pk}",
            facts=told,
            tone=Tone.GOOD if row.is_payment else Tone.WARNING,
            url=page_of(row),
            message_id=row.message_id,
        )
        if row.cancel_date is not None:
            yield Entry(
                at=row.cancel_date,
                source="Contribution",
                title=f"Donation {row.pk}: {row.get_contribution_status_display()}",
                facts={"refund": row.refund_trxn_id, "reason": row.cancel_reason},
                tone=Tone.WARNING,
                url=page_of(row),
            )


def _recurring(clues: Clues) -> Iterator[Entry]:
    events = RecurringEvent.objects.filter(recurring__in=clues.recurring)
    for event in events.select_related("recurring"):
        yield Entry(
            at=event.at,
            source="Recurring contribution",
            title=f"Recurring {event.recurring_id}: {event.get_kind_display()}",
            facts={name: told for name, told in event.details.items() if told != {}},
            tone=_EVENT_TONES.get(Kind(event.kind), Tone.PLAIN),
            url=page_of(event.recurring),
            message_id=event.message_id,
        )
    for row in RecurringContribution.objects.filter(pk__in=clues.recurring, events=None):
        yield Entry(
            at=row.create_date,
            source="Recurring contribution",
            title=f"Recurring {row.pk}: {row.get_status_display()}",
            url=page_of(row),
            message_id=row.message_id,
        )


def _activities(clues: Clues) -> Iterator[Entry]:
    """Of a donor all; of a payment those about it, and what its donor wants to hear."""
    about = Q(contact__in=clues.contacts)
    if not clues.is_donor:
        about &= Q(source_record_id=None) | Q(
            source_record_id__in=clues.contributions | clues.recurring
        )
    for row in Activity.objects.filter(about).select_related("contact"):
        yield Entry(
            at=row.activity_date,
            source="Activity",
            title=row.get_activity_type_display(),
            facts={"about": row.source_record_id, "contact": row.contact_id},
            url=page_of(row.contact),
            message_id=row.message_id,
        )
