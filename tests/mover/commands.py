"""The command `queue_mover` in tests: in this process, and as one of its own."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from queues.mover.main import main

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "ops" / "queue-mover"


def run(config: Path, *switches: str, **keys: str) -> int:
    """The exit code; ``keys`` stand in place of what the file says. Log handlers stay as they are.

    Ends when there is nothing more to move.
    """
    own = logging.getLogger("queues.mover")
    before = own.handlers[:], own.level, own.propagate
    words = [f"--set={key}={value}" for key, value in {"loop_delay": "0", **keys}.items()]
    try:
        return main([*switches, *words, str(config)])
    finally:
        for handler in own.handlers:
            handler.close()
        own.handlers, own.level, own.propagate = before


@contextmanager
def running(config: Path, *switches: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    """A process of it; ended by force at the end, if it still runs."""
    command = [sys.executable, "-m", "queues.mover.main", *switches, str(config)]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(condition: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to be"
        time.sleep(0.01)
