"""What processors told."""

from collections.abc import Iterator

from django.db.models import Q

from fundraising.gateways.models import ProcessorEvent
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, page_of


def entries(clues: Clues) -> Iterator[Entry]:
    """A line for each notification that was pushed on."""
    rows = ProcessorEvent.objects.filter(
        Q(order_id__in=clues.orders) | Q(gateway_txn_id__in=clues.payments)
    )
    for row in rows:
        yield Entry(
            at=row.created_at,
            source="Processor",
            title=f"Notification, passed on to {row.queue}",
            facts={"gateway": row.gateway, "order_id": row.order_id},
            url=page_of(row),
            message_id=row.message_id,
        )
