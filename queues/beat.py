"""The clock of an instance: what beat runs, as long as its jobs are to be run."""

import logging
import time
from typing import Any

import redis
from celery.beat import PersistentScheduler

from queues import heartbeats, instances, reserved

log = logging.getLogger(__name__)

#: Seconds after which to ask again whether jobs may be sent.
PAUSE = 1.0


class Scheduler(PersistentScheduler):
    """Sends nothing while its instance is held or away; what came due is sent once, after it.

    Else a job every two seconds would stand on the list a thousand times when a window ends, and
    the daily ones of its hours would have been spent on a Redis that is not there.
    """

    _is_waiting = False
    _beats_at = float("-inf")

    def tick(self, *args: Any, **kwargs: Any) -> float:  # noqa: ANN401  as Celery calls it
        """Send what is due; the seconds until the next time."""
        self._beat()
        reason = self._wait_for()
        if bool(reason) != self._is_waiting:
            log.info("beat: %s", f"waits: {reason}" if reason else "goes on")
        self._is_waiting = bool(reason)
        return PAUSE if reason else float(super().tick(*args, **kwargs))

    def _beat(self) -> None:
        if time.monotonic() < self._beats_at:
            return
        self._beats_at = time.monotonic() + heartbeats.INTERVAL
        instance = self.app.conf.redis_instance
        name = heartbeats.of_beat(instance)
        try:
            heartbeats.touch(name)
            heartbeats.tell(instances.hasty_client(instance), name)
        except (OSError, redis.RedisError) as error:
            log.warning("beat: no heartbeat: %s", type(error).__name__)

    def _wait_for(self) -> str:
        instance = self.app.conf.redis_instance
        try:
            held = instances.hasty_client(instance).exists(reserved.MAINTENANCE)
        except redis.RedisError as error:
            return f"{instance} does not answer ({type(error).__name__})"
        return f"{instance} is held by a maintenance window" if held else ""
