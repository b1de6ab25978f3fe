"""Who still uses a server: producers, workers, beat, web, people."""

from collections.abc import Iterator, Mapping
from typing import cast

from celery.exceptions import OperationalError

from queues import heartbeats
from queues.celery import make_app
from queues.origin.nodes import CLIENT_NAME, Node

#: Seconds that workers have to answer.
PATIENCE = 1.0


def left(node: Node) -> Iterator[str]:
    """Each connection but those of replicas, Sentinels and ours: who it is, never its data.

    Raises ``redis.RedisError``.
    """
    for client in cast(list[Mapping[str, str]], node.client.client_list()):
        is_server = {"S", "M"} & set(client["flags"]) or client["name"].startswith("sentinel-")
        if client["name"] != CLIENT_NAME and not is_server:
            name = f" {client['name']}" if client["name"] else ""
            user = client.get("user", "default")
            yield f"client{name} at {client['addr']}, user {user}, last did {client['cmd']}"


def processes(node: Node, instance: str) -> Iterator[str]:
    """Workers and beat that gave a sign of life lately, or answer Celery's ping, by name.

    Raises ``redis.RedisError``.
    """
    beating = heartbeats.seen(node.client, within=heartbeats.MAX_AGE)
    for name, ago in beating.items():
        yield f"{name}, seen {ago:.0f} s ago"
    # Asked only if somebody listens: the question writes.
    if any(count for _, count in _listeners(node)):
        yield from (f"{name}, answers" for name in _answering(instance) - beating.keys())


def _listeners(node: Node) -> list[tuple[bytes, int]]:
    channels = cast(list[bytes], node.client.pubsub_channels("*celery.pidbox"))
    return cast(list[tuple[bytes, int]], node.client.pubsub_numsub(*channels)) if channels else []


def _answering(instance: str) -> set[str]:
    app = make_app("swap_origin", instance, default=False)
    try:
        replies = app.control.ping(timeout=PATIENCE)
    except OperationalError:  # these are the credentials of clients; heartbeats tell too
        return set()
    finally:
        app.close()
    return {name for reply in replies or () for name in reply}
