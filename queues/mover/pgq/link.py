"""A connection to a database that comes and goes."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from queues.mover.interface import Away

# A server whose machine vanished is noticed within a minute, not within hours.
_DEFAULTS = {
    "connect_timeout": "10",
    "keepalives_idle": "20",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}
# The encoding of a database that stores any bytes it is given.
_ANYTHING = "SQL_ASCII"
# Errors whose text may hold what an event holds: data, integrity.
_TELLING = ("22", "23")


class _Verbatim(Loader):
    """Text as it is stored."""

    def load(self, data: Buffer) -> str:
        return bytes(data).decode(errors="surrogateescape")


class Link:
    """Opened when it is needed, given up after an error; in autocommit mode, UTF-8 and UTC."""

    def __init__(self, dsn: str, name: str, **settings: str) -> None:
        """``dsn`` as libpq takes it, words or a URL; ``name`` is what the server shows.

        ``settings`` of the server hold for the connection.

        Raises ``ValueError`` for another text.
        """
        try:
            given = conninfo_to_dict(dsn)
        except psycopg.ProgrammingError:
            # The driver's own text quotes the word, which may be the password.
            raise ValueError("no connection string of PostgreSQL") from None
        host, port = given.get("host", "local"), given.get("port", 5432)
        service = given.get("service")
        self.place = f"service {service}" if service else f"{given.get('dbname', '')}@{host}:{port}"
        self._dsn = make_conninfo(dsn, **{k: v for k, v in _DEFAULTS.items() if k not in given})
        self._name = name
        self._settings = {"timezone": "UTC", **settings}
        self._connection: psycopg.Connection | None = None

    @contextmanager
    def use(self) -> Iterator[psycopg.Connection]:
        """The connection. Any error of the database comes out as ``Away``, and closes it."""
        try:
            if self._connection is None:
                self._connection = self._open()
            yield self._connection
        except psycopg.Error as error:
            self.close()
            raise Away(f"{self.place}: {_describe(error)}") from error

    def close(self) -> None:
        """Give it up; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> psycopg.Connection:
        connection = psycopg.connect(
            self._dsn, autocommit=True, client_encoding="UTF8", application_name=self._name
        )
        for setting in self._settings.items():
            connection.execute("SELECT set_config(%s, %s, false)", setting)
        if connection.info.parameter_status("server_encoding") == _ANYTHING:
            connection.execute("SELECT set_config('client_encoding', %s, false)", [_ANYTHING])
            for name in ("text", "name"):
                connection.adapters.register_loader(name, _Verbatim)
        return connection


def _describe(error: psycopg.Error) -> str:
    state = error.sqlstate or ""
    if state.startswith(_TELLING):
        return f"{type(error).__name__} {state}"
    words = error.diag.message_primary or next(iter(str(error).splitlines()), "")
    return f"{type(error).__name__} {state} {words}".replace("  ", " ")
