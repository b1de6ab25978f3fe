"""Databases of other sites, which have this project's tables of the message layer."""

import itertools
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from django.core.management import call_command
from django.db import connections

from queues.models import MoverPosition, OutboxMessage, OutboxPassage
from queues.mover.databases import alias

_NUMBERS = itertools.count(1)
_TEMPLATE = "site_template"


class Site:
    """A database with an outbox, by its URL."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.alias = alias(url)
        self.outbox = OutboxMessage.objects.using(self.alias)

    def migrate(self) -> None:
        """Make the tables."""
        call_command("migrate", "queues", database=self.alias, verbosity=0)

    def add(self, queue: str, bodies: Iterable[bytes]) -> None:
        """As a producer does."""
        self.outbox.bulk_create(
            [OutboxMessage(queue=queue, message_id="", body=body) for body in bodies],
            batch_size=500,
        )

    def bodies(self, queue: str, first: int = 0) -> list[bytes]:
        """What stands in the outbox for a queue, in order."""
        rows = self.outbox.filter(queue=queue).order_by("pk")
        return [bytes(body) for body in rows.values_list("body", flat=True)[first:]]

    def clear(self) -> None:
        """Empty its tables."""
        for model in (OutboxMessage, OutboxPassage, MoverPosition):
            model.objects.using(self.alias).all().delete()

    def close(self) -> None:
        """Close this thread's connection; the next use opens another."""
        connections[self.alias].close()

    def forget(self) -> None:
        """Django knows it no more."""
        self.close()
        del connections[self.alias], connections.settings[self.alias]


def sqlite_site(directory: Path) -> Site:
    """A new one in a file."""
    path = directory / f"site_{next(_NUMBERS)}.sqlite3"
    path.write_bytes(_sqlite_template())
    return Site(f"sqlite:///{path}")


@cache
def _sqlite_template() -> bytes:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "template.sqlite3"
        site = Site(f"sqlite:///{path}")
        site.migrate()
        site.forget()  # with the last connection, the write-ahead log goes into the file
        return path.read_bytes()


def postgresql_site(server: str) -> Site:
    """A new one on the server of this URL; the tables are made once."""
    with psycopg.connect(server, autocommit=True) as connection:
        made = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [_TEMPLATE])
        if not made.fetchone():
            connection.execute(f"CREATE DATABASE {_TEMPLATE}")
            template = Site(_url(server, _TEMPLATE))
            template.migrate()
            template.forget()
        name = f"site_{next(_NUMBERS)}"
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
    return Site(_url(server, name))


def _url(server: str, name: str) -> str:
    return server.rpartition("/")[0] + f"/{name}"
