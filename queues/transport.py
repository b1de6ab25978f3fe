"""The kombu transport: plain lists, reserved in groups, none lost.

Stock kombu pops a message with BRPOP and writes down that it has it in a second step; what is
popped when the worker dies in between is lost. Here one script does both (queues.reserved). This
overrides private methods of kombu 5.7.0, which is why that is pinned.

Transport options, beside kombu's own for Redis:

    tasks               {queue: task} for raw messages; `queues.unrouted` for other queues
    group_sizes         {queue: how many raw messages one task gets at most}, 1 if not named
    aliases             {list: queue} for lists whose dead letters go to another queue's
    group_bytes         bytes of one group at most, 4 MiB
    max_message_bytes   a larger message goes alone, 1 MiB
    visibility_timeout  seconds after which what a dead worker held is back on its list, 60
"""

# ruff: noqa: ANN401  kombu has no types at this boundary
import logging
from typing import Any

from kombu.transport import TRANSPORT_ALIASES
from kombu.transport import redis as stock

from queues import channel
from queues.leases import TICKS
from queues.unacked import REDIS_ERRORS

log = logging.getLogger(__name__)

#: Seconds after which to look for messages though nothing told us of any.
LOOK_AGAIN = 1.0


def register() -> None:
    """Let `redis://`, `rediss://`, `redis+socket://` and `sentinel://` broker URLs use this
    transport.

    The schemes stay, so that Flower and other tools still know the broker for a Redis.
    """
    plain, sentinel = (
        f"{__name__}:{transport.__name__}" for transport in (Transport, SentinelTransport)
    )
    TRANSPORT_ALIASES.update(
        {"redis": plain, "rediss": plain, "redis+socket": plain, "sentinel": sentinel}
    )


class Poller(stock.MultiChannelPoller):
    """Adapts kombu's: answers must be read at once, and a busy worker restores too."""

    # kombu's, absent from its stubs
    _channels: set[channel.Channel]
    _fd_to_chan: dict[int, tuple[channel.Channel, str]]
    _restore_messages_tref: Any

    def _update_brpop_polling(self) -> None:
        """Stock kombu leaves an answer unread while there is no room; its lease would run out
        meanwhile.
        """

    def on_readable(self, fileno: int) -> None:
        """Read always, for the same reason."""
        if fileno in self._fd_to_chan:
            reader, kind = self._fd_to_chan[fileno]
            reader.handlers[kind]()

    def get(self, callback: Any, timeout: float | None = None) -> None:
        """One round without Celery's event loop (gevent, plain consumers), where no timer does
        these.
        """
        self.look_again()
        self.maybe_restore_messages()
        super().get(callback, LOOK_AGAIN if timeout is None else timeout)

    def look_again(self) -> None:
        """Should the server not have told us of a change."""
        for each in tuple(self._channels):
            each.look_again(LOOK_AGAIN)

    def maybe_restore_messages(self) -> None:
        """Renew and sweep; also when consuming was cancelled, as tasks may still run."""
        for each in tuple(self._channels):
            try:
                each.qos.restore_visible()
            except REDIS_ERRORS as error:
                log.warning("Redis: %s; leases are not renewed", type(error).__name__)


class Transport(stock.Transport):
    """For `redis://`, `rediss://` and `redis+socket://`."""

    Channel = channel.Channel
    cycle: Poller

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cycle = Poller()

    def register_with_event_loop(self, connection: Any, loop: Any) -> None:
        """As kombu's, but with our timers: it would renew and sweep every 100 s."""
        super().register_with_event_loop(connection, loop)
        self.cycle._restore_messages_tref.cancel()
        timeout = connection.client.transport_options.get(
            "visibility_timeout", channel.Channel.visibility_timeout
        )
        self.cycle._restore_messages_tref = loop.call_repeatedly(
            timeout / TICKS, self.cycle.maybe_restore_messages
        )
        loop.call_repeatedly(LOOK_AGAIN, self.cycle.look_again)


class SentinelTransport(Transport):
    """For `sentinel://a:26379;sentinel://b:26379/0`."""

    Channel = channel.SentinelChannel
    default_port = 26379
