"""What donors began."""

from collections.abc import Iterator

from django.db.models import Q

from fundraising.pending.models import PendingTransaction
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, Tone, page_of


def entries(clues: Clues) -> Iterator[Entry]:
    """A line for each pending transaction."""
    rows = PendingTransaction.objects.filter(
        Q(order_id__in=clues.orders)
        | Q(gateway_txn_id__in=clues.payments)
        | Q(email__in=clues.emails)
    )
    for row in rows:
        yield Entry(
            at=row.date,
            source="Pending",
            title="Payment begun" + (", resolved since" if row.is_resolved else ""),
            facts={
                "gateway": row.gateway,
                "order_id": row.order_id,
                "gateway_txn_id": row.gateway_txn_id,
                "payment_method": row.payment_method,
                "amount": f"{row.message.get('gross', '')} {row.message.get('currency', '')}",
            },
            tone=Tone.PLAIN if row.is_resolved else Tone.WARNING,
            url=page_of(row),
            message_id=row.message_id or str(row.message.get("message_id") or ""),
        )
