"""A message as it was taken off its list, read and validated."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic

from django.conf import settings
from django.utils import timezone

from queues import cards, wire
from queues.messages import Schema, validate
from queues.outcomes import Damaged, SetAside
from queues.routes import Route


@dataclass(eq=False)
class Received(Generic[Schema]):
    """One message of a delivery.

    ``key`` is its identity: its message_id, or the digest of its bytes. ``verdict`` is
    None for a message that has its effect, else why it has none.
    """

    body: bytes
    key: str
    digest: str
    message: Schema
    received_at: datetime = field(default_factory=timezone.now)
    verdict: SetAside | None = None
    trace: str = ""

    def set_aside(self, reason: SetAside) -> None:
        """This message ends otherwise than *done*; nothing may be written for it."""
        self.verdict = reason


@dataclass(frozen=True)
class Refused:
    """A message that cannot be read; its bytes, with card data masked."""

    body: bytes
    key: str
    reason: Damaged


def read(route: Route, body: bytes) -> Received[Schema] | Refused:
    """Read and validate a message for a route."""
    digest = wire.digest(body)
    try:
        value = wire.parse(body, settings.QUEUE_MAX_MESSAGE_BYTES)
    except Damaged as reason:
        return Refused(cards.mask_body(body), digest, reason)
    key = _key(value.get("message_id"), digest)
    masked, fields = cards.mask(value)
    if fields:
        card_data = Damaged("CARD_DATA", "has card data, which is masked here", ", ".join(fields))
        return Refused(wire.dumps(masked).encode(), key, card_data)
    try:
        message = validate(route.schema, value)
    except Damaged as reason:
        return Refused(body, key, reason)
    return Received(body, key, digest, message)  # type: ignore[arg-type]  # the route's schema


def _key(message_id: wire.Json, digest: str) -> str:
    """What tells this message from others; ids that the schema will refuse do not count."""
    if isinstance(message_id, bool) or not isinstance(message_id, int | str):
        return digest
    text = str(message_id).strip()
    return text if 0 < len(text) <= 64 else digest
