"""The rows that the import writes for a message, learnt from an import.

One message of each kind goes through the real import. Its rows are read back, and with its
number replaced they are the rows of any other message of that kind.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from benchmarks.donations import DONORS, TRACKING

Row = dict[str, Any]


class Reader(Protocol):
    """What reads a table."""

    def rows(self, table: str, column: str, value: object) -> list[Row]:
        """The rows of a table whose column has a value, without their id."""


@dataclass(frozen=True)
class Rows:
    """All that one message makes the import write."""

    contact: Row
    email: Row
    address: Row
    contribution: Row
    mark: Row
    outbox: Row

    @classmethod
    def of_import(cls, number: int, reader: Reader, pushed: Sequence[bytes]) -> Self:
        """What the import wrote for a message; ``pushed`` is what it pushed on."""

        def one(table: str, column: str, value: object) -> Row:
            found = reader.rows(table, column, value)
            if len(found) != 1:
                raise LookupError(f"{table} has {len(found)} rows for one message")
            return found[0]

        contribution = one("crm_contribution", "order_id", f"{number}.1")
        contact_id = contribution["contact_id"]
        body = next(body for body in pushed if str(number).encode() in body)
        mark = one("queues_inboxmark", "key", f"benchmark-{number}")
        outbox = {
            "queue": TRACKING,
            "body": body,
            "message_id": json.loads(body)["message_id"],
            "created_at": mark["imported_at"],
        }
        return cls(
            one("crm_contact", "id", contact_id),
            one("crm_email", "contact_id", contact_id),
            one("crm_address", "contact_id", contact_id),
            contribution,
            mark,
            outbox,
        )

    def renumbered(self, old: int, new: int) -> "Rows":
        """The same for another message of the same kind."""
        parts = (self.contact, self.email, self.address, self.contribution, self.mark, self.outbox)
        rows = Rows(*(_renumbered(row, old, new) for row in parts))
        rows.mark["digest"] = hashlib.sha256(str(new).encode()).hexdigest()
        rows.outbox["message_id"] = rows.mark["digest"][:32]
        return rows


class Pattern:
    """The rows of one message of each kind."""

    def __init__(self, examples: Mapping[int, Rows]) -> None:
        self._examples = {number % len(DONORS): (number, rows) for number, rows in examples.items()}

    def rows(self, number: int) -> Rows:
        """What the import writes for a message."""
        example, rows = self._examples[number % len(DONORS)]
        return rows.renumbered(example, number)


def _renumbered(row: Row, old: int, new: int) -> Row:
    return {column: _with_number(value, old, new) for column, value in row.items()}


def _with_number(value: object, old: int, new: int) -> object:
    match value:
        case str():
            return value.replace(str(old), str(new))
        case bytes():
            return value.replace(str(old).encode(), str(new).encode())
        case int() if value == old:
            return new
    return value
