"""``manage.py swap_origin``, killed at a named step of the swap.

SWAP_FAILPOINT="after promotion" FAILPOINT_MARKER=/tmp/file \\
    python -m tests.proofs.swap_failpoints swap_origin --to 127.0.0.1:6380 --yes

SIGKILL goes to the process group: start it in a group of its own.
"""

import itertools
import os
import pkgutil
import signal
import sys
from functools import wraps
from pathlib import Path
from typing import Any

import django
from django.core.management import execute_from_command_line

BEFORE, AFTER = False, True

#: A function, whether after its call, and which call, from 1.
Where = tuple[str, bool, int]

PLANNED_STEPS: dict[str, Where] = {
    "before checks": ("queues.origin.checks.refusals", BEFORE, 1),
    "before promotion": ("queues.origin.checks.refusals", AFTER, 1),
    "within FAILOVER": ("queues.origin.steps.wait_until", BEFORE, 1),
    "after promotion": ("queues.origin.steps._hand_over", AFTER, 1),
    "before the first replica": ("queues.origin.steps._make_replica", BEFORE, 1),
    "between the replicas": ("queues.origin.steps._make_replica", AFTER, 1),
    "after the last replica": ("queues.origin.steps._make_replica", AFTER, 2),
    "before release": ("queues.origin.steps.release", BEFORE, 1),
    "between the files of servers": ("redis.Redis.config_rewrite", BEFORE, 2),
    "before the counter": ("queues.sequences.raise_to", BEFORE, 1),
    "after the counter": ("queues.sequences.raise_to", AFTER, 1),
    "probe on its way": ("queues.origin.steps._reads", BEFORE, 1),
    "after the probe": ("queues.origin.contents.differences", AFTER, 3),
    "before clients are told": ("queues.origin.pointers.UrlFile.tell", BEFORE, 1),
    "within the file of clients": ("pathlib.Path.replace", BEFORE, 1),
    "after clients are told": ("queues.origin.pointers.UrlFile.tell", AFTER, 1),
}

#: Where the origin is dead.
DEAD_STEPS: dict[str, Where] = {
    "before the target": ("redis.Redis.replicaof", BEFORE, 1),
    "after the target": ("redis.Redis.replicaof", AFTER, 1),
    "before the replica": ("redis.Redis.replicaof", BEFORE, 2),
    "after the replica": ("redis.Redis.replicaof", AFTER, 2),
    "after the margin": ("queues.sequences.raise_to", AFTER, 1),
}

#: Where Sentinel decides.
SENTINEL_STEPS: dict[str, Where] = {
    "after the fence": ("queues.origin.sentinels.fence", AFTER, 1),
    "after Sentinel's failover": ("queues.origin.sentinels.Sentinels._fail_over", AFTER, 1),
    "before the fence is lifted": ("queues.origin.steps.release", BEFORE, 1),
}


def _arm(where: str, is_after: bool, number: int) -> None:
    owner_name, _, name = where.rpartition(".")
    owner = pkgutil.resolve_name(owner_name)
    function = getattr(owner, name)
    calls = itertools.count(1)

    @wraps(function)
    def armed(*args: Any, **kwargs: Any) -> Any:
        is_here = next(calls) == number
        if is_here and not is_after:
            _kill()
        result = function(*args, **kwargs)
        if is_here and is_after:
            _kill()
        return result

    setattr(owner, name, armed)


def _kill() -> None:
    Path(os.environ["FAILPOINT_MARKER"]).touch()
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """The command."""
    django.setup()
    _arm(*(PLANNED_STEPS | DEAD_STEPS | SENTINEL_STEPS)[os.environ["SWAP_FAILPOINT"]])
    execute_from_command_line(["manage.py", *sys.argv[1:]])


if __name__ == "__main__":
    main()
