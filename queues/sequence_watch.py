"""The check of the sequences at each connection of a worker: its start, or another server."""

# ruff: noqa: ANN401  Celery has no types here
import logging
from typing import Any

import redis
from celery import bootsteps

log = logging.getLogger(__name__)


class SequenceWatch(bootsteps.StartStopStep):
    """For apps of `queues.celery.make_app`; acts in workers of the instance of the sequences."""

    requires = ("celery.worker.consumer.connection:Connection",)

    def start(self, parent: Any) -> None:
        """Never raises for Redis or the database: each number is checked when it is taken too."""
        from django.conf import settings
        from django.db import DatabaseError, connections

        from queues import sequences

        if parent.app.conf.redis_instance != settings.SEQUENCE_INSTANCE:
            return
        try:
            for name in settings.SEQUENCES:
                sequences.check(name)
        except (DatabaseError, redis.RedisError) as error:
            log.warning("sequences: not checked, beat will: %s", type(error).__name__)
        finally:
            # Children that are forked later must not share it.
            connections.close_all()
