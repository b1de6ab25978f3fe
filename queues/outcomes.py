"""What can become of a message, and the exceptions by which a consumer says so.

The texts of these exceptions are stored, shown and logged: they name fields and
what is wrong with them, never a value, which could be personal data.
"""

from enum import StrEnum


class Outcome(StrEnum):
    """The end of one message; every message of a delivery has exactly one."""

    DONE = "done"
    DROP = "drop"
    PARK = "park"
    DAMAGED = "damaged"


class SetAside(Exception):
    """Base of the outcomes other than *done*.

    ``code`` is the domain's name of the fault, such as ``INVALID_MESSAGE``.
    """

    outcome: Outcome

    def __init__(self, code: str, text: str, field: str = "") -> None:
        super().__init__(code, text, field)
        self.code = code
        self.text = text
        self.field = field

    def __str__(self) -> str:
        return f"{self.field}: {self.text}" if self.field else self.text


class Drop(SetAside):
    """A true duplicate: acknowledged, counted, logged by id."""

    outcome = Outcome.DROP


class Park(SetAside):
    """Not now: a predecessor is missing or a processor is out of reach. Retried later."""

    outcome = Outcome.PARK


class Damaged(SetAside):
    """A person must look: the message is invalid or inconsistent."""

    outcome = Outcome.DAMAGED
