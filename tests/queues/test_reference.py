"""The JSON Schemas and the pages of queues, made from what the consumers read."""

import json
from collections.abc import Iterator
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import redis
from celery import current_app
from django.core.management import CommandError, call_command
from django.db import transaction
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pytest_django.fixtures import Settings

from fundraising.crm.messages import fields
from fundraising.routes import ROUTES
from queues import pages, schemas, wire
from queues.messages import Message
from queues.received import Received, read
from queues.routes import Route
from tests.queues.routes import DAY, QUICK

EACH_ROUTE = pytest.mark.parametrize("route", ROUTES.values(), ids=lambda route: route.queue)


def errors(schema: dict[str, Any], value: object) -> list[str]:
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(value)]


@pytest.fixture(autouse=True)
def tasks() -> None:
    """The tasks of all apps are there."""
    current_app.loader.import_default_modules()


# The project's own


@EACH_ROUTE
def test_the_example_of_a_queue_is_read_by_its_consumer(route: Route) -> None:
    assert isinstance(read(route, schemas.example(route.queue)), Received)


@EACH_ROUTE
def test_the_example_of_a_queue_fits_its_schema(route: Route) -> None:
    schema = schemas.export(route)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert [errors(schema, example) for example in schema["examples"]] == [[]]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("queue", "name"),
    [(one.queue, name) for one in ROUTES.values() for name in one.schema.MANDATORY],
)
def test_a_message_without_what_the_consumer_asks_for_is_set_aside(
    frqueue: redis.Redis, caplog: pytest.LogCaptureFixture, queue: str, name: str
) -> None:
    (written,) = schemas.wire_names(ROUTES[queue].schema, [name])
    whole = json.loads(schemas.example(queue))
    assert written in whole
    without = {key: value for key, value in whole.items() if key != written}
    outcomes = []
    for message in (whole, without):
        caplog.clear()
        with transaction.atomic():
            current_app.tasks[ROUTES[queue].task](queue, [json.dumps(message)])
            transaction.set_rollback(True)
        outcomes.append([one.getMessage() for one in caplog.records if "message_id=" in one.msg])
    as_example, set_aside = outcomes
    assert set_aside
    assert set_aside != as_example


@EACH_ROUTE
def test_every_field_is_described(route: Route) -> None:
    described = schemas.describe(route.schema)["properties"]
    assert [name for name, field in described.items() if not field.get("description")] == []


@EACH_ROUTE
def test_every_consumer_says_what_it_is_for(route: Route) -> None:
    assert current_app.tasks[route.task].__doc__


def test_every_field_stands_on_a_page() -> None:
    made = pages.pages(ROUTES)
    for route in ROUTES.values():
        bases = [one.queue for one in ROUTES.values() if one.schema in route.schema.__mro__]
        text = "".join(made[f"{queue}.md"] for queue in bases) + made[pages.INDEX]
        names = schemas.describe(route.schema)["properties"]
        assert [name for name in names if f"| `{name}` |" not in text] == []


def test_every_type_on_the_pages_is_explained() -> None:
    explained = schemas.glossary()["types"]
    for route in ROUTES.values():
        for field in schemas.describe(route.schema)["properties"].values():
            kind = field.get("x-type", "text").partition(" (")[0]
            assert kind in explained


def test_nothing_is_explained_that_no_message_has() -> None:
    names = {name for one in ROUTES.values() for name in schemas.describe(one.schema)["properties"]}
    assert schemas.glossary()["fields"].keys() <= names


def test_the_pages_are_up_to_date() -> None:
    """If not: manage.py queue_docs."""
    call_command("queue_docs", "--check")


def test_donations_of_all_kinds_fit_the_schema() -> None:
    schema = schemas.export(ROUTES["donations"])
    lines = Path(__file__).parents[1] / "crm/fixtures/donations.jsonl"
    for line in lines.read_text().splitlines():
        assert errors(schema, json.loads(line, parse_float=Decimal)) == []


JSON = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.decimals(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["1", "yes", "eur", " EUR ", "12.50", "1,000", "2026-11-21", "1795266300"]),
    st.lists(st.none(), max_size=1),
    st.dictionaries(st.text(max_size=1), st.none(), max_size=1),
)


@pytest.mark.parametrize(
    "name",
    [
        *("Text", "Id", "OrderId", "Code", "Email", "CurrencyCode"),
        *("Flag", "Choice", "Amount", "Number", "Moment"),
    ],
)
@given(value=JSON)
def test_the_schema_refuses_nothing_that_is_read(name: str, value: wire.Json) -> None:
    adapter: TypeAdapter[object] = TypeAdapter(getattr(fields, name))
    try:
        adapter.validate_python(value)
    except ValidationError:
        return
    as_pushed = json.loads(wire.dumps({"value": value}))
    assert errors(adapter.json_schema(), as_pushed["value"]) == []


def test_the_schema_refuses_what_is_never_read() -> None:
    schema = schemas.export(ROUTES["donations"])
    for name in ("gateway", "gross", "date", "contribution_tracking_id", "recurring", "currency"):
        assert errors(schema, {name: {"no": "value"}})
    assert errors(schema, {"currency": "euros"})
    assert errors(schema, {"contribution_tracking_id": "two"})


