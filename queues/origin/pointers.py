"""What tells clients where the origin is: a file with a URL, the environment, or Sentinel."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from queues.origin import Refused
from queues.origin.nodes import Address, Node, address
from queues.origin.sentinels import Sentinels

DEFAULT_PORT = 6379
_SERVER = re.compile(r"(?P<before>rediss?://(?:[^/?#]*@)?)(?P<server>[^/?#@]*)")


class Pointer(Protocol):
    """What clients read."""

    def known(self) -> list[Address]:
        """The origin as clients know it, and the replicas if it knows them."""

    def tells(self, node: Node) -> bool:
        """Whether clients that start now go to this server."""

    def refusals(self) -> list[str]:
        """Why it could not be changed."""

    def tell(self, target: Address) -> str:
        """Let clients that start from now on go there; what was done, in words."""


class Url:
    """A URL in the environment: only a person can change it, for every client."""

    def __init__(self, url: str, variable: str) -> None:
        self.variable = variable
        self.origin = _origin(url)

    def __str__(self) -> str:
        return self.variable

    def known(self) -> list[Address]:
        """The one that it names."""
        return [self.origin]

    def tells(self, node: Node) -> bool:
        """By any name that the server has."""
        return self.origin in node.names

    def refusals(self) -> list[str]:
        """Never: it is left to a person."""
        return []

    def tell(self, target: Address) -> str:
        """It must be done by hand."""
        return f"left to you: set {self.variable} to {target}, its credentials as before"


class UrlFile(Url):
    """A file with the URL, as ``FRQUEUE_URL_FILE`` names it."""

    def __init__(self, path: Path, variable: str) -> None:
        self.path = path.resolve()  # where a link leads; the link stays
        super().__init__(self._read(), variable)

    def __str__(self) -> str:
        return f"{self.variable}_FILE"

    def refusals(self) -> list[str]:
        """A file beside it must be possible, to be renamed over it."""
        if os.access(self.path.parent, os.W_OK):
            return []
        return [f"no file can be written beside the one that {self} names"]

    def tell(self, target: Address) -> str:
        """Replace host and port in the file: a reader sees the old one or the new one, whole."""
        url = _SERVER.sub(rf"\g<before>{target}", self._read(), count=1)
        owner = self.path.stat()
        new = self.path.with_name(f".{self.path.name}.new")
        new.unlink(missing_ok=True)  # of one that was killed
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(url)
            file.flush()
            if (owner.st_uid, owner.st_gid) != (os.getuid(), os.getgid()):
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            os.fsync(file.fileno())
        new.replace(self.path)
        _sync(self.path.parent)
        self.origin = target
        return f"the file that {self} names says {target}"

    def _read(self) -> str:
        return self.path.read_text().strip()


def of(instance: str, url: str, environment: Mapping[str, str]) -> Pointer:
    """What tells the clients of an instance, whose URL in settings is ``url``."""
    variable = f"{instance.upper().replace('-', '_')}_URL"
    if url.startswith("sentinel://"):
        return Sentinels(url)
    path = environment.get(f"{variable}_FILE")
    try:
        return UrlFile(Path(path), variable) if path else Url(url, variable)
    except (OSError, ValueError) as error:
        raise Refused(f"{variable}: {type(error).__name__}") from error


def _origin(url: str) -> Address:
    found = _SERVER.match(url)
    if not found:
        raise ValueError("not a redis:// or rediss:// URL")
    server = found["server"] or "localhost"
    return address(server if re.search(r":\d+$", server) else f"{server}:{DEFAULT_PORT}")


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
