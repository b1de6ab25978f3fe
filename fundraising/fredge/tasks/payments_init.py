"""The consumer of ``payments-init``."""

from collections.abc import Sequence

from fundraising.fredge.merging import Stamp
from fundraising.fredge.messages import PaymentsInitMessage
from fundraising.fredge.messages.mandatory import incomplete, missing
from fundraising.fredge.models import PaymentsInit
from fundraising.fredge.models.told import Key
from fundraising.fredge.rows import Rows
from fundraising.pending import transactions
from queues.consumer import Received, group_consumer


@group_consumer("payments-init")
def payments_init(group: Sequence[Received[PaymentsInitMessage]]) -> None:
    """Note how attempts to pay ended; nobody chases a payment of which no money can come."""
    told = _complete(group)
    if not told:
        return
    rows = Rows(PaymentsInit, (_key(item.message) for item in told))
    orders = {(row.gateway, row.order_id) for row in rows}
    for item in told:
        stamp = Stamp.of(item.message.date, item.key)
        rows.tell(_key(item.message), stamp, item.message.told())
    rows.save()
    orders |= {(row.gateway, row.order_id) for row in rows}
    transactions.follow_payments_init(orders)


def _complete(
    group: Sequence[Received[PaymentsInitMessage]],
) -> list[Received[PaymentsInitMessage]]:
    told = []
    for item in group:
        lacking = missing(item.message, PaymentsInitMessage.MANDATORY)
        if lacking:
            item.set_aside(incomplete(lacking))
        else:
            told.append(item)
    return told


def _key(message: PaymentsInitMessage) -> Key:
    return message.contribution_tracking_id or 0, message.order_id
