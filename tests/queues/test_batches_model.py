"""Batches against a model: two who carry the same passage, in any order of steps."""

from collections.abc import Iterator

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from queues import batches
from queues.batches import OutOfStep, Put, Taken
from tests.servers import Valkey

NAME = "passage"

carriers = st.sampled_from(["one", "other"])


class Passage(RuleBasedStateMachine):
    """Each message is on the source, in hand, on the target, or with a worker of either: once."""

    source: redis.Redis
    target: redis.Redis

    def __init__(self) -> None:
        super().__init__()
        self.source.flushdb()
        self.target.flushdb()
        self.pushed = 0
        self.consumed: list[bytes] = []
        self.delivered: list[bytes] = []
        # What each has in its memory, which may be long past.
        self.carried: dict[str, Taken] = {}
        # The number that the fence stands at, and what was put by it.
        self.number, self.put_there = 0, list[bytes]()
        self.is_in_order = True

    @initialize()
    def begin(self) -> None:
        """With a backlog."""
        self.push(20)

    @rule(count=st.integers(1, 5))
    def push(self, count: int) -> None:
        """A producer."""
        for _ in range(count):
            self.source.rpush("source", str(self.pushed))
            self.pushed += 1

    @rule()
    def consume(self) -> None:
        """A worker on the source."""
        self.consumed += self.source.lpop("source", 1) or []

    @rule()
    def deliver(self) -> None:
        """A worker on the target."""
        self.delivered += self.target.lpop("target", 1) or []

    @rule(carrier=carriers, most=st.integers(1, 4), most_bytes=st.integers(1, 8))
    def take(self, carrier: str, most: int, most_bytes: int) -> None:
        """From the head, or what is in hand."""
        held = batches.held(self.source, NAME)
        taken = batches.take(self.source, "source", NAME, most, most_bytes)
        assert held is None or taken == held
        self._carry(carrier, taken)

    @rule(carrier=carriers, wanted=st.sets(st.integers(0, 60), max_size=4))
    def pick(self, carrier: str, wanted: set[int]) -> None:
        """From the middle, or what is in hand."""
        held = batches.held(self.source, NAME)
        names = [b"%d" % number for number in sorted(wanted)]
        taken = batches.pick(self.source, "source", NAME, names)
        if held is not None:
            assert taken == held
        elif taken is not None:
            self.is_in_order = False
            assert set(taken.messages) <= set(names)
        self._carry(carrier, taken)

    def _carry(self, carrier: str, taken: Taken | None) -> None:
        if taken is None:
            self.carried.pop(carrier, None)
        else:
            self.carried[carrier] = taken

    @rule(carrier=carriers)
    def put(self, carrier: str) -> None:
        """As far as the fence lets."""
        if taken := self.carried.get(carrier):
            self._put(taken, taken.messages)

    def _put(self, taken: Taken, messages: list[bytes]) -> bool:
        """Put them; whether they are there."""
        pushes = [("target", message) for message in messages]
        try:
            done = batches.put(self.target, NAME, taken.previous, taken.position, pushes)
        except OutOfStep:
            assert taken.number != self.number + 1
            assert (taken.number, messages) != (self.number, self.put_there)
            return False
        if done is Put.DONE:
            assert taken.number == self.number + 1
            self.number, self.put_there = taken.number, messages
        else:
            assert (taken.number, messages) == (self.number, self.put_there)
        return True

    @rule(carrier=carriers)
    def release(self, carrier: str) -> None:
        """Who put it releases it, at once or long after."""
        taken = self.carried.get(carrier)
        if taken and taken.number <= self.number and taken.messages:
            held = batches.held(self.source, NAME)
            if held == taken and self.put_there != taken.messages:
                return  # its number was used up to give it back
            assert batches.release(self.source, NAME, taken.position) == (held == taken)
            self.carried.pop(carrier)

    @rule(carrier=carriers)
    def move(self, carrier: str) -> None:
        """All three steps without a pause, while the other stands still."""
        taken = batches.take(self.source, "source", NAME, 2)
        self._carry(carrier, taken)
        self.put(carrier)
        self.release(carrier)

    @rule(carrier=carriers)
    def give_back(self, carrier: str) -> None:
        """Use the number up on the target, then put it back."""
        taken = self.carried.get(carrier)
        if taken and self._put(taken, []):
            held = batches.held(self.source, NAME)
            assert batches.give_back(self.source, NAME, taken.position) == (held == taken)
            self.carried.pop(carrier)

    @rule(carrier=carriers)
    def crash(self, carrier: str) -> None:
        """Its memory is gone."""
        self.carried.pop(carrier, None)

    @invariant()
    def each_message_is_somewhere_once(self) -> None:
        held = batches.held(self.source, NAME)
        hand = held.messages if held else []
        if held and held.number == self.number and self.put_there == hand:
            hand = []  # on the target, and not released yet
        on_target = self.delivered + list(self.target.lrange("target", 0, -1))
        everywhere = [*self.consumed, *self.source.lrange("source", 0, -1), *hand, *on_target]
        assert sorted(map(int, everywhere)) == list(range(self.pushed))
        if self.is_in_order:
            numbers = list(map(int, on_target))
            assert numbers == sorted(numbers)


@pytest.fixture
def sides(frqueue: redis.Redis, valkey: Valkey) -> Iterator[None]:
    """Two databases."""
    Passage.source = frqueue
    with redis.Redis(port=valkey.port, db=1) as Passage.target:
        yield


@pytest.mark.usefixtures("sides")
def test_nothing_is_lost_and_nothing_is_there_twice() -> None:
    run_state_machine_as_test(
        Passage, settings=settings(max_examples=60, stateful_step_count=40, deadline=None)
    )
