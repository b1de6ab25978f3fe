"""What several messages of one payment tell together."""

from collections.abc import Mapping
from datetime import datetime

from fundraising.pending.messages import PendingMessage
from queues.wire import Json

# Ids of another system's rows say nothing here.
_FOREIGN = "pending_id"
_IDS = frozenset({"order_id", "gateway_txn_id"})


def stamp(message: PendingMessage) -> tuple[int, datetime]:
    """By which of two messages the newer is known: when it was pushed, then its date."""
    return message.source_enqueued_time or 0, message.date


def merged(older: Mapping[str, Json], newer: Mapping[str, Json]) -> dict[str, Json]:
    """All that both tell: the newer wins, except with a blank over what is known."""
    told = {key: value for key, value in newer.items() if not _is_blank(key, value)}
    return {**newer, **older, **told}


def kept(message: Mapping[str, Json]) -> dict[str, Json]:
    """The part of a message that is stored."""
    return {key: value for key, value in message.items() if key != _FOREIGN}


def _is_blank(key: str, value: Json) -> bool:
    # PHP writes an id that is not known as false; elsewhere false is an answer.
    return value is None or value in ("", []) or (value is False and key in _IDS)
