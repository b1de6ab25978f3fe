"""One thing that is known: a line of the timeline."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from django.db.models import Model
from django.urls import NoReverseMatch, reverse


class Tone(StrEnum):
    """How good the news is."""

    PLAIN = "plain"
    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something that happened at ``at`` (aware UTC), in words without personal data.

    ``source`` is where it is known from, as a heading; ``message_id`` leads to the message
    that told it.
    """

    at: datetime
    source: str
    title: str
    facts: Mapping[str, object] = field(default_factory=dict)
    tone: Tone = Tone.PLAIN
    url: str = ""
    message_id: str = ""


def page_of(row: Model) -> str:
    """The admin page of a row, empty for one without."""
    try:
        return reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    except NoReverseMatch:
        return ""