# Any


class Wish(Message):
    """A wish; see :meth:`granted`.

    It may have `| bars`.
    """

    MANDATORY = ("reason",)

    name: str
    reason: str = ""
    number: int | None = None


class LoudWish(Wish):
    """A wish with a volume."""

    volume: int = 0


@pytest.fixture
def reference(tmp_path: Path, settings: Settings) -> Iterator[Path]:
    settings.QUEUE_REFERENCE = tmp_path
    settings.BASE_DIR = tmp_path
    (tmp_path / "examples").mkdir()
    (tmp_path / "fields.toml").write_text('[fields]\nname = "What is wished | hoped for."\n')
    schemas.glossary.cache_clear()
    yield tmp_path
    schemas.glossary.cache_clear()


def wishes(schema: type[Message] = Wish, **more: Any) -> Route:
    return Route("wishes", "donor-prefs", "test.wishes", schema, 7, QUICK, DAY, **more)


def with_example(reference: Path, queue: str) -> None:
    (reference / "examples" / f"{queue}.json").write_text('{"name": "Zoë"}')


def test_an_export_has_the_example_and_the_descriptions(reference: Path) -> None:
    with_example(reference, "wishes")
    schema = schemas.export(wishes())
    assert schema["examples"] == [{"name": "Zoë"}]
    assert schema["properties"]["name"]["description"] == "What is wished | hoped for."
    assert schema["required"] == ["name"]


def test_a_page_says_all_there_is_to_know(reference: Path) -> None:
    with_example(reference, "wishes")
    route = wishes(formerly="old_wishes")
    text = pages.page(route, pages.Routes(route))
    for words in (
        "# wishes\n",
        "A wish; see `granted`.",
        "| instance | donor-prefs (`DONOR_PREFS_URL`) |",
        "| group | at most 7 messages in one task and transaction |",
        "tried again after 1 minute, then after twice as long each time, at most 5 minutes;",
        "after 3 tries a person must look",
        "kept for 1 day",
        "`QUEUE_ALIASES=old_wishes=wishes`",
        r"| `name` | text | yes | What is wished \| hoped for. |",
        "| `reason` | text | yes |  |",
        "| `number` | whole number |  |  |",
        '{"name": "Zoë"}',
        'redis-cli -u "$DONOR_PREFS_URL" -x RPUSH wishes < examples/wishes.json',
    ):
        assert words in text
    assert "source_name" not in text


def test_a_page_does_not_repeat_the_fields_of_another_queue(reference: Path) -> None:
    loud = Route("loud", "frqueue", "test.loud", LoudWish, 1, QUICK, DAY)
    with_example(reference, "loud")
    text = pages.page(loud, pages.Routes(wishes(), loud))
    assert "those of [wishes](wishes.md#message)" in text
    assert "| `volume` |" in text
    assert "| `name` |" not in text


# The commands


def run(*arguments: str) -> str:
    output = StringIO()
    call_command(*arguments, stdout=output)
    return output.getvalue()


def test_schemas_are_written_one_file_a_queue(tmp_path: Path) -> None:
    said = run("queue_schemas", "refund", "settle", "--output", str(tmp_path / "new"))
    names = [f"{tmp_path}/new/{queue}.schema.json" for queue in ("refund", "settle")]
    assert said.splitlines() == [f"{name} written" for name in names]
    assert json.loads(Path(names[0]).read_text())["title"] == "refund"


def test_schemas_are_printed_as_one_object() -> None:
    assert json.loads(run("queue_schemas")).keys() == ROUTES.keys()
    assert json.loads(run("queue_schemas", "refund")).keys() == {"refund"}


def test_a_queue_that_is_none_has_no_schema() -> None:
    with pytest.raises(CommandError, match="no such queue: donatoins") as error:
        run("queue_schemas", "donatoins", "refund")
    assert error.value.returncode == 2


def test_a_queue_without_an_example_has_no_schema(reference: Path) -> None:
    with pytest.raises(CommandError, match=r"an example is missing: .*refund\.json") as error:
        run("queue_schemas", "refund")
    assert error.value.returncode == 1


def test_pages_that_are_stale_are_named_and_made_anew(tmp_path: Path) -> None:
    where = ("--output", str(tmp_path))
    assert "refund.md written\n" in run("queue_docs", *where)
    assert run("queue_docs", *where) == run("queue_docs", "--check", *where) == ""
    (tmp_path / "refund.md").write_text("other words")
    (tmp_path / "settle.md").unlink()
    (tmp_path / "gone.md").write_text("of a queue that is gone")
    output = StringIO()
    with pytest.raises(CommandError, match="3 pages are stale") as error:
        call_command("queue_docs", "--check", *where, stdout=output)
    assert error.value.returncode == 1
    assert output.getvalue().splitlines() == [
        f"{name}.md is stale" for name in ("gone", "refund", "settle")
    ]
    assert not (tmp_path / "settle.md").exists()
    said = run("queue_docs", *where).splitlines()
    assert said == ["gone.md removed", "refund.md written", "settle.md written"]
    assert run("queue_docs", "--check", *where) == ""
