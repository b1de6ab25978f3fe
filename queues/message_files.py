"""Files of messages, one JSON object a line.

    {"id": "4be0…", "from": "frqueue/donations", "by": "queue_dump", "where": {}, "count": null,
     "begun": "2026-11-21T17:40:00+00:00"}
    {"at": 0, "message": "{\\"gateway\\": …}"}
    {"at": 1, "base64": "/w=="}
    {"messages": 2, "ended": "2026-11-21T17:40:01+00:00"}

A message stands there byte by byte, as text or, if it is no UTF-8, as base64. `at` says where in
its source it was: equal or greater from line to line. A file without its last line is not
complete: who wrote it was interrupted, and goes on after the last whole line.

Messages tell who gave: only the owner may read the files.
"""

import base64
import binascii
import fcntl
import json
import os
import secrets
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from queues.lists import Refused


@dataclass(frozen=True)
class Header:
    """The first line: whence, by which command, which messages and at most how many."""

    id: str
    source: str
    by: str
    where: dict[str, str]
    count: int | None

    @classmethod
    def new(cls, source: str, by: str, where: Mapping[str, str], count: int | None) -> Self:
        """Of a new file."""
        return cls(secrets.token_hex(8), source, by, dict(where), count)

    @property
    def most(self) -> int:
        """The same as a number."""
        return sys.maxsize if self.count is None else self.count

    def dumps(self) -> bytes:
        """As a line."""
        return _line(
            {
                "id": self.id,
                "from": self.source,
                "by": self.by,
                "where": self.where,
                "count": self.count,
                "begun": _now(),
            }
        )

    @classmethod
    def loads(cls, line: bytes) -> Self:
        """Raises :class:`Refused` for another line."""
        try:
            told = json.loads(line)
            return cls(told["id"], told["from"], told["by"], told["where"], told["count"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise Refused("the first line is none of queue_dump or queue_purge") from error


@dataclass
class State:
    """How far a file is. ``tail`` are the last messages, those of one ``at``, which is ``last``;
    ``size`` is that of its whole lines in bytes.
    """

    header: Header
    messages: int = 0
    last: int = -1
    tail: list[bytes] = field(default_factory=list)
    size: int = 0

    def count(self, at: int, message: bytes) -> None:
        """One more message."""
        if at != self.last:
            self.tail = []
        self.tail.append(message)
        self.last = at
        self.messages += 1


def state(path: Path, header: Header) -> State:
    """How far a file is that is written by a command with this header; it keeps its own.

    Raises :class:`Refused` if it is another's, or complete.
    """
    found = State(header)
    if not path.exists():
        return found
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                break
            if not found.size:
                found.header = _same(path, Header.loads(line), header)
            elif (message := _read(line)) is not None:
                found.count(*message)
            else:
                raise Refused(f"{path} is complete, with {found.messages} messages: name another")
            found.size += len(line)
    return found


class Writer:
    """A file that is written, from its beginning or from where it stops.

    ``with Writer(path, header) as file``; nobody else can write it meanwhile. Raises
    :class:`Refused` as :func:`state` does.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path, self._header = path, header

    def __enter__(self) -> Self:
        try:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o600)
        except OSError as error:
            raise Refused(f"{self.path}: {error.strerror}") from error
        self._file = os.fdopen(descriptor, "wb")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._begin()
        except BlockingIOError as error:
            self._file.close()
            raise Refused(f"{self.path} is being written by another command") from error
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, at: int, messages: Iterable[bytes]) -> None:
        """Append messages; they are safe after :meth:`sync`. ``at`` never decreases."""
        for message in messages:
            self._file.write(_line({"at": at, **_body(message)}))
            self.state.count(at, message)

    def sync(self) -> None:
        """All that was added is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> None:
        """The file is complete."""
        self._file.write(_line({"messages": self.state.messages, "ended": _now()}))
        self.sync()

    def _begin(self) -> None:
        self.state = state(self.path, self._header)
        self._file.truncate(self.state.size)
        self._file.seek(self.state.size)
        if not self.state.size:
            self._file.write(self.state.header.dumps())
            self.sync()
            _sync_directory(self.path)


@dataclass(frozen=True)
class Contents:
    """A file that was read through. ``id`` is its own, or that of its text if it has none;
    ``digest`` is of all messages in their order. ``source`` is empty where it does not say.
    """

    id: str
    source: str
    digest: str
    messages: int
    is_complete: bool


def survey(path: Path, *, plain: bool) -> Contents:
    """Read a file through, before anything is done with it.

    Each line of a ``plain`` one is a message itself. Raises :class:`Refused` for a line that is
    none, and names it.
    """
    digest, count, is_complete = sha256(), 0, plain
    source = ident = ""
    for header, message in _lines(path, plain=plain):
        if header is not None:
            source, ident = header.source, header.id
        elif message is None:
            is_complete = True
        else:
            digest.update(b"%d\n" % len(message))
            digest.update(message)
            count += 1
    return Contents(
        ident or digest.hexdigest()[:16], source, digest.hexdigest(), count, is_complete
    )


def messages(path: Path, *, plain: bool) -> Iterator[bytes]:
    """The messages of a file, in their order."""
    for _, message in _lines(path, plain=plain):
        if message is not None:
            yield message


def _lines(path: Path, *, plain: bool) -> Iterator[tuple[Header | None, bytes | None]]:
    """Each line: the header, a message, or neither for the last."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                if plain:
                    if line.strip():
                        yield None, _plain(line)
                elif number == 1:
                    yield Header.loads(line), None
                elif line.endswith(b"\n"):  # else its writer was interrupted
                    found = _read(line)
                    yield None, found and found[1]
            except Refused as error:
                raise Refused(f"{path} line {number}: {error}") from error


def _plain(line: bytes) -> bytes:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Refused("is no JSON") from error
    if not isinstance(value, dict) or "at" in value:
        raise Refused("is no message, but a line of another kind of file")
    return line.rstrip(b"\r\n")


def _read(line: bytes) -> tuple[int, bytes] | None:
    """Where the message was, and the message; None for the last line."""
    try:
        told = json.loads(line)
        if "ended" in told:
            return None
        if "base64" in told:
            return int(told["at"]), base64.b64decode(told["base64"], validate=True)
        return int(told["at"]), told["message"].encode()
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error) as error:
        raise Refused("is no line of a file of messages") from error


def _body(message: bytes) -> dict[str, str]:
    try:
        return {"message": message.decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(message).decode("ascii")}


def _line(told: dict[str, Any]) -> bytes:
    return json.dumps(told).encode() + b"\n"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _same(path: Path, there: Header, mine: Header) -> Header:
    if (there.source, there.by, there.where) != (mine.source, mine.by, mine.where):
        choice = ", ".join(f"{name}={value}" for name, value in there.where.items()) or "all"
        raise Refused(f"{path} is of {there.by} {there.source} ({choice}): name another")
    return there


def _sync_directory(path: Path) -> None:
    """A new file is found after a power cut."""
    descriptor = os.open(path.resolve().parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
