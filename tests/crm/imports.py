"""Donations for the import: messages as producers push them, brought in as the contract does."""

import json
from itertools import count
from typing import Any

from fundraising.crm.donations import import_donations
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import Contribution
from queues import effects
from queues.received import Received, Refused, read
from queues.routes import routes

_NUMBERS = count(1)
# 2026-03-01 12:00:00 UTC
DATE = 1772366400

Message = dict[str, Any]
Item = Received[DonationMessage]


def donation(**fields: object) -> Message:
    """A good message of a donor and payment of its own."""
    number = next(_NUMBERS)
    return {
        "gateway": "adyen",
        "gateway_txn_id": f"TXN{number:08}",
        "order_id": f"{70_000 + number}.1",
        "contribution_tracking_id": str(70_000 + number),
        "gross": "12.00",
        "currency": "USD",
        "date": DATE,
        "payment_method": "cc",
        "payment_submethod": "visa",
        "first_name": "Ana",
        "last_name": f"Donor{number}",
        "email": f"donor{number}@example.org",
        "country": "US",
        "language": "en",
        **fields,
    }


def receive(*messages: Message | bytes) -> list[Item]:
    """The messages as they come off the list."""
    items = []
    for message in messages:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        item: Item | Refused = read(routes()["donations"], body)
        assert isinstance(item, Received), item.reason
        items.append(item)
    return items


def import_group(*messages: Message | bytes) -> list[Item]:
    """Import the messages as one group; their verdicts are on what is returned."""
    items = receive(*messages)
    effects.apply("donations", import_donations, items)
    return items


def import_one(message: Message | bytes) -> Item:
    """Import one message."""
    return import_group(message)[0]


def verdicts(items: list[Item]) -> list[str]:
    """The code of each verdict; empty for those that were imported."""
    return [item.verdict.code if item.verdict else "" for item in items]


def contribution(message: Message) -> Contribution:
    """The contribution of a message."""
    return Contribution.objects.get(
        gateway=message["gateway"], gateway_txn_id=message["gateway_txn_id"], is_payment=True
    )
