"""Signs of life of workers and of beat: a file on their machine, and a time on their instance.

The file says that the loop of the process turns, whether or not it reaches its Redis; a probe
restarts what does not beat. The time on the instance says that the process is there for its
messages. For probes, this runs without Django:

    python -m queues.heartbeats --worker donations@host --max-age 60
    python -m queues.heartbeats --beat frqueue

Exit status 0 for a process that beats, 1 for one that does not.
"""

import argparse
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import redis

KEY = "heartbeats"
#: Seconds from one beat to the next.
INTERVAL = 5.0
#: Seconds without one after which a process counts as gone: a task of the solo pool or a Redis
#: that hangs holds up the loop for a while.
MAX_AGE = 60.0

_PROJECT = Path(__file__).resolve().parent.parent

# By the server's clock. Who was not seen for a day is forgotten.
_TELL = """
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] - 86400)
return redis.call('ZADD', KEYS[1], time[1], ARGV[1])
"""


def of_beat(instance: str) -> str:
    """The name by which the beat of an instance is known; workers have their hostname."""
    return f"beat@{instance}"


def directory() -> Path:
    """Where the files are: ``HEARTBEAT_DIR``, or ``heartbeats`` in ``VAR_DIR`` or ``var/``."""
    chosen = os.environ.get("HEARTBEAT_DIR")
    var = os.environ.get("VAR_DIR") or _PROJECT / "var"
    return Path(chosen) if chosen else Path(var, "heartbeats")


def touch(name: str) -> None:
    """Write down that a process is alive. Raises ``OSError``."""
    path = _path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()


def remove(name: str) -> None:
    """The process ends by itself. Raises ``OSError``."""
    _path(name).unlink(missing_ok=True)


def age(name: str) -> float | None:
    """Seconds since a process last wrote its file; None if there is none."""
    try:
        return time.time() - _path(name).stat().st_mtime
    except FileNotFoundError:
        return None


def tell(client: "redis.Redis", name: str) -> None:
    """Write it down on the instance. Raises ``redis.RedisError``."""
    client.eval(_TELL, 1, KEY, name)


def take_leave(client: "redis.Redis", name: str) -> None:
    """The process ends by itself. Raises ``redis.RedisError``."""
    client.zrem(KEY, name)


def seen(client: "redis.Redis", within: float) -> dict[str, float]:
    """Who was seen on an instance in the last ``within`` seconds, and how many seconds ago.

    Raises ``redis.RedisError``.
    """
    seconds, _ = client.time()
    since = client.zrange(KEY, seconds - within, "+inf", byscore=True, withscores=True)
    found = cast(list[tuple[bytes, float]], since)
    return {name.decode(): max(seconds - score, 0.0) for name, score in found}


def main(arguments: list[str]) -> int:
    """Say in one line how long ago a process beat; the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m queues.heartbeats",
        description="Whether a worker or beat on this machine is alive: its loop turns.",
        epilog="Reads the file of the process in HEARTBEAT_DIR, VAR_DIR/heartbeats or "
        "var/heartbeats. Exit status: 0 it is, 1 it is not.",
    )
    process = parser.add_mutually_exclusive_group(required=True)
    process.add_argument("--worker", metavar="NAME", help="as in --hostname, with its host")
    process.add_argument("--beat", metavar="INSTANCE", help="frqueue or donor-prefs")
    parser.add_argument(
        "--max-age",
        type=float,
        default=MAX_AGE,
        metavar="SECONDS",
        help="older is not alive (%(default)g)",
    )
    options = parser.parse_args(arguments)
    name = options.worker or of_beat(options.beat)
    past = age(name)
    told = "no heartbeat" if past is None else f"heartbeat {past:.0f} s ago"
    alive = past is not None and past <= options.max_age
    print(f"{name}: {told}{'' if alive else ', not alive'}")  # noqa: T201  it is a command
    return 0 if alive else 1


def _path(name: str) -> Path:
    return directory() / name.replace(os.sep, "_")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
