"""The programs that make up the system, beside the Redis servers and the database."""

import sys
from pathlib import Path

from fundraising.stack.ports import HOST
from fundraising.stack.processes import Program

FRQUEUE = "fundraising"
DONOR_PREFS = "fundraising.donor_prefs"


def celery(app: str, *arguments: str) -> list[str]:
    """The command line of a Celery program, in this Python."""
    return [sys.executable, "-m", "celery", "--quiet", "--app", app, *arguments]


def worker(name: str, app: str = FRQUEUE, *, concurrency: int = 2) -> Program:
    """A worker of all queues of an instance."""
    return Program(
        name,
        celery(
            app,
            "worker",
            f"--hostname={name}@%h",
            f"--concurrency={concurrency}",
            "--loglevel=INFO",
        ),
        # Developers are root in their containers; in production the image sees to it.
        {"PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges"},
    )


def beat(name: str, schedule: str, app: str = FRQUEUE) -> Program:
    """What starts the periodic jobs of an instance; ``schedule``: the file of when they last ran.

    Each instance has its own, as one that is away stops its beat.
    """
    options = ("--loglevel=INFO", "--pidfile=", f"--schedule={schedule}")
    return Program(name, celery(app, "beat", *options))


def flower(port: int) -> Program:
    """The view of workers, tasks and queue lengths; read-only by ``flowerconfig.py``."""
    conf = f"--conf={Path(__file__).parent.parent / 'flowerconfig.py'}"
    options = (conf, f"--address={HOST}", f"--port={port}", "--logging=warning")
    return Program("flower", celery(FRQUEUE, "flower", *options))


def web(port: int) -> Program:
    """The admin."""
    return Program(
        "web",
        [sys.executable, "-m", "gunicorn", "--config", "python:fundraising.gunicorn"],
        # Nobody ends TLS before it here.
        {"WEB_BIND": f"{HOST}:{port}", "HTTPS": "0"},
    )
