"""The consumer of every ``<queue>-damaged`` list, and the schedule of retries."""

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from queues import cards, inbox, outbox, wire
from queues.deadletter import SUFFIX, DeadLetter, damaged_queue
from queues.models import DamagedMessage, DamagedMessageEvent, InboxMark
from queues.outcomes import Damaged, Outcome
from queues.routes import routes

log = logging.getLogger(__name__)

REQUEUE_BATCH = 500

Status = DamagedMessage.Status
Action = DamagedMessageEvent.Action

# Columns that people search by.
_SEARCHED = ("gateway", "order_id", "gateway_txn_id", "email")
_LEGIBLE = re.compile(
    rf'"({"|".join(_SEARCHED)}|source_enqueued_time)"\s*:\s*(?:"([^"\\]{{1,255}})"|([0-9]{{1,20}}))'
)


def fingerprint(letter: DeadLetter) -> str:
    """Equal for equal reasons: numbers in a text, such as sizes, make no difference."""
    reason = (letter.queue, letter.code, letter.field, re.sub(r"\d+", "#", letter.error))
    return sha256("\0".join(reason).encode()).hexdigest()[:16]


def open_letter(queue: str, body: bytes) -> DeadLetter:
    """The dead letter on a list; what is none becomes one, as nothing may be lost."""
    try:
        return DeadLetter.loads(body)
    except ValueError:
        code = "NOT_A_DEAD_LETTER" if queue.endswith(SUFFIX) else "UNROUTED"
        text = "was pushed here by hand" if queue.endswith(SUFFIX) else "the queue has no route"
        return DeadLetter(
            queue=queue.removesuffix(SUFFIX),
            body=cards.mask_body(body),
            code=code,
            error=text,
            id=wire.digest(body)[:32],
        )


def describe(row: DamagedMessage, message: Mapping[str, wire.Json]) -> None:
    """Fill the columns that people search by from what can be read of the message.

    A job has them in its payload.
    """
    payload = message.get("payload")
    told = {**payload, **message} if isinstance(payload, dict) else message
    for column in _SEARCHED:
        value = told.get(column)
        text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        setattr(row, column, text[:255])
    row.email = row.email.lower()


def store(queue: str, bodies: Sequence[bytes]) -> None:
    """Write the dead letters of a list to the table, each once however often delivered."""
    letters = {letter.id: letter for letter in (open_letter(queue, body) for body in bodies)}
    marked = damaged_queue(queue.removesuffix(SUFFIX))
    known = inbox.seen(marked, letters)
    fresh = {id_: letter for id_, letter in letters.items() if id_ not in known}
    for letter in fresh.values():
        _store(letter)
    inbox.mark([InboxMark(queue=marked, key=id_, digest=id_) for id_ in fresh])


def attempts(queue: str, key: str) -> int:
    """How often a message was set aside so far, by the key it was received with."""
    rows = DamagedMessage.objects.filter(original_queue=queue, message_id=key)
    return rows.aggregate(most=Max("attempts"))["most"] or 0


def requeue_due(instance: str) -> int:
    """Send the parked messages of an instance again whose time has come; returns how many.

    They go through the outbox, so that a crash neither loses nor doubles one.
    """
    requeued = 0
    mine = DamagedMessage.objects.filter(original_queue__in=routes().queues(instance))
    while True:
        with transaction.atomic():
            due = mine.filter(status=Status.WAITING, retry_at__lte=timezone.now())
            if transaction.get_connection().features.has_select_for_update_skip_locked:
                due = due.select_for_update(skip_locked=True)
            rows = list(due.order_by("retry_at")[:REQUEUE_BATCH])
            for row in rows:
                row.status, row.retry_at = Status.RESENT, None
            send_later(rows)
            DamagedMessage.objects.bulk_update(rows, ["status", "retry_at"])
            DamagedMessageEvent.objects.bulk_create(
                DamagedMessageEvent(damaged_message=row, action=Action.RETRIED) for row in rows
            )
        requeued += len(rows)
        if len(rows) < REQUEUE_BATCH:
            return requeued


def send_later(rows: Iterable[DamagedMessage]) -> dict[str, int]:
    """Send the messages of rows, verbatim and in order, when this transaction has committed.

    Returns how many, by queue.
    """
    bodies: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
    for row in rows:
        bodies[row.original_queue].append((row.message_id, row.body))
    for queue, pairs in bodies.items():
        outbox.send_later(queue, pairs)
    return {queue: len(pairs) for queue, pairs in bodies.items()}


def _store(letter: DeadLetter) -> None:
    """A new row, or the row of a message that was sent again and failed again."""
    key = letter.message_key or wire.digest(letter.body)
    row = (
        DamagedMessage.objects.filter(
            original_queue=letter.queue, message_id=key, status=Status.RESENT
        )
        .order_by("-pk")
        .first()
    )
    if row is None:
        row = DamagedMessage(original_queue=letter.queue, message_id=key, attempts=0)
    row.attempts += 1
    row.damaged_date = datetime.fromtimestamp(letter.damaged_at, UTC)
    row.message = letter.body
    row.code, row.field = letter.code[:64], letter.field[:128]
    row.error, row.trace = letter.error, letter.trace
    row.fingerprint = fingerprint(letter)
    _schedule(row, letter)
    message = _read(letter.body)
    describe(row, message)
    row.original_date = _date(message) or row.damaged_date
    row.save()
    DamagedMessageEvent.objects.create(
        damaged_message=row, action=Action.FAILED, reason=f"{letter.code} {letter.error}"[:255]
    )


def _schedule(row: DamagedMessage, letter: DeadLetter) -> None:
    """Parked messages wait for their next try; when the tries are used up, for a person."""
    row.status, row.retry_at = Status.DAMAGED, None
    if letter.outcome is not Outcome.PARK or letter.queue not in routes():
        return
    delay = routes()[letter.queue].retry.delay(row.attempts)
    if delay is not None:
        row.status, row.retry_at = Status.WAITING, timezone.now() + delay


def _read(body: bytes) -> Mapping[str, wire.Json]:
    """The message, or what can be made out of one that is no good JSON."""
    try:
        return wire.parse(body, len(body))
    except Damaged:
        found = _LEGIBLE.findall(body.decode("utf-8", "replace"))
        return {name: text or number for name, text, number in found}


def _date(message: Mapping[str, wire.Json]) -> datetime | None:
    """When the message was first pushed, as far as it says so."""
    for name in ("source_enqueued_time", "date"):
        value = message.get(name)
        if isinstance(value, str) and value.isascii() and value.isdigit():
            value = int(value[:12])
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**33:
            return datetime.fromtimestamp(value, UTC)
    return None
