"""The log as JSON: ids and what became of a message, never what is in it."""

import json
import logging
import sys
from typing import Any

import pytest

from queues.logs import Formatter

SECRET = "leocadia@example.org"


def written(record: logging.LogRecord) -> dict[str, Any]:
    line = Formatter().format(record)
    assert "\n" not in line
    written: dict[str, Any] = json.loads(line)
    return written


def record(message: object, *args: object, **fields: object) -> logging.LogRecord:
    return logging.getLogger("queues.report").makeRecord(
        "queues.report", logging.INFO, "file.py", 1, message, args, None, extra=fields
    )


def test_what_is_told_of_a_message() -> None:
    fields = {"queue": "donations", "outcome": "park", "code": "X", "age": 1.5, "field": None}
    told = written(record("%s %s", "donations", "park", **fields))
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "INFO",
        "logger": "queues.report",
        "message": "donations park",
        "queue": "donations",
        "outcome": "park",
        "code": "X",
        "age": 1.5,
    }


def test_fields_that_are_not_known_stay_inside() -> None:
    told = written(record("stored", body=SECRET, data={"args": SECRET}, request=SECRET))
    assert set(told) == {"time", "level", "logger", "message"}


def test_a_dictionary_is_a_text_like_any_other() -> None:
    assert "secret" not in written(record({"secret": "x"}))


@pytest.mark.parametrize("text", ["two\nlines", "half \ud83d of a pair", '"', "\x00"])
def test_any_text_is_one_line(text: str) -> None:
    assert written(record(text))["message"] == text


def test_of_an_error_its_type_and_where_it_was() -> None:
    try:
        try:
            {}[SECRET]
        except KeyError as error:
            raise ValueError(f"no such {SECRET}") from error
    except ValueError as error:
        caught, info = error, sys.exc_info()
    # As Celery tells of a task that failed.
    failed = record("Task raised: %r, %s", caught, caught)
    failed.exc_info = info
    told = written(failed)
    assert told["message"] == "Task raised: ValueError, ValueError"
    assert told["exception"] == "ValueError"
    assert "test_of_an_error_its_type_and_where_it_was" in told["trace"]
    assert SECRET not in json.dumps(told)
