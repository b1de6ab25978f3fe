"""Reservations on one connection: send one, read its answer, then wait to be told that a list has
changed.

Waiting costs neither side anything: with client-side caching (CLIENT TRACKING in opt-in mode) the
server remembers which lists a reservation found empty and sends one word when one of them changes.
That works for any number of lists on one connection, where the blocking commands wait for one list
or take what they find.

While an instance is held for maintenance, pushes wake nobody: it is asked once a second.
"""

# ruff: noqa: ANN401  redis-py's connections have no public type
import logging
from time import monotonic
from typing import Any

import redis

from queues.reserved import HELD, Group, groups

log = logging.getLogger(__name__)

_TRACKING = ("CLIENT", "TRACKING", "ON", "OPTIN", "NOLOOP")
_CACHING = ("CLIENT", "CACHING", "YES")

Command = tuple[str | int | float, ...]


class Reservations:
    """The state of a connection on which messages are reserved; it speaks RESP3."""

    def __init__(self) -> None:
        # Commands whose answers are outstanding.
        self._outstanding: list[Command] = []
        self._sent_at = 0.0
        self._found_nothing = False
        self._is_held = False
        self._tracked_socket: object = None
        self._may_track = True

    @property
    def waiting(self) -> bool:
        """Whether there is no answer to come."""
        return not self._outstanding

    def waited(self) -> float:
        """Seconds since the last reservation was sent."""
        return monotonic() - self._sent_at

    def reset(self) -> None:
        """The connection is lost."""
        self._outstanding = []

    def send(self, connection: Any, command: Command) -> None:
        """Send one reservation (`reserve_command`). Raises redis.ConnectionError."""
        commands = [command]
        if self._found_nothing and self._may_track:
            # Only lists that are found empty, and they once more, are worth tracking.
            commands = [_CACHING, command]
            if self._tracked_socket is not connection._sock:
                commands = [_TRACKING, _CACHING, command]
                self._tracked_socket = connection._sock
        self._outstanding = commands
        self._sent_at = monotonic()
        connection.send_packed_command(connection.pack_commands(commands))

    def read(self, connection: Any, taken: list[Group]) -> bool:
        """Read what has arrived, and append to `taken` what was reserved.

        True if it is time for the next reservation, false to wait for the connection to become
        readable again. Raises redis.RedisError.
        """
        again = self._read_one(connection, taken)
        # What is in redis-py's buffer already would not make the socket readable again.
        while connection.can_read(timeout=0):
            again = self._read_one(connection, taken) or again
        return again and self.waiting

    def read_outstanding(self, connection: Any, taken: list[Group]) -> None:
        """Read, waiting for it, the answer that is outstanding."""
        while self._outstanding:
            self._read_one(connection, taken)

    def _read_one(self, connection: Any, taken: list[Group]) -> bool:
        try:
            answer = connection.read_response(push_request=True)
        except redis.ResponseError as error:
            if not self._outstanding or self._outstanding.pop(0) not in (_TRACKING, _CACHING):
                raise
            log.warning(
                "Redis does not let us track lists (%s): looking for messages each second instead",
                error,
            )
            self._may_track = False
            return False
        if not isinstance(answer, list):
            if (
                answer is not None and self._outstanding
            ):  # OK to one of the commands before the reservation
                self._outstanding.pop(0)
                return False
            return not self._is_held  # the server says that a list has changed
        tracked = self._found_nothing
        self._outstanding = []
        self._is_held = answer == HELD
        if self._is_held:
            self._found_nothing = False
            return False
        taken += groups(answer)
        self._found_nothing = not answer
        # If nothing was found, and not tracked, once more to be told from then on.
        return bool(answer) or (not tracked and self._may_track)
