"""``python -m fundraising.demo``: sets up a world of its own before settings are read."""

import argparse
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import django

from fundraising.stack import valkey
from fundraising.stack.ports import free_port


def main() -> int:
    """Run it; 0 only if every message is accounted for, and none twice."""
    parser = argparse.ArgumentParser(prog="manage.py demo")
    parser.add_argument("--keep", action="store_true", help="keep its directory, with the logs")
    keep = parser.parse_args().keep
    scratch = Path(tempfile.mkdtemp(prefix="fundraising-demo-"))
    frqueue = free_port()
    ports = {"frqueue": frqueue, "donor-prefs": free_port(taken=[frqueue])}
    _isolate(scratch, ports)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: sys.exit(128 + number))
    django.setup()

    from fundraising.demo.run import run

    try:
        is_balanced = run(scratch, ports)
    except SystemExit:
        shutil.rmtree(scratch)
        raise
    if keep or not is_balanced:
        print(f"Database and logs are in {scratch}", file=sys.stderr)  # noqa: T201
    else:
        shutil.rmtree(scratch)
    return 0 if is_balanced else 1


def _isolate(scratch: Path, ports: dict[str, int]) -> None:
    """Whatever the environment names, a demo must touch nothing of it."""
    environment = {
        "DJANGO_SETTINGS_MODULE": "fundraising.settings",
        "DATABASE_URL": f"sqlite:///{scratch}/db.sqlite3",
        "FRQUEUE_URL": valkey.url(ports["frqueue"]),
        "DONOR_PREFS_URL": valkey.url(ports["donor-prefs"]),
        "SECRET_KEY": "demo",
        # What a killed worker had in hand comes back after seconds instead of a minute.
        "VISIBILITY_TIMEOUT": "4",
        "EMAIL_URL": "dummymail://",
    }
    for name, value in environment.items():
        os.environ.pop(f"{name}_FILE", None)
        os.environ[name] = value


if __name__ == "__main__":
    sys.exit(main())
