"""What is mended of Celery's worker, by the settings that it has for it.

worker_consumer = "queues.worker:Consumer"
base=queues.worker.DeliveryTask                 for the tasks of the delivery contract
"""

# ruff: noqa: ANN401  Celery has no types here
import inspect
import logging
from collections.abc import Iterator
from typing import Any

import redis
from celery import Task, bootsteps
from celery.concurrency import asynpool
from celery.worker import consumer, request

from queues import heartbeats, instances

log = logging.getLogger(__name__)


class Consumer(consumer.Consumer):
    """Does not forget what children have got already, when it stops or loses the connection.

    Celery discards each job whose acceptance it has not read yet, though its child works on it. At
    a stop that child then waits 30 s for its result to be read, and the task has run for nothing.
    """

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """As Celery's, which closes the channels: they are not to give back what children have."""
        connection: Any = self.connection
        for channel in getattr(connection.transport, "channels", ()):
            channel.lost = True
        super().on_connection_error_after_connected(exc)

    def ensure_connected(self, conn: Any) -> Any:
        """As Celery's, which waits here for Redis to come back: the loop is well, though it stands
        still.
        """
        patient = conn.ensure_connection

        def ensure_connection(*args: Any, callback: Any, **options: Any) -> Any:
            def each_second() -> None:
                if "redis_instance" in self.app.conf:  # as with the step Heartbeat
                    _touch(self)
                callback()

            return patient(*args, callback=each_second, **options)

        conn.ensure_connection = ensure_connection
        try:
            return super().ensure_connected(conn)
        finally:
            del conn.ensure_connection

    def on_unknown_task(self, body: Any, message: Any, exc: Exception) -> None:
        """As Celery's, whose log shall not show what is in the message; it rejects, we keep."""
        message.body = b""
        super().on_unknown_task(body, message, exc)

    def on_invalid_task(self, body: Any, message: Any, exc: Exception) -> None:
        """As `on_unknown_task`."""
        message.body = b""
        super().on_invalid_task(body, message, exc)

    def on_decode_error(self, message: Any, exc: Exception) -> None:
        """Celery acknowledges what it cannot decode, and so loses it: keep it for a person."""
        log.error("a task does not decode: %s", type(exc).__name__)
        message.reject()

    def on_close(self) -> None:
        """As Celery's, but first finish the jobs that are half written, and spare the written."""
        pool = getattr(self.pool, "_pool", None)
        if isinstance(pool, asynpool.AsynPool):
            for job in _written(pool):
                job._accepted = True
        super().on_close()


class Heartbeat(bootsteps.StartStopStep):
    """Beats (see `queues.heartbeats`) as long as the loop of the worker turns.

    For apps of `queues.celery.make_app`. A task of the solo pool holds up the loop; give a probe of
    such a worker the time limit of its tasks.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Any, **options: Any) -> None:
        self._entry: Any = None
        super().__init__(parent, **options)

    def start(self, parent: Any) -> None:
        """At each connection."""
        self._beat(parent)
        self._entry = parent.timer.call_repeatedly(heartbeats.INTERVAL, self._beat, (parent,))

    def stop(self, parent: Any) -> None:
        """At the loss of a connection, and at the end."""
        if self._entry is not None:
            parent.timer.cancel(self._entry)
            self._entry = None

    def shutdown(self, parent: Any) -> None:
        """The worker ends by itself, so nobody need miss it."""
        self.stop(parent)
        try:
            heartbeats.remove(parent.hostname)
            heartbeats.take_leave(_client(parent), parent.hostname)
        except (OSError, redis.RedisError) as error:
            log.warning("the heartbeat stays: %s", type(error).__name__)

    def _beat(self, parent: Any) -> None:
        _touch(parent)
        try:
            heartbeats.tell(_client(parent), parent.hostname)
        except redis.RedisError as error:
            log.warning("Redis: %s; nobody there sees this worker", type(error).__name__)


def _touch(parent: Any) -> None:
    try:
        heartbeats.touch(parent.hostname)
    except OSError as error:
        log.warning("no heartbeat for probes: %s", error.strerror)


def _client(parent: Any) -> redis.Redis:
    """One that cannot hold up the loop for long."""
    return instances.hasty_client(parent.app.conf.redis_instance)


class Maintenance(bootsteps.StartStopStep):
    """Holds the instance again, before the first message is taken, if its key was lost in a window.

    For apps of `queues.celery.make_app`. At each connection, that is a start or a restart of Redis
    too.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)
    #: Seconds until the next try, should the database or Redis not answer.
    again_after = 5.0

    def start(self, parent: Any) -> None:
        """Never raises for the database: without it no message has an effect anyway."""
        from django.db import DatabaseError, connections

        from queues import maintenance

        try:
            maintenance.agree(parent.app.conf.redis_instance)
        except (DatabaseError, redis.RedisError) as error:
            log.warning("maintenance: not known, asked again: %s", type(error).__name__)
            parent.timer.call_after(self.again_after, self.start, (parent,))
        finally:
            connections.close_all()


def _written(pool: Any) -> Iterator[Any]:
    """The jobs that a child has got, of which some may not be accepted yet."""
    for job in list(pool._cache.values()):
        reference = getattr(job, "_writer", None)
        writer = reference() if reference else None
        if writer is not None and inspect.getgeneratorstate(writer) == inspect.GEN_CREATED:
            continue
        if job._write_to is not None:
            if writer is not None and writer in pool._active_writers:
                pool._flush_writer(job._write_to, writer)
            yield job


class Request(request.Request):
    """Whatever a person or an error does to a delivery, its messages stay."""

    def _announce_revoked(self, reason: str, terminated: bool, signum: Any, expired: bool) -> None:
        """Celery acknowledges a revoked task, and so loses its messages: keep them for a person."""
        self.reject(requeue=False)
        parent: Any = super()
        parent._announce_revoked(reason, terminated, signum, expired)

    def info(self, safe: bool = False) -> Any:  # noqa: ARG002  as Celery calls it
        """For `celery inspect` and Flower: never what is in the messages."""
        return super().info(safe=True)

    def on_timeout(self, soft: bool, timeout: float) -> None:
        """Celery calls hooks first and rejects last; one that raises would leave it open."""
        try:
            super().on_timeout(soft, timeout)
        finally:
            if not soft:
                self.reject(requeue=True)


class DeliveryTask(Task[Any, Any]):
    """The base of the tasks of the delivery contract; these do not depend on the app's settings."""

    abstract = True
    Request = "queues.worker:Request"
    acks_late = True
    acks_on_failure = False
    acks_on_timeout = False
    reject_on_worker_lost = True
    ignore_result = True
