"""Clients for the Redis instances, made from their URLs."""

from functools import cache
from urllib.parse import parse_qs, urlsplit

import redis
from django.conf import settings
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

# Long enough for a failover by Sentinel to be noticed as an error, not as a hang.
SOCKET_TIMEOUT = 10.0
# For who asks whether an instance answers.
HASTY_TIMEOUT = 1.0


@cache
def client(instance: str) -> redis.Redis:
    """The client of an instance named in setting ``REDIS_INSTANCES``; shared, thread-safe."""
    return connect(settings.REDIS_INSTANCES[instance])


def hasty_client(instance: str) -> redis.Redis:
    """As :func:`client`, but gives up soon: for probes, which must answer though Redis does not."""
    return _hasty(settings.REDIS_INSTANCES[instance])


@cache
def _hasty(url: str) -> redis.Redis:
    # Once more, as the server may have closed the connection long ago.
    return connect(url, timeout=HASTY_TIMEOUT, retries=1)


def connect(url: str, *, timeout: float = SOCKET_TIMEOUT, retries: int = 2) -> redis.Redis:
    """A client for a ``redis://``, ``rediss://``, ``redis+socket://`` or ``sentinel://`` URL.

    A Sentinel URL lists its hosts with ``;`` between and names the master:
    ``sentinel://a:26379;sentinel://b:26379/0?master_name=frqueue``.
    """
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), retries=retries)
    if url.startswith("redis+socket://"):
        parts = urlsplit(url)
        database = parse_qs(parts.query).get("virtual_host", ["0"])[0]
        return redis.Redis(
            unix_socket_path=parts.path, db=int(database), socket_timeout=timeout, retry=retry
        )
    if not url.startswith("sentinel://"):
        return redis.Redis.from_url(
            url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=retry
        )
    hosts = [urlsplit(part) for part in url.split(";")]
    last = hosts[-1]
    sentinel = Sentinel(  # type: ignore[no-untyped-call]  # redis-py has no types here
        [(host.hostname, host.port or 26379) for host in hosts],
        socket_timeout=timeout,
        username=last.username,
        password=last.password,
    )
    master: redis.Redis = sentinel.master_for(  # type: ignore[no-untyped-call]  # the same
        parse_qs(last.query)["master_name"][0],
        db=int(last.path.lstrip("/") or 0),
        username=last.username,
        password=last.password,
        socket_timeout=timeout,
        retry=retry,
    )
    return master
