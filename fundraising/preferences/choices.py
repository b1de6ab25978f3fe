"""What donors choose in the preference centre: the newest word on each thing counts.

Each message is an activity on the contact's record, with its choices as details. What holds is
folded from those, so that it does not matter in what order messages come.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from typing import Self


@dataclass(frozen=True, slots=True)
class Choice:
    """The choices of one message, made at ``at`` (aware); empty where it said nothing."""

    at: datetime
    language: str = ""
    country: str = ""
    send_email: bool | None = None
    snooze_date: date | None = None

    @property
    def details(self) -> str:
        """The choices as JSON, as the activity keeps them."""
        said = {name: value for name, value in asdict(self).items() if value not in ("", None)}
        del said["at"]
        return json.dumps(said, sort_keys=True, default=date.isoformat)

    @classmethod
    def of(cls, at: datetime, details: str) -> Self:
        """The choice that an activity keeps."""
        said = json.loads(details)
        if "snooze_date" in said:
            said["snooze_date"] = date.fromisoformat(said["snooze_date"])
        return cls(at, **said)


def is_newest(choice: Choice, field: str, others: Iterable[Choice]) -> bool:
    """Whether a choice says something of the field, and none of the others later."""
    if getattr(choice, field) in ("", None):
        return False
    return all(
        _order(other) <= _order(choice)
        for other in others
        if getattr(other, field) not in ("", None)
    )


def snoozed_until(choices: Iterable[Choice], before: date | None) -> date | None:
    """Until when a donor wants no mail; ``before`` is what held before the first choice.

    Whoever says that they want our mail wants it from the next day on.
    """
    until = before
    for choice in sorted(choices, key=_order):
        tomorrow = (choice.at + timedelta(days=1)).date()
        if choice.send_email and until is not None and until > tomorrow:
            until = tomorrow
        if choice.snooze_date is not None:
            until = choice.snooze_date
    return until


def _order(choice: Choice) -> tuple[datetime, str]:
    """By time; of one second by what is said, as nothing else is the same at each arrival."""
    return choice.at, choice.details
