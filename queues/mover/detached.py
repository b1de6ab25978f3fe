"""Going into the background."""

import os
from collections.abc import Callable
from contextlib import suppress


def detach() -> Callable[[], None]:
    """Go on as a process without a terminal, in ``/``; call what this returns when it has started.

    The process that was started ends then, with 0, or with 1 if the other ended before. Call it
    while there are no threads.
    """
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        os._exit(0 if os.read(reader, 1) else 1)
    os.close(reader)
    # Not the session's leader, so that no terminal ever becomes its own.
    os.setsid()
    if os.fork():
        os._exit(0)
    os.chdir("/")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)

    def started() -> None:
        with suppress(BrokenPipeError):  # somebody has ended the first process
            os.write(writer, b".")
        os.close(writer)

    return started
