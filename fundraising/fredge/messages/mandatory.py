"""What a message must say."""

from collections.abc import Sequence

from queues.messages import Message
from queues.outcomes import Damaged


def missing(message: Message, names: Sequence[str]) -> list[str]:
    """Those of the fields that are absent or blank."""
    return [name for name in names if getattr(message, name) in (None, "")]


def incomplete(names: Sequence[str]) -> Damaged:
    """The fault of a message that lacks these fields."""
    first, *others = names
    text = "; ".join(["is missing", *(f"{name}: is missing" for name in others)])
    return Damaged("FREDGE", text, first)
