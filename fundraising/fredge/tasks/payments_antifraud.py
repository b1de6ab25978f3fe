"""The consumer of ``payments-antifraud``."""

from collections.abc import Sequence

from fundraising.fredge.breakdowns import Breakdowns
from fundraising.fredge.merging import Stamp
from fundraising.fredge.messages import PaymentsAntifraudMessage
from fundraising.fredge.messages.mandatory import incomplete, missing
from fundraising.fredge.models import PaymentsFraud
from fundraising.fredge.models.told import Key
from fundraising.fredge.rows import Rows
from queues.consumer import Received, group_consumer
from queues.outcomes import Park

Item = Received[PaymentsAntifraudMessage]


@group_consumer("payments-antifraud")
def payments_antifraud(group: Sequence[Item]) -> None:
    """Keep what fraud filters say of attempts to pay.

    A complete message makes the row of its attempt, or tells it and its breakdown anew. A
    partial one adds to a row: until a complete one has come it is parked.
    """
    told = _dated(group)
    if not told:
        return
    rows = Rows(PaymentsFraud, (_key(item.message) for item in told))
    breakdowns = Breakdowns(rows)
    complete = {_key(item.message) for item in told if not _lacking(item)}
    for item in told:
        key, lacking = _key(item.message), _lacking(item)
        if key not in rows and key not in complete:
            item.set_aside(
                Park("MISSING_PREDECESSOR", "is missing, and no message told it before", lacking[0])
            )
            continue
        stamp, values = Stamp.of(item.message.at(), item.key), item.message.told()
        if not lacking:
            values["breakdown_message_id"] = item.key
        row = rows.tell(key, stamp, values)
        breakdowns.tell(row, stamp, item.message.score_breakdown or {})
    rows.save()
    breakdowns.save()


def _dated(group: Sequence[Item]) -> list[Item]:
    """Those that say of which payment they tell and since when it is so."""
    told = []
    for item in group:
        lacking = missing(item.message, ("contribution_tracking_id",))
        if item.message.at() is None:
            lacking.append("date")
        if lacking:
            item.set_aside(incomplete(lacking))
        else:
            told.append(item)
    return told


def _lacking(item: Item) -> list[str]:
    return missing(item.message, PaymentsAntifraudMessage.MANDATORY)


def _key(message: PaymentsAntifraudMessage) -> Key:
    """The attempt; without an order id the tracking id stands for it."""
    visit = message.contribution_tracking_id or 0
    return visit, message.order_id or str(visit)
