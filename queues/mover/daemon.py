"""The loop of a mover: turn after turn, over reloads, outages and the life of connections."""

import logging
import time
import traceback
from collections.abc import Callable
from random import uniform

from queues.mover import places
from queues.mover.config import Config, ConfigError
from queues.mover.interface import Away, LostPosition, NotRegistered, PoisonEvent
from queues.mover.moving import Moved
from queues.mover.progress import Progress
from queues.mover.signals import Signals

log = logging.getLogger(__name__)

# Exit codes. A lost position needs a person: starting it again helps nothing.
DONE, FAILED, LOST = 0, 1, 3

# Seconds between two questions to the source how much there is to move.
LOOK_EVERY = 5.0
# Seconds of the first wait after an error; it doubles up to exception_sleep.
_FIRST_WAIT = 0.25

# Their texts are made for people, and hold nothing of an event.
_EXPECTED = (Away, NotRegistered, PoisonEvent)


class Daemon:
    """Runs the mover of a configuration until it is told to stop, or there is no more to do."""

    def __init__(
        self,
        config: Config,
        reread: Callable[[], Config],
        signals: Signals,
        progress: Progress,
    ) -> None:
        self._reread = reread
        self._signals = signals
        self._progress = progress
        self._failures = 0
        self._looked_at = -LOOK_EVERY
        self._worked_at = time.monotonic()
        self._begin(config)

    def run(self) -> int:
        """Turn after turn; the exit code."""
        try:
            while not self._signals.stop:
                if self._signals.reload:
                    self._reload()
                code = self._step()
                if code is not None:
                    return code
        finally:
            self._disconnect()
        log.info("stopped")
        return DONE

    def _step(self) -> int | None:
        """One turn and the wait after it; the exit code when that was the last."""
        try:
            moved = self._turn()
        except LostPosition as error:
            log.error("the position is lost: %s", error)  # noqa: TRY400  (no bug: no frames)
            self._progress.failed(f"lost position: {error}")
            return LOST
        except Exception as error:  # noqa: BLE001  (whatever it is, the next try may do)
            return self._failed(error)
        self._failures = 0
        delay = self._config.loop_delay
        if moved is None and delay > 0:
            self._signals.wait(delay)
        return DONE if delay < 0 or (moved is None and delay == 0) else None

    def _turn(self) -> Moved | None:
        if time.monotonic() - self._opened_at > self._config.connection_lifetime:
            self._disconnect()
        began = time.monotonic()
        moved = self._mover.turn()
        now = time.monotonic()
        if moved is not None:
            self._progress.moved(moved)
            _report(moved, duration=now - began, idle=began - self._worked_at)
            self._worked_at = now
        if now - self._looked_at >= LOOK_EVERY:
            self._progress.measured(self._mover.source.backlog())
            self._looked_at = now
        self._progress.works()
        return moved

    def _failed(self, error: Exception) -> int | None:
        """Wait before the next try, or end where nobody waits for one."""
        text = explain(error)
        self._progress.failed(text)
        if not isinstance(error, _EXPECTED):
            # Frames only: the text of just any error may hold what an event holds.
            log.error("%s", "".join(traceback.format_tb(error.__traceback__)))
        self._disconnect()
        # What is set aside after a few tries is worth a few tries.
        passes = isinstance(error, PoisonEvent) and self._config.poison == "set_aside"
        if self._config.loop_delay <= 0 and not passes:
            log.error("failed: %s", text)
            return FAILED
        most = min(self._config.exception_sleep, _FIRST_WAIT * 2 ** min(self._failures, 20))
        pause = most * uniform(0.5, 1)  # noqa: S311  (jitter, not a secret)
        self._failures += 1
        log.error("failed, next try in %.1f s: %s", pause, text)
        self._signals.wait(pause)
        return None

    def _begin(self, config: Config) -> None:
        self._mover = places.mover(config)
        self._config = config
        self._opened_at = time.monotonic()
        source, target = places.ends(config)
        self._progress.configured(source=source, target=target, consumer=config.consumer_name)
        log.info("moves %s to %s as %s", source, target, config.consumer_name)

    def _disconnect(self) -> None:
        self._mover.source.close()
        self._mover.target.close()
        self._opened_at = time.monotonic()

    def _reload(self) -> None:
        """Read the file again; what cannot be run leaves everything as it was."""
        self._signals.reload = False
        former, mover = self._config, self._mover
        try:
            self._begin(self._reread())
        except (ConfigError, OSError) as error:
            log.error("not reloaded: %s", error)  # noqa: TRY400  (no bug: no frames)
            return
        mover.source.close()
        mover.target.close()
        changed = [
            name
            for name in type(former).model_fields
            if getattr(former, name) != getattr(self._config, name)
        ]
        log.info("reloaded; changed: %s", ", ".join(changed) or "nothing")


def explain(error: Exception) -> str:
    """What a person is told of an error: nothing that an event holds."""
    if isinstance(error, NotRegistered):
        return f"{error}: `--register` comes first"
    return str(error) if isinstance(error, _EXPECTED) else type(error).__name__


def _report(moved: Moved, *, duration: float, idle: float) -> None:
    """The original's line a turn, for the batches that had something in them."""
    if moved.known:
        log.info("batch %s was there already; only its end was lost", moved.position)
    elif moved.events or moved.set_aside:
        log.info(
            "{count: %d, set_aside: %d, duration: %.4f, idle: %.4f}",
            moved.events,
            moved.set_aside,
            duration,
            idle,
        )
