"""Where a mover takes from and puts to, by what ``src_db`` and ``dst_db`` say.

Adapters are imported when one is needed: a mover between two databases loads no Redis client.
"""

from urllib.parse import parse_qs, urlsplit

from queues.mover import django_apps
from queues.mover.config import SPLITTER, Config, ConfigError
from queues.mover.interface import Source, Target
from queues.mover.moving import Mover, by_field

_REDIS = ("redis://", "rediss://", "redis+socket://", "sentinel://")
_OUTBOX = "outbox:"
_DATABASES = ("postgres://", "postgresql://", "sqlite:///")


def mover(config: Config) -> Mover:
    """The mover of a configuration; nothing is connected yet.

    Raises :class:`ConfigError` for a ``src_db`` or ``dst_db`` that is neither of the forms.
    """
    try:
        source = _source(config)
    except ValueError as error:
        raise ConfigError(f"src_db: {error}") from None
    try:
        target = _target(config)
    except ValueError as error:
        raise ConfigError(f"dst_db: {error}") from None
    return Mover(
        source=source,
        target=target,
        source_queue=config.queue_name,
        name=config.consumer_name,
        queue=by_field(config.queue_field) if config.service == SPLITTER else config.dst_queue_name,
        poison=config.poison,
    )


def ends(config: Config) -> tuple[str, str]:
    """The source and the target, as people call them: place and queue, without credentials."""
    by = f"by {config.queue_field}" if config.service == SPLITTER else config.dst_queue_name
    return f"{place(config.src_db)} {config.queue_name}", f"{place(config.dst_db)} {by}"


def place(text: str) -> str:
    """A ``src_db`` or ``dst_db`` without user and password. Raises ``ValueError``."""
    if text.startswith(_OUTBOX):
        return _OUTBOX + _without_credentials(text.removeprefix(_OUTBOX))
    if text.startswith(_REDIS):
        master = parse_qs(text.partition("?")[2]).get("master_name")
        hosts = ";".join(map(_without_credentials, text.split(";")))
        return f"{hosts} {master[0]}" if master else hosts
    from queues.mover.pgq.link import Link

    return Link(text, "").place


def _without_credentials(url: str) -> str:
    scheme, there, rest = url.partition("://")
    if not there:
        return url
    parts = urlsplit(f"//{rest}")
    return f"{scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _source(config: Config) -> Source:
    dsn, queue, name = config.src_db, config.queue_name, config.consumer_name
    if dsn.startswith(_REDIS):
        from queues.mover.redis_source import RedisSource

        return RedisSource(dsn, queue, name)
    if dsn.startswith(_OUTBOX):
        database = _database(dsn)
        from queues.mover.outbox_source import OutboxSource

        return OutboxSource(database, queue, name)
    from queues.mover.pgq.source import PgqSource

    return PgqSource(dsn, queue, name)


def _target(config: Config) -> Target:
    dsn = config.dst_db
    if dsn.startswith(_REDIS):
        from queues.mover.redis_target import RedisTarget

        return RedisTarget(dsn)
    if dsn.startswith(_OUTBOX):
        database = _database(dsn)
        from queues.mover.outbox_target import OutboxTarget

        return OutboxTarget(database)
    from queues.mover.pgq.target import PgqTarget

    return PgqTarget(dsn, config.consumer_name, config.event_id_field)


def _database(dsn: str) -> str:
    """``default`` or a URL; with Django loaded, as its tables are asked for."""
    database = dsn.removeprefix(_OUTBOX)
    if database != "default" and not database.startswith(_DATABASES):
        raise ValueError(f"behind {_OUTBOX} stands default, or a URL of {', '.join(_DATABASES)}")
    django_apps.load()
    return database
