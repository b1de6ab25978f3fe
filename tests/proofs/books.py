"""Donations for the proofs, and the books that say what became of each."""

import itertools
import json
import os
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fundraising.crm.models import Contact, Contribution, Email
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues.models import DamagedMessage, InboxMark, OutboxMessage
from tests.workers import Stand, wait_for

QUEUE = "donations"

Donation = Mapping[str, Any]

_NUMBERS = itertools.count(100_000_001)


def size(variable: str, whole: int, short: int) -> int:
    """How large a proof is: as an environment variable says, else short in CI and whole here."""
    return int(os.environ.get(variable) or (short if os.environ.get("CI") else whole))


def donation(**fields: object) -> dict[str, Any]:
    """A payment of a donor of its own, with a visit to link."""
    number = next(_NUMBERS)
    return {
        "message_id": f"proof-{number}",
        "gateway": "adyen",
        "gateway_txn_id": f"TXN{number}",
        "order_id": f"{number}.1",
        "contribution_tracking_id": str(number),
        "date": int(time.time()) - 60,
        "gross": "12.00",
        "currency": "EUR",
        "payment_method": "cc",
        "payment_submethod": "visa",
        "email": f"donor{number}@example.org",
        "first_name": "Ana",
        "last_name": f"Donor{number}",
        "country": "FR",
        "language": "fr",
        **fields,
    }


def wire(message: Donation) -> bytes:
    """As a producer pushes it."""
    return json.dumps(message).encode()


class Books(NamedTuple):
    """What became of payments. All but the first two and ``contacts`` should be 0."""

    payments: int
    donors: int
    contacts: int
    lost: int = 0
    twice: int = 0
    #: Contributions of nothing that was pushed.
    strangers: int = 0
    #: Contributions of which their visit knows nothing, or another.
    unlinked: int = 0
    #: Visits with more data points than the one of the link, or with contradicting links.
    linked_twice: int = 0
    #: Imported messages without a mark in the inbox.
    unmarked: int = 0
    #: Rows of contacts' e-mail addresses above one a donor.
    doubled_emails: int = 0
    in_outbox: int = 0
    damaged: int = 0


def kept(donations: Iterable[Donation]) -> Books:
    """The books when all went well."""
    donations = list(donations)
    donors = len({message["email"] for message in donations})
    return Books(len({message["gateway_txn_id"] for message in donations}), donors, donors)


def read(donations: Iterable[Donation]) -> Books:
    """The books of an otherwise empty database; of each payment the first message is to count."""
    donations = list(donations)
    first = {message["gateway_txn_id"]: message for message in reversed(donations)}
    donors = {message["email"] for message in donations}
    columns = ("pk", "gateway_txn_id", "contribution_tracking_id", "message_id")
    rows = list(Contribution.objects.values_list(*columns))
    times = Counter(payment for _, payment, _, _ in rows)
    links = dict(ContributionTracking.objects.values_list("pk", "contribution"))
    points = Counter(TrackingDataPoint.objects.values_list("contribution_tracking", flat=True))
    conflicts = set(
        ContributionTracking.objects.filter(link_conflicts__gt=0).values_list("pk", flat=True)
    )
    marks = set(InboxMark.objects.filter(queue=QUEUE).values_list("key", flat=True))
    return Books(
        payments=len(first),
        donors=len(donors),
        contacts=Contact.objects.count(),
        lost=len(first.keys() - times.keys()),
        twice=sum(count > 1 for count in times.values()),
        strangers=len(times.keys() - first.keys()),
        unlinked=sum(links.get(visit) != pk for pk, _, visit, _ in rows),
        linked_twice=len(conflicts | {visit for visit, count in points.items() if count > 1}),
        unmarked=sum(message_id not in marks for _, _, _, message_id in rows),
        doubled_emails=Email.objects.count() - len(donors),
        in_outbox=OutboxMessage.objects.count(),
        damaged=DamagedMessage.objects.count(),
    )


def wait_until_settled(stand: Stand, seconds: float) -> None:
    """Wait until nothing is on a list, in hand or in the outbox. Raises AssertionError."""

    def is_settled() -> bool:
        # Between two looks a message may have moved to where the first was.
        return stand.is_at_rest() and not OutboxMessage.objects.exists() and stand.is_at_rest()

    try:
        wait_for(is_settled, "nothing is left", seconds)
    except AssertionError as error:
        left = stand.lists() | stand.held() | {"outbox": OutboxMessage.objects.count()}
        raise AssertionError(f"left after {seconds} s: {left}") from error
