"""Messages of several queues, brought in as the contract does: parked ones are tried again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any

from fundraising.crm.donations import import_donations
from fundraising.crm.tasks.donations_modify import cancel
from fundraising.crm.tasks.refund import book
from fundraising.crm.tasks.settle import record
from queues import effects
from queues.outcomes import Outcome, SetAside
from queues.received import Received, Refused, read
from queues.routes import routes
from tests.crm.imports import DATE, Message

CONSUMERS: Mapping[str, Any] = {
    "donations": import_donations,
    "refund": effects.each_received(book),
    "donations-modify": effects.each_received(cancel),
    "settle": effects.each(record),
}
DAY = 86_400
_NUMBERS = count(1)

Told = tuple[str, Message]


def receive(queue: str, message: Message) -> Received[Any] | Refused:
    """The message as it comes off the list."""
    return read(routes()[queue], json.dumps(message).encode())


def consume(queue: str, *messages: Message) -> list[str]:
    """Bring in messages as one group; the code of each verdict, empty for those done."""
    items = [receive(queue, message) for message in messages]
    good = [item for item in items if isinstance(item, Received)]
    assert len(good) == len(items)
    effects.apply(queue, CONSUMERS[queue], good)
    return [item.verdict.code if item.verdict else "" for item in good]


def judge(queue: str, message: Message) -> SetAside | None:
    """Bring in one message; its verdict, None when it was done."""
    item = receive(queue, message)
    if isinstance(item, Refused):
        return item.reason
    effects.apply(queue, CONSUMERS[queue], [item])
    return item.verdict


def bring_in(told: Iterable[Told]) -> list[str]:
    """Bring in messages one by one, the parked again until their predecessor is there.

    Returns the codes of those that ended otherwise than done, sorted.
    """
    waiting = list(told)
    codes = []
    while waiting:
        parked = []
        for queue, message in waiting:
            verdict = judge(queue, message)
            if verdict is not None and verdict.outcome is Outcome.PARK:
                parked.append((queue, message))
            elif verdict is not None:
                codes.append(verdict.code)
        if len(parked) == len(waiting):
            return sorted([*codes, *("parked" for _ in parked)])
        waiting = parked
    return sorted(codes)


def refund(gift: Message, **fields: object) -> Message:
    """A refund of the whole gift, a day later, with an id of its own."""
    return {
        "gateway": gift["gateway"],
        "gateway_parent_id": gift["gateway_txn_id"],
        "gateway_refund_id": f"R{next(_NUMBERS):06}",
        "type": "refund",
        "gross": gift["gross"],
        "gross_currency": gift["currency"],
        "date": DATE + DAY,
        **fields,
    }


def chargeback(gift: Message, **fields: object) -> Message:
    """The donor's bank took the gift back."""
    return refund(gift, **{"type": "chargeback", **fields})


def again(message: Message, **fields: object) -> Message:
    """The same told by another message."""
    return {**message, "message_id": f"again-{next(_NUMBERS)}", **fields}


def failure(gift: Message, **fields: object) -> Message:
    """The bank debit of the gift came back."""
    return {
        "gateway": gift["gateway"],
        "gateway_txn_id": gift["gateway_txn_id"],
        "contribution_status_id:name": "Cancelled",
        "reason": "Account Closed",
        "can_retry": False,
        "payment_method": "ach",
        "date": DATE + DAY,
        **fields,
    }


def snapshot(rows: Iterable[Any], leave_out: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Rows without what depends on the order of arrival by nature: numbers, times, messages."""
    hidden = {"id", "created_at", "message_id", "parent_contribution_id", *leave_out}
    shown = [
        {
            field.attname: getattr(row, field.attname)
            for field in row._meta.concrete_fields
            if field.attname not in hidden
        }
        for row in rows
    ]
    return sorted(shown, key=lambda row: str(sorted((key, str(row[key])) for key in row)))
