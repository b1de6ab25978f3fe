"""Moving what stands on a list to where it is safe, batch by batch, all of it or what fits."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from queues import batches, legible
from queues.batches import Taken
from queues.lists import QueueList, snapshot

#: Messages of one batch, at most.
BATCH = 1000


@dataclass(frozen=True)
class Passage:
    """Messages of a list on their way to somewhere.

    ``deliver`` returns when a batch is safe there, and knows one that it has already. Whoever
    is killed leaves at most one batch in hand; the next one with that ``name`` delivers it.
    """

    source: QueueList
    name: str
    deliver: Callable[[Taken], object]

    def in_hand(self) -> int:
        """How many messages an earlier run left in hand."""
        taken = batches.held(self.source.client, self.name)
        return len(taken.messages) if taken else 0

    def finish(self) -> int:
        """Deliver what an earlier run left in hand; how many messages."""
        return self._carry(batches.held(self.source.client, self.name))

    def carry(self, most: int, where: Mapping[str, str]) -> Iterator[int]:
        """Deliver at most so many messages that fit; yields the size of each batch.

        Without conditions from the head of the list until it is empty. With them what stood on
        the list when this began: what workers take meanwhile is theirs, and the other messages
        keep their places.
        """
        if where:
            yield from self._carry_fitting(most, where)
            return
        while most > 0:
            carried = self._carry(
                batches.take(self.source.client, self.source.name, self.name, min(most, BATCH))
            )
            if not carried:
                return
            yield carried
            most -= carried

    def _carry_fitting(self, most: int, where: Mapping[str, str]) -> Iterator[int]:
        with snapshot(self.source) as messages:
            fitting = (message for message in messages if legible.fits(message, where))
            for group in grouped(fitting):
                left = group
                while left and most > 0:
                    taken = batches.pick(
                        self.source.client, self.source.name, self.name, left[:most]
                    )
                    if taken is None:
                        left = left[most:]
                        continue
                    left = _without(left, taken.messages)
                    most -= len(taken.messages)
                    yield self._carry(taken)
                if most <= 0:
                    return

    def _carry(self, taken: Taken | None) -> int:
        if taken is None:
            return 0
        self.deliver(taken)
        batches.release(self.source.client, self.name, taken.position)
        return len(taken.messages)


def grouped(messages: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Messages in batches, bounded as those that are taken; none is empty."""
    group: list[bytes] = []
    size = 0
    for message in messages:
        if group and (len(group) == BATCH or size + len(message) > batches.MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(message)
        size += len(message)
    if group:
        yield group


def _without(messages: Sequence[bytes], taken: Sequence[bytes]) -> list[bytes]:
    """Those that are left, in order."""
    counts = Counter(taken)
    left = []
    for message in messages:
        if counts[message]:
            counts[message] -= 1
        else:
            left.append(message)
    return left
