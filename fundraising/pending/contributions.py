"""Which pending payments became contributions."""

from collections.abc import Iterable
from dataclasses import dataclass

from fundraising.crm.models import Contribution
from fundraising.pending.lookups import any_of
from fundraising.pending.messages import PendingMessage


@dataclass(frozen=True, slots=True)
class Imported:
    """The (gateway, order_id) and the (gateway, gateway_txn_id) that contributions have."""

    orders: frozenset[tuple[str, str]]
    txns: frozenset[tuple[str, str]]

    def has(self, message: PendingMessage) -> bool:
        """Whether a contribution is of the order, or of the payment, of this message."""
        return (message.gateway, message.order_id) in self.orders or (
            message.gateway,
            message.gateway_txn_id,
        ) in self.txns


def imported(orders: Iterable[tuple[str, str]], txns: Iterable[tuple[str, str]]) -> Imported:
    """Which of these orders and payments were imported; one query."""
    rows = Contribution.objects.filter(
        any_of("order_id", orders) | any_of("gateway_txn_id", txns), is_payment=True
    ).values_list("gateway", "order_id", "gateway_txn_id")
    return Imported(
        orders=frozenset((gateway, order_id) for gateway, order_id, _ in rows if order_id),
        txns=frozenset((gateway, txn_id) for gateway, _, txn_id in rows if txn_id),
    )
