"""What fraud filters and front ends said of payments."""

from collections.abc import Iterator

from django.db.models import Q

from fundraising.fredge.models import PaymentAttempt, PaymentsFraud, PaymentsInit
from fundraising.trace.clues import Clues
from fundraising.trace.entries import Entry, Tone, page_of

_BAD_ENDS = frozenset({"failed", "cancelled", "timeout"})


def entries(clues: Clues) -> Iterator[Entry]:
    """Lines of attempts, scores and outcomes."""
    about = Q(order_id__in=clues.orders) | Q(contribution_tracking_id__in=clues.visits)
    yield from _attempts(about)
    yield from _scores(about)
    yield from _outcomes(about)


def _attempts(about: Q) -> Iterator[Entry]:
    for row in PaymentAttempt.objects.filter(about).exclude(ts=None):
        if row.ts is not None:
            yield Entry(
                at=row.ts,
                source="Payment attempt",
                title=f"Attempt {row.order_id}",
                facts={
                    "gateway": row.gateway,
                    "payment_method": row.payment_method,
                    "declined": row.auth_decline,
                    "blocked": row.blocked_by_filter,
                    "flagged": row.fraud_flagged_by_processor,
                },
                url=page_of(row),
                message_id=row.message_id,
            )


def _scores(about: Q) -> Iterator[Entry]:
    for row in PaymentsFraud.objects.filter(about).prefetch_related("breakdown"):
        scores = {
            part.filter_name: f"{part.risk_score.normalize():f}" for part in row.breakdown.all()
        }
        yield Entry(
            at=row.date,
            source="Fraud score",
            title=f"{row.risk_score.normalize():f}: {row.validation_action}",
            facts={"gateway": row.gateway, "order_id": row.order_id, **scores},
            tone=Tone.PLAIN if row.validation_action == "process" else Tone.WARNING,
            url=page_of(row),
            message_id=row.message_id,
        )


def _outcomes(about: Q) -> Iterator[Entry]:
    for row in PaymentsInit.objects.filter(about):
        yield Entry(
            at=row.date,
            source="Payments init",
            title=f"Ended as {row.payments_final_status}",
            facts={
                "validation": row.validation_action,
                "gateway": row.gateway,
                "order_id": row.order_id,
                "gateway_txn_id": row.gateway_txn_id,
                "amount": f"{row.amount.normalize():f} {row.currency_code}",
                "server": row.server,
            },
            tone=Tone.WARNING if row.payments_final_status in _BAD_ENDS else Tone.PLAIN,
            url=page_of(row),
            message_id=row.message_id,
        )
