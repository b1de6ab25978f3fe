"""Loopback TCP ports."""

import socket
from collections.abc import Iterable
from contextlib import closing

HOST = "127.0.0.1"


def free_port(preferred: int = 0, taken: Iterable[int] = ()) -> int:
    """``preferred`` if nobody listens there, else any free port that is not ``taken``."""
    while True:
        with closing(socket.socket()) as probe:
            # A connection of a moment ago keeps nobody from listening.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, preferred))
            except OSError:
                preferred = 0
                continue
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port
        preferred = 0


def answers(port: int) -> bool:
    """Whether something accepts connections on a port."""
    try:
        socket.create_connection((HOST, port), timeout=0.5).close()
    except OSError:
        return False
    return True
