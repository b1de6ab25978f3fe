"""The documentation of queues, made from the route table and the schemas, as Markdown."""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

from babel.dates import format_timedelta
from celery import current_app
from django.conf import settings

from queues import schemas
from queues.messages import Message
from queues.routes import RetryPolicy, Route, Routes

INDEX = "README.md"

_ROLE = re.compile(r":\w+:`~?([^`]+)`")
_FOR_EVER = timedelta(days=36500)


def pages(routes: Routes) -> dict[str, str]:
    """The files, by name: one a queue, and the index.

    Raises ``FileNotFoundError`` for a queue without an example.
    """
    found = {f"{route.queue}.md": page(route, routes) for route in routes.values()}
    return {INDEX: index(routes), **found}


def index(routes: Routes) -> str:
    """All queues at a glance, and what all messages share."""
    rows = [
        [f"[{one.queue}]({one.queue}.md)", one.instance, _code(one.task), _summary(one)]
        for one in routes.values()
    ]
    types = [[kind, text] for kind, text in schemas.glossary()["types"].items()]
    return _joined(
        "# The queues",
        "Made by `manage.py queue_docs` from the route table and the schemas of messages. "
        "`manage.py queue_schemas` has the same as JSON Schema, for validators.",
        _table(["queue", "instance", "task", "what it is for"], rows),
        "## Envelope",
        _doc(Message),
        _fields(Message, set(Message.model_fields)),
        "## Types",
        "A producer that knows nothing of a field leaves it out. What PHP makes of that (`null`, "
        "`false`, an empty text, an empty list) means the same. Fields that no schema names are "
        "kept.",
        _table(["type", "what it is on the wire"], types),
    )


def page(route: Route, routes: Routes) -> str:
    """All there is to know of a queue. Raises ``FileNotFoundError`` without an example."""
    base = _base(route, routes)
    known = (base.schema if base else Message).model_fields
    others = f"those of [{base.queue}]({base.queue}.md#message) and " if base else ""
    return _joined(
        f"# {route.queue}",
        _doc(current_app.tasks.get(route.task)),
        _table(["", ""], list(_facts(route))),
        "## Message",
        _doc(route.schema),
        f"Beside {others}the [envelope]({INDEX}#envelope); [types]({INDEX}#types).",
        _fields(route.schema, route.schema.model_fields.keys() - known.keys()),
        "## Example",
        _block("json", schemas.example(route.queue).decode().strip()),
        "## Pushing it",
        *_pushing(route),
    )


def _facts(route: Route) -> Iterator[list[str]]:
    yield ["instance", f"{route.instance} (`{_variable(route)}`)"]
    yield ["task", _code(route.task)]
    yield ["schema", _code(f"{route.schema.__module__}.{route.schema.__qualname__}")]
    yield ["group", f"at most {route.group} messages in one task and transaction"]
    yield ["parked messages", _retry(route.retry)]
    yield ["damaged messages", f"in `{route.queue}-damaged`, then kept {_keep(route.keep_damaged)}"]
    if route.formerly:
        listened = f"listened to with `QUEUE_ALIASES={route.formerly}={route.queue}`"
        yield ["older name", f"`{route.formerly}`, {listened}"]


def _retry(policy: RetryPolicy) -> str:
    first, longest = _words(policy.first), _words(policy.longest)
    return (
        f"tried again after {first}, then after twice as long each time, at most {longest}; "
        f"after {policy.attempts} tries a person must look"
    )


def _keep(kept: timedelta) -> str:
    return "for ever" if kept >= _FOR_EVER else f"for {_words(kept)}"


def _words(time: timedelta) -> str:
    return format_timedelta(time, locale="en", threshold=1)


def _fields(model: type[Message], names: set[str]) -> str:
    schema = schemas.describe(model)
    mandatory = {*schema.get("required", ()), *schemas.wire_names(model, model.MANDATORY)}
    wanted = schemas.wire_names(model, names)
    rows = [
        [
            _code(name),
            _type(field),
            "yes" if name in mandatory else "",
            field.get("description", ""),
        ]
        for name, field in schema["properties"].items()
        if name in wanted
    ]
    return _table(["field", "type", "required", "what it is"], rows) if rows else ""


def _type(field: Mapping[str, Any]) -> str:
    """What a field takes, in the words of the glossary's types where the schema says them."""
    match field:
        case {"x-type": str(kind)}:
            return kind
        case {"anyOf": [*options]}:
            kinds = [_type(option) for option in options if option.get("type") != "null"]
            return " or ".join(dict.fromkeys(kinds))
        case {"enum": [*values]}:
            return " or ".join(_code(json.dumps(value)) for value in values)
        case {"format": "date"}:
            return "day"
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "string", "maxLength": int(most)}:
            return f"text ({most})"
    names = {"string": "text", "integer": "whole number", "boolean": "flag"}
    kind = str(field.get("type", "anything"))
    return names.get(kind, kind)


def _pushing(route: Route) -> Iterator[str]:
    example = schemas.example_path(route.queue).relative_to(settings.BASE_DIR)
    yield _block("sh", f'redis-cli -u "${_variable(route)}" -x RPUSH {route.queue} < {example}')
    yield _block("php", f"$redis->rPush('{route.queue}', json_encode($message));")
    yield _block("python", f'queues.push("{route.queue}", message)')


def _variable(route: Route) -> str:
    """The setting that names the server."""
    return f"{route.instance.upper().replace('-', '_')}_URL"


def _base(route: Route, routes: Routes) -> Route | None:
    """The queue whose messages those of this one extend."""
    queues = {one.schema: one for one in [*routes.values()][::-1]}
    bases = route.schema.__mro__[1 : route.schema.__mro__.index(Message)]
    return next((queues[base] for base in bases if base in queues), None)


def _summary(route: Route) -> str:
    return _doc(current_app.tasks.get(route.task)).split("\n\n")[0]


def _doc(thing: object) -> str:
    """A docstring as Markdown."""
    text = _ROLE.sub(r"`\1`", inspect.cleandoc(getattr(thing, "__doc__", None) or ""))
    return text.replace("``", "`")


def _code(text: str) -> str:
    return f"`{text}`"


def _block(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", r"\|").replace("\n", " ")


def _joined(*parts: str) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"
