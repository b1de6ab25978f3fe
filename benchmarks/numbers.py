"""Numbers of messages: none is given twice for one database."""

from benchmarks.donations import DONORS, FIRST_NUMBER


class Numbers:
    """Hands out stretches of numbers that begin with the first kind of message."""

    def __init__(self) -> None:
        self._next = FIRST_NUMBER

    def take(self, count: int) -> range:
        """So many numbers in a row."""
        first = self._next
        self._next += count + -count % len(DONORS)
        return range(first, first + count)
