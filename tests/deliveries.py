"""Messages as a worker has them: off a list, through their consumer, to their end."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import redis
from celery import Task

from fundraising.banners.tasks import banner_history
from fundraising.crm.tasks import donations, recurring_modify, upi_donations
from fundraising.fredge.tasks import payment_attempts, payments_antifraud, payments_init
from fundraising.pending.tasks import pending
from fundraising.preferences.tasks import (
    email_preferences,
    lead_generation,
    new_checksum_link,
    opt_in,
    unsubscribe,
    verify_email,
)
from fundraising.tracking.tasks import contribution_tracking
from queues import reserved
from queues.deadletter import DeadLetter, damaged_queue
from queues.outcomes import Outcome

Message = dict[str, Any]
Told = tuple[str, Message]

_TASKS: dict[str, Task[Any, None]] = {
    "banner-history": banner_history,
    "contribution-tracking": contribution_tracking,
    "donations": donations,
    "email-preferences": email_preferences,
    "lead-generation": lead_generation,
    "new-checksum-link": new_checksum_link,
    "opt-in": opt_in,
    "payment-attempts": payment_attempts,
    "payments-antifraud": payments_antifraud,
    "payments-init": payments_init,
    "pending": pending,
    "recurring-modify": recurring_modify,
    "unsubscribe": unsubscribe,
    "upi-donations": upi_donations,
    "verify-email": verify_email,
}


def lines(path: Path) -> list[Message]:
    """The messages of a file, one a line."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def deliver(client: redis.Redis, queue: str, *messages: Message) -> list[DeadLetter]:
    """Bring messages to a consumer as one group; those that it set aside."""
    client.rpush(queue, *(json.dumps(message) for message in messages))
    command = reserved.reserve_command(
        [queue],
        {queue: len(messages)},
        prefix="0001.",
        lease=60,
        room=1,
        group_bytes=2**20,
        message_bytes=2**20,
    )
    (group,) = reserved.groups(client.execute_command(*command))
    _run(_TASKS[queue], group.tag, queue, [body.decode() for body in group.messages])
    letters = client.lpop(damaged_queue(queue), len(messages)) or []
    return [DeadLetter.loads(letter) for letter in letters]


def tell(client: redis.Redis, told: Iterable[Sequence[Told]]) -> list[DeadLetter]:
    """Bring groups of messages, each of any queues, to their consumers.

    What was parked comes due when all others have come. Those that need a person are
    returned, and those for which nothing that came was enough.
    """
    letters: list[DeadLetter] = []
    for group in told:
        letters += [
            letter for queue, part in _by_queue(group) for letter in deliver(client, queue, *part)
        ]
    due = [letter for letter in letters if letter.outcome is Outcome.PARK]
    settled = [letter for letter in letters if letter.outcome is not Outcome.PARK]
    for letter in due:
        settled += deliver(client, letter.queue, json.loads(letter.body))
    return settled


def _run(task: Task[Any, None], tag: str, queue: str, texts: list[str]) -> None:
    """The task as Celery calls it, but for its signals: one drops a connection in use."""
    task.push_request(id=tag)
    try:
        task.run(queue, texts)
    finally:
        task.pop_request()


def _by_queue(told: Sequence[Told]) -> Iterator[tuple[str, list[Message]]]:
    """The messages of each queue, in their order."""
    for queue in dict.fromkeys(queue for queue, _ in told):
        yield queue, [message for other, message in told if other == queue]
