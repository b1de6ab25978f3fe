"""Subscriptions for tests: messages of the ``recurring`` queue as PayPal's listener pushes them."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from fundraising.crm.messages import RecurringMessage
from fundraising.crm.models import RecurringContribution
from fundraising.crm.tasks.recurring import import_recurring
from fundraising.tracking import log
from queues import effects
from queues.models import OutboxMessage
from queues.outcomes import Outcome
from queues.received import Received, Refused, read
from queues.routes import routes
from tests.crm.imports import DATE, Message, contribution, donation, import_group, import_one

DAY = 86_400

DONE = ("done", "")
WAITS = (Outcome.PARK, "MISSING_PREDECESSOR")
DROPPED = (Outcome.DROP, "DUPLICATE_CONTRIBUTION")
WHEN = datetime.fromtimestamp(DATE, UTC)

Item = Received[Any]


def day(number: int) -> datetime:
    """So many days after the first."""
    return WHEN + timedelta(days=number)


def told(txn_type: str, **fields: object) -> Message:
    """A message of one subscription and donor, unless it says otherwise."""
    return {
        "txn_type": txn_type,
        "subscr_id": "I-ELM",
        "gateway": "paypal",
        "contribution_tracking_id": "4100",
        "email": "olga@example.org",
        "first_name": "Ольга",
        "middle_name": "",
        "last_name": "McTest",
        "country": "CZ",
        "gross": "100.00",
        "currency": "CZK",
        "date": DATE,
        "recurring": "1",
        **fields,
    }


ADDRESS = {
    "street_address": "Staroměstské nám. 1",
    "city": "Praha",
    "state_province": "",
    "postal_code": "110 00",
}


def signup(**fields: object) -> Message:
    """Of the first day."""
    terms = {
        "frequency_interval": "1",
        "frequency_unit": "month",
        "installments": 0,
        "create_date": DATE,
        "start_date": DATE,
    }
    return {**told("subscr_signup", **terms), **fields}


def payment(number: int = 1, **fields: object) -> Message:
    """The payment of that day, with the whole address."""
    ids = {"gateway_txn_id": f"PAID{number}", "order_id": "4100.1", "date": DATE + number * DAY}
    return told("subscr_payment", **{**ADDRESS, "fee": "2.70", **ids, **fields})


def failed(day: int = 1, **fields: object) -> Message:
    """A payment that failed that day."""
    return told("subscr_failed", **{"date": DATE + day * DAY, **fields})


def cancel(day: int = 1, **fields: object) -> Message:
    """The end, on that day."""
    at = DATE + day * DAY
    return told("subscr_cancel", **{"cancel_date": at, "date": at, **fields})


def receive(queue: str, *messages: Message | bytes) -> list[Item]:
    """The messages as they come off the list of a queue."""
    items = []
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        item: Item | Refused = read(routes()[queue], body)
        assert isinstance(item, Received), item.reason
        items.append(item)
    return items


def tell(*messages: Message | bytes) -> list[Received[RecurringMessage]]:
    """Bring messages in as one group; their verdicts are on what is returned."""
    items = receive("recurring", *messages)
    effects.apply("recurring", import_recurring, items)
    return items


def pushed(queue: str) -> list[Message]:
    """What is on its way to a queue."""
    rows = OutboxMessage.objects.filter(queue=queue).order_by("pk")
    return [json.loads(bytes(row.body)) for row in rows]


def relay() -> list[Item]:
    """Bring in what was pushed on: donations, then what they tell of visits."""
    items: list[Item] = list(import_group(*_taken("donations")))
    points = receive("contribution-tracking", *_taken("contribution-tracking"))
    effects.apply(
        "contribution-tracking",
        lambda group: log.append([(item.message.id, item) for item in group]),
        points,
    )
    return items + points


def tell_all(messages: Iterable[Message | bytes]) -> list[Item]:
    """Bring messages in one by one, relaying; the parked again, until nothing waits any more.

    Returns those that were refused, and those that would wait for ever.
    """
    waiting = list(messages)
    refused: list[Item] = []
    while waiting:
        items = [item for message in waiting for item in (*tell(message), *relay())]
        refused += [item for item in items if _ended(item, Outcome.DAMAGED)]
        parked = [item for item in items if _ended(item, Outcome.PARK)]
        if len(parked) == len(waiting):
            return refused + parked
        waiting = [item.body for item in parked]
    return refused


def verdict(message: Message) -> tuple[str, str]:
    """Outcome and code of one message alone."""
    (item,) = tell(message)
    return (str(item.verdict.outcome), item.verdict.code) if item.verdict else DONE


def refused(code: str) -> tuple[str, str]:
    """The verdict of a message that a person must look at."""
    return Outcome.DAMAGED, code


def record() -> RecurringContribution:
    """The only one."""
    return RecurringContribution.objects.get()


def rescued_record() -> RecurringContribution:
    """A record of Adyen's that it tries to rescue as R1."""
    message = donation(recurring="1", recurring_payment_token="TOK")
    import_one(message)
    relay()
    RecurringContribution.objects.update(rescue_reference="R1")
    found = contribution(message).contribution_recur
    assert found is not None
    return found


def _ended(item: Item, outcome: Outcome) -> bool:
    return item.verdict is not None and item.verdict.outcome is outcome


def _taken(queue: str) -> list[bytes]:
    rows = OutboxMessage.objects.filter(queue=queue).order_by("pk")
    bodies = [bytes(row.body) for row in rows]
    rows.delete()
    return bodies
