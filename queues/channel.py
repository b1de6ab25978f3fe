"""kombu's channel, reserving groups where it pops messages."""

# ruff: noqa: ANN401  kombu has no types at this boundary
import logging
import threading
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from itertools import count
from queue import Empty
from time import monotonic
from typing import Any, cast

import redis
from kombu.transport import redis as stock
from kombu.transport import virtual
from kombu.utils.json import dumps

from queues import delivery, reserved
from queues.leases import Leases
from queues.reservations import Command, Reservations
from queues.reserved import Group
from queues.unacked import REDIS_ERRORS, Unacked

log = logging.getLogger(__name__)


def _kombu(parent: object) -> Any:
    """`super()`, for the methods that kombu's stubs do not know."""
    return parent


class Channel(stock.Channel):
    """Reserves groups where kombu pops messages, and hands them to Celery as tasks.

    Methods named after BRPOP are those that kombu's poller calls; there is none in them.
    """

    # kombu's, absent from its stubs
    _in_poll: Any
    _brpop_sent_at: float | None
    _expires: dict[str, int]
    _queue_cycle: Any
    _create_client: Callable[[], redis.Redis]
    connection_errors: tuple[type[Exception], ...]

    QoS = Unacked
    visibility_timeout = 60
    # One list a queue, whatever the priority of a task.
    priority_steps = [0]  # noqa: RUF012  as in kombu
    # A dead network must become an error, not a worker that hangs.
    socket_timeout = 30
    socket_connect_timeout = 10
    socket_keepalive = True

    tasks: Mapping[str, str] = {}
    group_sizes: Mapping[str, int] = {}
    aliases: Mapping[str, str] = {}
    group_bytes = 4 * 1024 * 1024
    max_message_bytes = 1024 * 1024
    from_transport_options = tuple(
        {
            *stock.Channel.from_transport_options,
            "tasks",
            "group_sizes",
            "aliases",
            "group_bytes",
            "max_message_bytes",
        }
        - {"priority_steps", "global_keyprefix", "ack_emulation"}
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._reservations = Reservations()
        # Tags sort by time, so that a sweep restores in order.
        prefix = uuid.uuid4().hex
        self._tags = (f"{prefix}-{number:08d}-" for number in count())
        self._no_ack_queues: set[str] = set()
        # Set by our Consumer when the connection broke.
        self.lost = False
        self._commands: redis.Redis | None = None
        super().__init__(*args, **kwargs)
        broker: Any = self.connection.client
        self.leases = Leases.of(broker.as_uri(), self.visibility_timeout)

    @property
    def qos(self) -> Unacked:
        return cast(Unacked, super().qos)

    @property
    def commands(self) -> redis.Redis:
        """One client for all commands of the channel; kombu makes one a command, a third of its
        CPU time.

        It outlives the channel: a task that was running when the connection broke is still
        acknowledged.
        """
        if self._commands is None:
            self._commands = self._create_client()
        return self._commands

    @contextmanager
    def conn_or_acquire(self, client: Any | None = None) -> Generator[Any, None, None]:
        yield client or self.commands

    def _connparams(self, asynchronous: bool = False) -> dict[str, Any]:
        # Celery uses closed channels now and then, and stock kombu's AttributeError then ends the
        # worker.
        if self.connection is None or self.connection.client is None:
            raise redis.ConnectionError("the channel is closed")
        params: dict[str, Any] = _kombu(super())._connparams(asynchronous=asynchronous)
        return params | {"protocol": 3} if asynchronous else params

    def _put(self, queue: str, message: Any, **kwargs: Any) -> None:
        """Publish at the tail; stock kombu pushes at the head and takes from the tail."""
        publish_batch = kwargs.pop("_publish_batch", None)
        expires = self._expires.get(queue)
        commands: list[tuple[Any, ...]] = [("rpush", queue, dumps(message))]
        if expires is not None:
            commands.append(("pexpire", queue, expires))
        if publish_batch is not None:
            for command in commands:
                publish_batch.add(*command)
            return
        with self.commands.pipeline(transaction=False) as pipe:
            for name, *args in commands:
                getattr(pipe, name)(*args)
            pipe.execute()

    def basic_consume(self, queue: str, no_ack: bool, *args: Any, **kwargs: Any) -> Any:
        """Consume one more list; answers (to `celery inspect`, say) are consumed without
        acknowledging.
        """
        (self._no_ack_queues.add if no_ack else self._no_ack_queues.discard)(queue)
        self.look_again(0)
        return super().basic_consume(queue, no_ack, *args, **kwargs)

    def look_again(self, after: float) -> None:
        """Do not wait to be told of a change any longer, if we have for `after` seconds."""
        if self._in_poll and self._reservations.waiting and self._reservations.waited() >= after:
            self._in_poll = None

    def _brpop_start(self, timeout: float | None = None) -> None:  # noqa: ARG002  as kombu calls it
        """Send a reservation; its answer makes the socket readable, as that of BRPOP does."""
        queues = self._queue_cycle.consume(len(self.active_queues))
        room = self.qos.can_consume_max_estimate()
        if queues and room:
            self._in_poll, self._brpop_sent_at = self.client.connection, monotonic()
            self._reservations.send(self.client.connection, self._reserve_command(queues, room))

    def _reserve_command(self, queues: list[str], room: int) -> Command:
        return reserved.reserve_command(
            queues,
            self.group_sizes,
            prefix=next(self._tags),
            lease=self.leases.lease,
            room=room,
            group_bytes=self.group_bytes,
            message_bytes=self.max_message_bytes,
        )

    def _brpop_read(self, **_: Any) -> bool:
        """Read what made the socket readable, and hand over what was reserved. Raises Empty for
        nothing.
        """
        taken: list[Group] = []
        with self._refusals_as_lost_connection(taken):
            if self._reservations.read(self.client.connection, taken):
                self._in_poll = None
        if not taken:
            raise Empty
        self._hand_over(taken)
        return True

    @contextmanager
    def _refusals_as_lost_connection(self, taken: list[Group]) -> Generator[None, None, None]:
        """Whatever Redis says (READONLY after a failover, LOADING, MISCONF): Celery shall
        reconnect.

        Of any other error its worker dies. What was read before the error is given back.
        """
        try:
            yield
        except REDIS_ERRORS as error:
            self.client.connection.disconnect()
            self._in_poll = None
            self._give_back(taken)
            if isinstance(error, self.connection_errors):
                raise
            raise redis.ConnectionError(f"Redis hands out no messages: {error}") from error

    def _hand_over(self, taken: list[Group]) -> None:
        self.leases.hold((group.tag for group in taken), thread=threading.get_ident())
        rest = list(taken)
        try:
            while rest:
                self._deliver(rest.pop(0))
        finally:
            self._give_back(rest)

    def _give_back(self, taken: list[Group]) -> None:
        self.leases.hold(group.tag for group in taken)
        for group in reversed(taken):
            self.qos.end(group.tag, reserved.give_back)

    def _deliver(self, group: Group) -> None:
        if group.queue not in (self.connection._callbacks or ()):  # cancelled meanwhile
            self._give_back([group])
            return
        no_ack = group.queue in self._no_ack_queues
        self._queue_cycle.rotate(group.queue)
        try:
            payload = delivery.payload(group, self.tasks, self, no_ack=no_ack)
            self.connection._deliver(payload, group.queue)
        except REDIS_ERRORS:
            raise
        except delivery.Undeliverable as error:
            log.error(  # noqa: TRY400  a trace would show what is in the message
                "a task on %s cannot run, it goes to the damaged ones: %s", group.queue, error
            )
            self.qos.bury(group.tag, error.code, str(error))
        except Exception as error:  # noqa: BLE001  of junk Celery raises anything, and dies
            log.error(  # noqa: TRY400  a trace would show what is in the message
                "a task on %s broke Celery, it goes to the damaged ones: %s",
                group.queue,
                type(error).__name__,
            )
            why = f"Celery could not take it: {type(error).__name__}"
            self.qos.bury(group.tag, "INVALID_ENVELOPE", why)
        if no_ack:
            self.qos.ack(group.tag)

    def _get(self, queue: str, timeout: float | None = None) -> dict[str, Any]:  # noqa: ARG002
        """Take one message synchronously (`basic_get`)."""
        client: Any = self.commands
        answer = client.execute_command(*self._reserve_command([queue], 1))
        taken = reserved.groups(answer)
        if not taken:
            raise Empty
        self.leases.hold(group.tag for group in taken)
        try:
            return delivery.payload(taken[0], self.tasks, self)
        except delivery.Undeliverable as error:
            self.qos.bury(taken[0].tag, error.code, str(error))
            raise Empty from error

    def basic_get(self, queue: str, no_ack: bool = False, **kwargs: Any) -> virtual.Message | None:
        """As kombu's; without acknowledging, it is acknowledged here."""
        message = super().basic_get(queue, no_ack, **kwargs)
        if message is not None and no_ack:
            self.qos.ack(str(message.delivery_tag))
        return message

    def _on_connection_disconnect(self, connection: Any) -> None:
        if self._in_poll is connection:
            self._reservations.reset()
        _kombu(super())._on_connection_disconnect(connection)

    def _basic_cancel(self, consumer_tag: str) -> Any:
        """The last consumer gone, nobody would read an answer that is outstanding until the
        channel closes.
        """
        result = _kombu(super())._basic_cancel(consumer_tag)
        if not self.active_queues:
            self._finish_reserving()
        return result

    def close(self) -> None:
        """Give back what is not running. Stock kombu would wait here for an answer that may never
        come.
        """
        self._finish_reserving()
        super().close()
        if self._commands is not None:
            self._commands.connection_pool.disconnect()

    def _finish_reserving(self) -> None:
        connection, self._in_poll = self._in_poll, None
        if not connection or self._reservations.waiting:
            return
        taken: list[Group] = []
        try:
            self._reservations.read_outstanding(connection, taken)
        except REDIS_ERRORS as error:
            log.warning(
                "Redis: %s; what it was to hand out comes back in a while", type(error).__name__
            )
            connection.disconnect()
        self._give_back(taken)


class SentinelChannel(Channel, stock.SentinelChannel):
    """Asks Sentinel for the master; transport option `master_name`."""

    from_transport_options = tuple(
        {*Channel.from_transport_options, *stock.SentinelChannel.from_transport_options}
        - {"priority_steps", "global_keyprefix", "ack_emulation"}
    )
    connection_class = stock.SentinelChannel.connection_class
    connection_class_ssl = stock.SentinelChannel.connection_class_ssl
