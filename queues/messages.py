"""The base of all message schemas: the envelope, and errors that name the field."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    WithJsonSchema,
)

from queues.outcomes import Damaged
from queues.wire import Json

Schema = TypeVar("Schema", bound="Message")

# What a hop says of itself: of the last one as ``source_*``, of the first as ``origin_*``.
HOP_FIELDS = ("name", "type", "host", "run_id", "version", "enqueued_time")
SOURCE_FIELDS = tuple(f"source_{name}" for name in HOP_FIELDS)
ORIGIN_FIELDS = tuple(f"origin_{name}" for name in HOP_FIELDS)


def _text(value: object) -> object:
    """Numbers where text is meant are common on the wire; other types are refused later."""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return value


def _absent(value: object) -> object:
    """PHP says nothing with an empty string or false."""
    return None if value == "" or value is False else value


def _says(kind: str, **limits: object) -> WithJsonSchema:
    """What producers may send; ``kind`` is what the documentation calls it."""
    told = {"type": ["string", "integer"], **limits}
    return WithJsonSchema({"x-type": kind, "anyOf": [told, {"enum": [None, False]}]})


LooseText = Annotated[str, BeforeValidator(_text)]
MessageId = Annotated[LooseText, Field(min_length=1, max_length=64)]
Source = Annotated[
    Annotated[LooseText, Field(max_length=255)] | None,
    BeforeValidator(_absent),
    _says("text (255)", maxLength=255),
]
UnixTime = Annotated[
    Annotated[int, Field(ge=0, lt=2**40)] | None, BeforeValidator(_absent), _says("unix seconds")
]


class Message(BaseModel):
    """What every message may carry, whoever pushed it.

    The ``source_*`` fields describe the last hop, the ``origin_*`` fields the first, if there
    were several. Fields that the schema does not know are kept, because another consumer or a
    person may need them.
    """

    #: Fields that the schema lets be absent, for the consumer to ask for in the domain's words.
    MANDATORY: ClassVar[tuple[str, ...]] = ()

    model_config = ConfigDict(extra="allow", str_strip_whitespace=True, frozen=True)

    message_id: Annotated[MessageId | None, _says("text (64)", minLength=1, maxLength=64)] = None
    source_name: Source = None
    source_type: Source = None
    source_host: Source = None
    source_run_id: Source = None
    source_version: Source = None
    source_enqueued_time: UnixTime = None
    origin_name: Source = None
    origin_type: Source = None
    origin_host: Source = None
    origin_run_id: Source = None
    origin_version: Source = None
    origin_enqueued_time: UnixTime = None

    @property
    def pushed_at(self) -> datetime | None:
        """When it was pushed onto our list, UTC; None when it does not say, or nonsense."""
        pushed = self.source_enqueued_time
        try:
            return datetime.fromtimestamp(pushed, UTC) if pushed else None
        except ValueError:
            return None  # beyond the year 9999


def validate(schema: type[Schema], value: dict[str, Json]) -> Schema:
    """A message of the schema.

    Raises ``Damaged`` (INVALID_MESSAGE) that names each field and its fault, not its value.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        (first_field, first_text), *others = faults(error)
        text = "; ".join([first_text, *(f"{field}: {fault}" for field, fault in others)])
        raise Damaged("INVALID_MESSAGE", text, first_field) from None


def faults(error: ValidationError) -> list[tuple[str, str]]:
    """The fields at fault and what is wrong with each; no values."""
    return [
        (".".join(map(str, fault["loc"])), fault["msg"].removeprefix("Value error, "))
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    ]
