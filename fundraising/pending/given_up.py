"""Which pending payments came to nothing, as payments-init says."""

from collections import defaultdict
from collections.abc import Iterable

from fundraising.fredge.models import PaymentsInit
from fundraising.pending.lookups import any_of
from fundraising.pending.payments_init import is_given_up


def given_up(orders: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
    """Those (gateway, order_id) of which no attempt can still bring money; one query."""
    attempts: dict[tuple[str, str], list[bool]] = defaultdict(list)
    rows = PaymentsInit.objects.filter(any_of("order_id", orders))
    for gateway, order_id, status, action in rows.values_list(
        "gateway", "order_id", "payments_final_status", "validation_action"
    ):
        attempts[gateway, order_id].append(is_given_up(status, action, gateway))
    return frozenset(order for order, ends in attempts.items() if all(ends))
