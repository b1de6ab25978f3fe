"""What people say payment attempts were: the truth that scores are measured by."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.utils import timezone

from fundraising.fredge.models import PaymentAttemptLabel


def label(orders: Iterable[str], *, is_fraud: bool, by: User) -> int:
    """Say of these orders whether they were fraud; the last word counts. Returns how many."""
    now = timezone.now()
    rows = [
        PaymentAttemptLabel(order_id=order_id, is_fraud=is_fraud, labelled_at=now, labelled_by=by)
        for order_id in sorted(set(orders))
    ]
    PaymentAttemptLabel.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["order_id"],
        update_fields=["is_fraud", "labelled_at", "labelled_by"],
    )
    return len(rows)
