"""What a person does with damaged messages: edit, send again, discard, look at.

Each leaves an event that says who did it, why, and what the message was before and after.
"""

import logging
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from pydantic import ValidationError

from queues import cards, damaged, inbox, messages, wire
from queues.models import DamagedMessage, DamagedMessageEvent
from queues.outcomes import Damaged
from queues.routes import routes

log = logging.getLogger(__name__)

#: A message sent again that is neither imported nor damaged again after so long may be sent
#: once more: if it was not lost but waits in a backlog, the inbox drops the second.
LOST_AFTER = timedelta(hours=1)

MAX_REASON = 255

Status = DamagedMessage.Status
Action = DamagedMessageEvent.Action


class Fault(NamedTuple):
    """What stands against sending a message; ``field`` is empty for the message as a whole."""

    field: str
    text: str

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" if self.field else self.text


class Refused(Exception):
    """It cannot be done, for these faults; no text of them holds a value."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = faults


class Draft(NamedTuple):
    """A message as a person wrote it: the bytes it would be, and what is wrong with it."""

    body: bytes
    message_id: str
    faults: Sequence[Fault]


class Resent(NamedTuple):
    """Which rows were sent again, and why others were not."""

    sent: list[int]
    refused: dict[int, list[Fault]]


def faults(queue: str, body: bytes) -> list[Fault]:
    """Why bytes cannot be sent to a queue, by field; empty if they can.

    That they read and fit the queue's schema does not say that they will be imported.
    """
    route = routes().get(queue)
    if route is None:
        return [Fault("", f"the queue {queue} is not in the route table")]
    try:
        value = wire.parse(body, settings.QUEUE_MAX_MESSAGE_BYTES)
    except Damaged as reason:
        return [Fault(reason.field, reason.text)]
    _, with_card_data = cards.mask(value)
    if with_card_data:
        return [Fault(field, "has card data") for field in with_card_data]
    try:
        route.schema.model_validate(value)
    except ValidationError as error:
        return [Fault(field, text) for field, text in messages.faults(error)]
    return []


def obstacles(rows: Collection[DamagedMessage]) -> dict[int, list[Fault]]:
    """Why rows cannot be sent now, by primary key; those that can are absent."""
    found = _on_the_way(rows)
    for row in rows:
        if row.pk not in found and (wrong := faults(row.original_queue, row.body)):
            found[row.pk] = wrong
    return found


def draft(row: DamagedMessage, text: str) -> Draft:
    """What a row's message would be with ``text`` in its place; writes nothing.

    It keeps its message_id, by which it is imported once at most. If it had none it gets the
    digest by which it was known so far, so that the message as it was and as it is now cannot
    both be imported.
    """
    raw = text.encode("utf-8", "surrogatepass")
    try:
        value = wire.parse(raw, settings.QUEUE_MAX_MESSAGE_BYTES)
    except Damaged as reason:
        return Draft(raw, row.message_id, [Fault(reason.field, reason.text)])
    before = _read(row.body)
    identity = _message_id(before)
    wanted = _message_id(value)
    found: list[Fault] = []
    if before is not None and wire.dumps(before) == wire.dumps(value):
        found.append(Fault("", "nothing is changed"))
    if identity is not None and row.code == "MESSAGE_ID_REUSED" and not wanted:
        value["message_id"] = uuid.uuid4().hex
    elif identity is not None and wanted != identity:
        found.append(Fault("message_id", "must stay as it is: by it the message is known"))
    elif not (isinstance(value.get("message_id"), str) and value["message_id"]):
        value["message_id"] = row.message_id
    body = wire.dumps(value).encode()
    found += faults(row.original_queue, body)
    return Draft(body, _message_id(value) or row.message_id, found)


def edit(*, pk: int, text: str, seen: str, user: User, reason: str) -> DamagedMessage:
    """Put ``text``, the JSON of a message, in place of a row's message.

    ``seen`` is the digest of the bytes that ``text`` was made from. Raises :class:`Refused`
    for a text that could not be sent, for a message that is on its way, and when another
    person was faster.
    """
    with transaction.atomic():
        row = _locked([pk]).get()
        if row.status == Status.RESENT:
            raise Refused(Fault("", "it was sent again"))
        if wire.digest(row.body) != seen:
            raise Refused(Fault("", "it was changed meanwhile: look at it again"))
        new = draft(row, text)
        if new.faults:
            raise Refused(*new.faults)
        before, row.message, row.message_id = row.body, new.body, new.message_id
        damaged.describe(row, _read(row.body) or {})
        row.save()
        _record([row], Action.EDITED, user, reason, before={row.pk: before}, after=True)
    log.info("%s edited message_id=%s user=%s", row.original_queue, row.message_id, user.pk)
    return row


def resend(*, pks: Collection[int], user: User, reason: str) -> Resent:
    """Send messages again, verbatim, in the order they first came, when this has committed.

    A message that does not fit its queue's schema, was imported since, or is on its way is
    refused; the others go.
    """
    sent: list[DamagedMessage] = []
    with transaction.atomic():
        rows = list(_locked(pks).order_by("original_date", "pk"))
        refused = obstacles(rows)
        for row in rows:
            if row.pk in refused:
                continue
            row.status, row.retry_at = Status.RESENT, None
            # Whose card data was masked is other bytes by now, with another digest.
            row.message_id = _message_id(_read(row.body)) or wire.digest(row.body)
            sent.append(row)
        counts = damaged.send_later(sent)
        DamagedMessage.objects.bulk_update(sent, ["status", "retry_at", "message_id"])
        _record(sent, Action.RESENT, user, reason, after=True)
    for queue, count in counts.items():
        log.info("%s resent %d damaged messages user=%s", queue, count, user.pk)
    return Resent([row.pk for row in sent], refused)


def discard(*, pks: Collection[int], user: User, reason: str) -> list[int]:
    """Give messages up; returns which.

    They stay in the table and can be sent again after all. One that is on its way, or is
    discarded already, is left alone.
    """
    with transaction.atomic():
        rows = list(_locked(pks).filter(status__in=[Status.DAMAGED, Status.WAITING]))
        for row in rows:
            row.status, row.retry_at = Status.DISCARDED, None
        DamagedMessage.objects.bulk_update(rows, ["status", "retry_at"])
        before = {row.pk: row.body for row in rows}
        _record(rows, Action.DISCARDED, user, reason, before=before)
    log.info("discarded %d damaged messages user=%s", len(rows), user.pk)
    return [row.pk for row in rows]


def reveal(*, pk: int, user: User, reason: str) -> DamagedMessage:
    """Record that a person looks at the personal data of a message; returns its row."""
    with transaction.atomic():
        row = _locked([pk]).get()
        _record([row], Action.REVEALED, user, reason)
    log.info("%s revealed message_id=%s user=%s", row.original_queue, row.message_id, user.pk)
    return row


def _locked(pks: Collection[int]) -> QuerySet[DamagedMessage]:
    return DamagedMessage.objects.select_for_update().filter(pk__in=pks)


def _on_the_way(rows: Iterable[DamagedMessage]) -> dict[int, list[Fault]]:
    """Of the rows that were sent again, those that must not be once more."""
    resent: dict[str, list[DamagedMessage]] = defaultdict(list)
    for row in rows:
        if row.status == Status.RESENT:
            resent[row.original_queue].append(row)
    found: dict[int, list[Fault]] = {}
    for queue, group in resent.items():
        lately = set(
            DamagedMessageEvent.objects.filter(
                damaged_message__in=[row.pk for row in group],
                action__in=[Action.RESENT, Action.RETRIED],
                at__gt=timezone.now() - LOST_AFTER,
            ).values_list("damaged_message_id", flat=True)
        )
        imported = inbox.seen(queue, [row.message_id for row in group])
        for row in group:
            if row.message_id in imported:
                found[row.pk] = [Fault("", "it was imported")]
            elif row.pk in lately:
                found[row.pk] = [Fault("", "it was sent again and is on its way")]
    return found


def _read(body: bytes) -> dict[str, wire.Json] | None:
    try:
        return wire.parse(body, settings.QUEUE_MAX_MESSAGE_BYTES)
    except Damaged:
        return None


def _message_id(value: dict[str, wire.Json] | None) -> str | None:
    """The message_id, if it can be one: what consumers take the message's identity from."""
    message_id = value.get("message_id") if value else None
    return message_id if isinstance(message_id, str) and 0 < len(message_id) <= 64 else None


def _record(
    rows: Sequence[DamagedMessage],
    action: DamagedMessageEvent.Action,
    user: User,
    reason: str,
    *,
    before: dict[int, bytes] | None = None,
    after: bool = False,
) -> None:
    reason = reason.strip()
    if not reason:
        raise ValueError("a reason is needed")
    DamagedMessageEvent.objects.bulk_create(
        DamagedMessageEvent(
            damaged_message=row,
            action=action,
            by=user,
            reason=reason[:MAX_REASON],
            before=(before or {}).get(row.pk),
            after=row.body if after else None,
        )
        for row in rows
    )
