"""Which deliveries of a channel are not acknowledged yet, and how they end."""

# ruff: noqa: ANN401  kombu has no types at this boundary
import weakref
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import redis
from celery.worker import state
from kombu.transport import redis as stock
from kombu.transport import virtual

from queues import delivery, reserved
from queues.leases import End

if TYPE_CHECKING:
    from queues.channel import Channel


#: What Redis, or the way to it, raises.
REDIS_ERRORS = (redis.RedisError, OSError)
#: Groups taken at once by a consumer without a prefetch limit.
UNLIMITED_ROOM = 10


def bury(
    client: redis.Redis, tag: str, *, code: str, error: str, aliases: Mapping[str, str]
) -> None:
    """Move what is reserved to the damaged list of its queue, the bytes verbatim."""
    content = reserved.messages(client, tag)
    if content is not None:
        name, messages = content
        letters = delivery.dead_letters(aliases.get(name, name), messages, code, error)
        reserved.settle(client, tag, letters)


class Unacked(stock.QoS):
    """kombu's QoS.

    It holds messages weakly. Only who has the message can acknowledge it, so one that nobody has
    any more (Celery forgot it after an error) would be leased for ever; instead it is given back.
    After a lost connection that is everything that was not begun.
    """

    channel: "Channel"
    _on_collect: Any  # kombu's, absent from its stubs

    def __init__(self, channel: "Channel", prefetch_count: int = 0) -> None:
        super().__init__(channel, prefetch_count)
        self._unacked: dict[str, weakref.ref[virtual.Message]] = {}

    def can_consume(self) -> bool:
        """Whether the prefetch limit leaves room."""
        return not self.prefetch_count or len(self._unacked) < self.prefetch_count

    def can_consume_max_estimate(self) -> int:
        """How many deliveries the prefetch limit leaves room for."""
        if not self.prefetch_count:
            return UNLIMITED_ROOM
        return max(self.prefetch_count - len(self._unacked), 0)

    def append(self, message: virtual.Message, delivery_tag: str) -> None:
        """Only in memory: the script has written it down already."""
        self._unacked[delivery_tag] = weakref.ref(message, partial(self._forgotten, delivery_tag))

    def get(self, delivery_tag: str) -> virtual.Message | None:
        """The message, while somebody has it."""
        reference = self._unacked.get(delivery_tag)
        return reference() if reference else None

    def _forgotten(self, tag: str, _: object) -> None:
        if self._unacked.pop(tag, None) is not None:
            self.channel.leases.end_later(tag, reserved.give_back)

    def end(self, tag: str, how: End) -> None:
        """End a delivery; never raises an error of Redis, see `Leases.end`."""
        self._unacked.pop(tag, None)
        self.channel.leases.end(tag, how, self.channel.commands)

    def ack(self, delivery_tag: str) -> None:
        """In one round trip."""
        self.end(delivery_tag, reserved.settle)

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:
        """Restore to the head, as a suspect: its worker died or ran out of time. Or keep it for a
        person.
        """
        if requeue:
            self.end(delivery_tag, reserved.restore)
        else:
            self.bury(delivery_tag, "REJECTED", "the worker could not run the task, see its log")

    def bury(self, tag: str, code: str, error: str) -> None:
        """Keep a delivery that no task can have for a person."""
        self.end(tag, partial(bury, code=code, error=error, aliases=self.channel.aliases))

    def restore_unacked_once(self, stderr: Any = None) -> None:  # noqa: ARG002  as kombu calls it
        """When the channel closes: give back what no task runs with, latest first so that the
        order stays.

        What runs keeps its lease: after a lost connection it will be acknowledged; if the process
        ends, so does the lease.
        """
        self._on_collect.cancel()
        if self.channel.lost:  # children work on; what Celery forgets is given back by `_forgotten`
            return
        running = {request.message.delivery_tag for request in tuple(state.active_requests)}
        for tag in reversed(self._unacked.copy()):
            if tag not in running:
                self.end(tag, reserved.give_back)

    def restore_visible(self, *_: object, **__: object) -> None:
        """Renew and sweep; Celery's event loop and our poller call it."""
        self.channel.leases.tick(self.channel.commands)
