"""Jobs for tests: as listeners push them, done as the contract does, and what they push on."""

import json
from functools import partial
from typing import Any

from django.db import transaction

from fundraising.gateways.messages import JobMessage
from fundraising.gateways.tasks.jobs import jobs
from fundraising.pending.models import PendingTransaction
from queues import damaged, effects
from queues.deadletter import DeadLetter
from queues.messages import SOURCE_FIELDS
from queues.models import DamagedMessage, OutboxMessage
from queues.outcomes import Outcome
from queues.received import Received, Refused, read
from queues.routes import routes
from tests.pending.messages import store_group

# 2026-03-01 12:00:00 UTC
HEARD = 1772366400

Message = dict[str, Any]
Item = Received[JobMessage]


def job(name: str, payload: object, **fields: object) -> Message:
    """A job as a listener in PHP pushes it."""
    return {
        "class": name,
        "payload": payload,
        "source_name": "SmashPig",
        "source_type": "listener",
        "source_host": "listener1",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": HEARD,
        **fields,
    }


def do(queue: str, *messages: Message) -> list[str]:
    """Do the jobs of a group, and keep what is set aside; the code of each one's verdict."""
    items = []
    for message in messages:
        item: Item | Refused = read(routes()[queue], json.dumps(message).encode())
        assert isinstance(item, Received), item.reason
        items.append(item)
    effects.apply(queue, partial(jobs, queue), items)
    for item in items:
        _keep(queue, item)
    return [item.verdict.code if item.verdict else "" for item in items]


def do_one(queue: str, message: Message) -> str:
    """Do one job; the code of its verdict, with the field at fault."""
    (code,) = do(queue, message)
    fault = DamagedMessage.objects.order_by("-damaged_date", "-pk").first()
    return f"{code} {fault.field}".strip() if code and fault else code


def pushed(queue: str) -> list[Message]:
    """What was pushed on to a queue, without what only the last hop says."""
    rows = OutboxMessage.objects.filter(queue=queue).order_by("pk")
    return [without_hop(json.loads(bytes(row.body))) for row in rows]


def without_hop(message: Message) -> Message:
    """A message without its ``source_*`` fields."""
    return {key: value for key, value in message.items() if key not in SOURCE_FIELDS}


def told(message: Message) -> Message:
    """A message without its envelope."""
    return {
        key: value
        for key, value in without_hop(message).items()
        if key != "message_id" and not key.startswith("origin_")
    }


def begin(**fields: Any) -> Message:
    """A donor begins a payment: the pending message, stored."""
    message = pending(**fields)
    with transaction.atomic():
        store_group(message)
    return message


def pending(**fields: Any) -> Message:
    """A pending message as a front end pushes it."""
    return {
        "gateway": "adyen",
        "order_id": "119223.1",
        "gateway_txn_id": False,
        "contribution_tracking_id": "119223",
        "gross": "10.00",
        "currency": "EUR",
        "date": HEARD - 600,
        "payment_method": "cc",
        "payment_submethod": "visa",
        "first_name": "Ana",
        "last_name": "Donor",
        "email": "ana@example.org",
        "country": "NL",
        "language": "nl",
        "utm_source": "B26.lp.cc",
        "source_name": "DonationInterface",
        "source_enqueued_time": HEARD - 600,
        **fields,
    }


def row(order_id: str = "119223.1") -> PendingTransaction:
    """The pending row of an order."""
    return PendingTransaction.objects.get(order_id=order_id)


def _keep(queue: str, item: Item) -> None:
    """What the worker does with a message that is set aside."""
    verdict = item.verdict
    if verdict is not None and verdict.outcome is not Outcome.DROP:
        letter = DeadLetter(
            queue=queue,
            body=item.body,
            code=verdict.code,
            error=verdict.text,
            field=verdict.field,
            outcome=verdict.outcome,
            message_key=item.key,
        )
        damaged.store(f"{queue}-damaged", [letter.dumps()])
