"""The configuration of a mover: an ini file with one section, as the original's.

The section is called as the service, ``[queue_mover]`` or ``[queue_splitter]``, or as the
original's third version has it, ``[queue_mover3]`` and ``[queue_splitter3]``.
"""

import re
import socket
from collections.abc import Mapping
from configparser import BasicInterpolation, ConfigParser, InterpolationError
from configparser import Error as IniError
from pathlib import Path
from textwrap import wrap
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from queues.mover.moving import FIELDS, Poison, by_field

MOVER, SPLITTER = "queue_mover", "queue_splitter"
SERVICES = {MOVER: MOVER, f"{MOVER}3": MOVER, SPLITTER: SPLITTER, f"{SPLITTER}3": SPLITTER}

# Former names of keys. Where both stand, the former one holds, as in the original.
_FORMER = {"queue_name": "pgq_queue_name", "consumer_name": "pgq_consumer_id"}

_REFERENCE_OR_PERCENT = re.compile(r"%(%|\()|%")


class ConfigError(Exception):
    """The file cannot be run: which key, and what is wrong with it, without its value."""


def _path(text: str | Path) -> Path:
    return Path(text).expanduser().absolute()


def _field(name: str) -> str:
    by_field(name)  # raises ValueError for one that there is not
    return name


_Path = Annotated[Path, BeforeValidator(_path)]
_Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Config(BaseModel):
    """What one mover does. The descriptions are the comments of ``--ini``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    service: Literal["queue_mover", "queue_splitter"]
    #: Keys of the file that mean nothing here.
    without_effect: tuple[str, ...] = ()

    job_name: str = Field(
        description="The name of this mover in logs and pages; the file's, if it has none.",
        examples=["source_to_target"],
    )
    src_db: str = Field(
        repr=False,
        description="Where events are taken from: a connection string of PostgreSQL with PgQ; "
        "the URL of a Redis (redis://, rediss://, redis+socket://, sentinel://); or "
        "outbox:default, the outbox in the database of this site.",
        examples=["dbname=sourcedb"],
    )
    dst_db: str = Field(
        repr=False, description="Where they go; the same forms.", examples=["dbname=targetdb"]
    )
    queue_name: str = Field(
        validation_alias=AliasChoices(_FORMER["queue_name"], "queue_name"),
        description="The queue to take from.",
        examples=["source_queue"],
    )
    consumer_name: str = Field(
        validation_alias=AliasChoices(_FORMER["consumer_name"], "consumer_name"),
        description="The name under which the source keeps events for this mover.",
        examples=["%(job_name)s"],
    )
    dst_queue_name: str = Field(
        "",
        description=f"The queue to put them into. A section [{SPLITTER}] has none.",
        examples=["target_queue"],
    )
    queue_field: Annotated[str, AfterValidator(_field)] = Field(
        "extra1",
        description=f"In a section [{SPLITTER}]: the field of an event that names the queue to "
        f"put it into: {', '.join(FIELDS)}.",
    )
    event_id_field: Literal["ev_extra4", "none"] = Field(
        "ev_extra4",
        description="Where the id that an event has at the source is kept, in a target with PgQ: "
        "ev_extra4, where that is empty, or none.",
    )
    poison: Poison = Field(
        "set_aside",
        description="What becomes of an event that the target can never take, or whose queue is "
        "not there. set_aside: after three tries it is kept where a person finds it, and the rest "
        "goes on; stop: nothing goes on.",
    )
    loop_delay: float = Field(
        1.0,
        allow_inf_nan=False,
        description="Seconds to wait when there is nothing to move; 0: end then; less: end "
        "after one batch.",
    )
    connection_lifetime: _Seconds = Field(
        1200.0, description="Seconds after which connections are made anew."
    )
    exception_sleep: _Seconds = Field(
        20.0,
        description="Most seconds to wait after an error; the first waits are shorter.",
    )
    pidfile: _Path | None = Field(
        None, description="Needed by -d, -r, -s and -k.", examples=["~/pid/%(job_name)s.pid"]
    )
    logfile: _Path | None = Field(
        None, description="Log lines go here too.", examples=["~/log/%(job_name)s.log"]
    )
    log_size: int = Field(
        10 * 1024 * 1024, ge=0, description="Bytes after which the log file is rotated; 0: never."
    )
    log_count: int = Field(3, ge=0, description="How many rotated log files are kept.")
    use_skylog: int = Field(
        0,
        ge=0,
        le=2,
        description="1: log lines go to the system's log too, unless on a console; 2: always.",
    )

    @model_validator(mode="after")
    def _knows_its_target(self) -> Self:
        if self.service == MOVER and not self.dst_queue_name:
            raise ValueError("dst_queue_name is missing")
        return self


_KEYS = frozenset(Config.model_fields) - {"service", "without_effect"}
_SPELLINGS = _KEYS | set(_FORMER.values())


def load(path: Path, overrides: Mapping[str, str] | None = None) -> Config:
    """The configuration in a file; ``overrides`` stand in place of what it says.

    Raises :class:`ConfigError`.
    """
    parser = ConfigParser(
        interpolation=_Interpolation(), inline_comment_prefixes=(";",), strict=False
    )
    try:
        parser.read_string(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    except IniError as error:
        # Its own text quotes the line, in which a password may stand.
        raise ConfigError(f"{path}: not an ini file ({type(error).__name__})") from None
    section = parser[_section(parser, path)]
    section.update(overrides or {})
    given = {
        "job_name": path.stem,
        "service_name": section.name,
        "host_name": socket.gethostname(),
    }
    for name, value in given.items():
        section.setdefault(name, value)
    where = f"{path} [{section.name}]"
    if "table_filter" in section:
        raise ConfigError(f"{where} table_filter: not supported, and without it more would move")
    values: dict[str, object] = {}
    for key in _SPELLINGS & section.keys():
        try:
            values[key] = section[key]
        except InterpolationError as error:
            raise ConfigError(f"{where} {key}: {_unresolved(error)}") from None
    values = {key: value for key, value in values.items() if value}
    if not values.keys() & {"consumer_name", _FORMER["consumer_name"]}:
        values["consumer_name"] = values["job_name"]
    values["service"] = SERVICES[section.name]
    values["without_effect"] = tuple(sorted(section.keys() - _SPELLINGS - given.keys()))
    try:
        return Config.model_validate(values)
    except ValidationError as error:
        raise ConfigError(f"{where} {_faults(error)}") from None


def template() -> str:
    """A file to begin with: every key with what it means; those with a default are comments."""
    lines = [f"[{MOVER}]"]
    for name, field in Config.model_fields.items():
        if name not in _KEYS:
            continue
        value = field.examples[0] if field.examples else field.default
        sign = "" if field.examples else "#"
        lines += ["", *wrap(f"# {field.description}", 96, subsequent_indent="# ")]
        lines += [f"{sign}{name} = {value}"]
    return "\n".join(lines) + "\n"


class _Interpolation(BasicInterpolation):
    """``%(key)s`` is the value of a key; a lone % stays, as it does in URLs."""

    def before_read(self, parser: Any, section: str, option: str, value: str) -> str:  # noqa: ANN401
        return super().before_read(parser, section, option, _lenient(value))

    def before_set(self, parser: Any, section: str, option: str, value: str) -> str:  # noqa: ANN401
        return super().before_set(parser, section, option, _lenient(value))


def _lenient(value: str) -> str:
    return _REFERENCE_OR_PERCENT.sub(lambda found: found[0] if found[1] else "%%", value)


def _section(parser: ConfigParser, path: Path) -> str:
    found = [name for name in parser.sections() if name in SERVICES]
    if len(found) != 1:
        fault = "has more than one section of" if found else "has no section"
        raise ConfigError(f"{path}: {fault} {', '.join(SERVICES)}")
    return found[0]


def _unresolved(error: InterpolationError) -> str:
    reference = getattr(error, "reference", None)
    return f"refers to {reference}, which is not there" if reference else "a reference has a fault"


def _faults(error: ValidationError) -> str:
    """Each key with its fault, without values: a DSN may hold a password."""
    present = {former: name for name, former in _FORMER.items()}
    faults = []
    for fault in error.errors(include_input=False, include_url=False):
        key = str(fault["loc"][0]) if fault["loc"] else ""
        missing = fault["type"] == "missing"
        name = present.get(key, key) if missing else key
        text = "is missing" if missing else fault["msg"].removeprefix("Value error, ")
        faults.append(f"{name}: {text}" if name else text)
    return "; ".join(faults)
