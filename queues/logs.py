"""The log as JSON: one object a line, for a machine to read; ids only.

Whatever a record carries beside its text, only the fields that are named here come out, and of an
error its type and where it was raised: what an exception says can hold what a message says.
"""

import logging
import traceback
from datetime import UTC, datetime
from typing import Any

from pythonjsonlogger.json import JsonFormatter

#: What a line about a message tells of it: seconds for `duration` and `age`, ids for the others.
FIELDS = (
    "queue",
    "outcome",
    "code",
    "field",
    "message_id",
    "gateway",
    "order_id",
    "duration",
    "age",
)


class Formatter(JsonFormatter):
    """Time (UTC), level, logger and text, and those of :data:`FIELDS` that a record has."""

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        """Fill in what is written."""
        del message_dict  # a record whose text is a whole dictionary
        log_data["time"] = datetime.fromtimestamp(record.created, UTC).isoformat(
            "T", "milliseconds"
        )
        log_data["level"] = record.levelname
        log_data["logger"] = record.name
        log_data["message"] = record.message
        for name in FIELDS:
            if (value := record.__dict__.get(name)) is not None:
                log_data[name] = value
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            log_data["message"] = _without_words(record.message, error)
            log_data["exception"] = type(error).__name__
            log_data["trace"] = "".join(traceback.format_tb(error.__traceback__))


def _without_words(text: str, error: BaseException) -> str:
    """Celery puts what an error says into its own text."""
    cause: BaseException | None = error
    while cause is not None:
        for words in filter(None, (repr(cause), str(cause))):
            text = text.replace(words, type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return text
