"""What the messages of a queue look like, for those who push them: JSON Schema, with an example.

The directory of setting ``QUEUE_REFERENCE`` holds an example a queue (``examples/<queue>.json``)
and ``fields.toml``: what the fields mean that no schema describes itself, once for all queues.
"""

import json
import tomllib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from queues.messages import Message
from queues.routes import Route

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def export(route: Route) -> Schema:
    """The JSON Schema of what a queue takes, with its example.

    Raises ``FileNotFoundError`` for a queue without an example.
    """
    body = describe(route.schema)
    return {
        "$schema": DIALECT,
        **body,
        "title": route.queue,
        "examples": [json.loads(example(route.queue))],
    }


def describe(model: type[Message]) -> Schema:
    """The JSON Schema of a message as its producer writes it, each field with a description."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    for part in (schema, *schema.get("$defs", {}).values()):
        for name, field in part.get("properties", {}).items():
            field.pop("title", None)
            if "description" not in field and (text := glossary()["fields"].get(name)):
                field["description"] = text
    return schema


def wire_names(model: type[Message], names: Iterable[str]) -> set[str]:
    """Fields of a message by the names that producers write."""
    aliases = {name: model.model_fields[name].validation_alias for name in names}
    return {alias if isinstance(alias, str) else name for name, alias in aliases.items()}


def example(queue: str) -> bytes:
    """A message of a queue as a producer would push it. Raises ``FileNotFoundError``."""
    return example_path(queue).read_bytes()


def example_path(queue: str) -> Path:
    """Where the example of a queue stands."""
    return Path(settings.QUEUE_REFERENCE, "examples", f"{queue}.json")


@cache
def glossary() -> dict[str, dict[str, str]]:
    """What ``fields.toml`` says: of ``types`` and of ``fields``."""
    with Path(settings.QUEUE_REFERENCE, "fields.toml").open("rb") as file:
        return {"types": {}, "fields": {}} | tomllib.load(file)
