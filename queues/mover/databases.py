"""Databases with an outbox: this site's, or another's by its URL."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

import environ
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections

from queues.database import describe
from queues.mover.interface import Away

# As the settings have them: a transaction that reads first and writes later takes the write lock
# at once, what was acknowledged survives a power cut, and a lock that does not come is an error.
_SQLITE = {
    "timeout": 30,
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
}
_OTHERS = {"connect_timeout": 5, "options": "-c lock_timeout=10s -c timezone=UTC"}


def alias(database: str) -> str:
    """How Django knows a database: ``default``, or a URL as ``DATABASE_URL`` takes it.

    Another one has this project's tables too.
    """
    if database == DEFAULT_DB_ALIAS:
        return database
    name = f"mover-{sha256(database.encode()).hexdigest()[:16]}"
    if name not in connections.settings:
        config = environ.Env.db_url_config(database)
        options = _SQLITE if config["ENGINE"].endswith("sqlite3") else _OTHERS
        config["OPTIONS"] = {**options, **config.get("OPTIONS", {})}
        both = connections.configure_settings({DEFAULT_DB_ALIAS: {}, name: config})
        connections.settings[name] = both[name]
    return name


@contextmanager
def answering(using: str, role: str) -> Iterator[None]:
    """Whatever the database says instead of an answer is :class:`Away`. ``role`` is source or
    target.
    """
    try:
        yield
    except DatabaseError as error:
        connections[using].close()
        raise Away(f"the outbox of the {role}: {describe(error)}") from error
