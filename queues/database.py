"""What a database error means for the message at hand, and waiting for a database."""

import logging
import random
import time

from django.db import DatabaseError, InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

# SQLSTATE classes and states that say "not now" of the whole database: connection
# exceptions, read-only (a demoted primary), tables or columns that a migration has yet to
# make, no resources, operator intervention, system.
_UNAVAILABLE = ("08", "25006", "42P01", "42703", "53", "57P", "58")
_SQLITE_UNAVAILABLE = (
    "unable to open",
    "disk i/o",
    "disk is full",
    "readonly database",
    "no such table",
    "no such column",
)


def sqlstate(error: BaseException) -> str:
    """The SQLSTATE behind a Django database error; empty where the driver has none."""
    return getattr(error.__cause__, "sqlstate", None) or ""


def describe(error: DatabaseError) -> str:
    """What went wrong, without the values that drivers put in their messages."""
    diagnosis = getattr(error.__cause__, "diag", None)
    constraint = getattr(diagnosis, "constraint_name", None) or ""
    return " ".join(filter(None, [type(error).__name__, sqlstate(error), constraint]))


def is_unavailable(error: DatabaseError) -> bool:
    """Whether the database as a whole does not serve, as opposed to this statement."""
    if isinstance(error, InterfaceError):
        return True
    state = sqlstate(error)
    if state:
        return state.startswith(_UNAVAILABLE)
    text = str(error).lower()
    if connection.vendor == "sqlite":
        return any(words in text for words in _SQLITE_UNAVAILABLE)
    # A lost connection has no SQLSTATE: the server could not say anything.
    return isinstance(error, OperationalError)


def is_passing(error: DatabaseError) -> bool:
    """Deadlock, lock time-out, serialization failure, lost connection."""
    if connection.vendor == "sqlite":
        return "locked" in str(error) or "busy" in str(error)
    return isinstance(error, OperationalError)


def wait(seconds: float) -> bool:
    """Wait until the database answers, at most so long; whether it does.

    Backs off with jitter, so that a fleet of workers does not knock in step.
    """
    deadline = time.monotonic() + seconds
    pause = 0.1
    while True:
        connection.close()
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except (OperationalError, InterfaceError) as error:
            if time.monotonic() + pause > deadline:
                log.warning("the database is not there: %s", type(error).__name__)
                return False
            time.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 (jitter, not a secret)
            pause = min(pause * 2, 2.0)
        else:
            return True
