"""Whatever happens to a mover, its source or its target: each event arrives once, in its order.

For every pair of a source and a target. How often, and how long, is set by MOVER_KILLS and
MOVER_AWAY; a table of what was shown is printed in the end.
"""

import random
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from queues.mover import places
from queues.mover.config import load
from tests import pgq
from tests.proofs import books, movers
from tests.proofs.moving import (
    DONE,
    LOST,
    SOURCE_STEPS,
    STEPS,
    TARGET_STEPS,
    Moving,
    move,
    moving,
)

pytestmark = [pytest.mark.proof, pytest.mark.timeout(3600)]

SOURCES = {"pgq": "pgq", "redis": "redis", "outbox": "postgresql"}
TARGETS = {"pgq": "pgq", "redis": "redis", "outbox": "sqlite"}
PAIRS = [(source, target) for source in SOURCES for target in TARGETS]

KILLS = books.size("MOVER_KILLS", whole=200, short=6)
AWAY = books.size("MOVER_AWAY", whole=20, short=1)
LARGE = 50_000
LARGE_ELSEWHERE = books.size("MOVER_LARGE", whole=LARGE, short=5_000)
SEED = 20_261_121


class Book:
    """A line a pair: what was shown of it."""

    def __init__(self) -> None:
        self._shown: dict[str, dict[str, str]] = defaultdict(dict)

    def enter(self, pair: str, proof: str, what: str) -> None:
        self._shown[proof][pair] = what

    def __str__(self) -> str:
        pairs = ["-".join(pair) for pair in PAIRS]
        lines = [["", *pairs]]
        lines += [[p, *(row.get(pair, "") for pair in pairs)] for p, row in self._shown.items()]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )


@pytest.fixture(scope="module")
def servers(django_db_blocker: DjangoDbBlocker) -> Iterator[movers.Servers]:
    if pgq.server() is None:
        pytest.skip("PostgreSQL is not installed")
    with django_db_blocker.unblock(), movers.servers() as running:
        yield running


@pytest.fixture(scope="module")
def book(request: pytest.FixtureRequest) -> Iterator[Book]:
    made = Book()
    yield made
    capture = request.config.pluginmanager.getplugin("capturemanager")
    assert capture is not None
    with capture.global_and_fixture_disabled():
        print(f"\n{made}")  # noqa: T201


class Passage:
    """A source and a target, and a mover between them that is registered."""

    def __init__(
        self, name: str, source: movers.Place, target: movers.Place, directory: Path, book: Book
    ) -> None:
        self.name, self.source, self.target = name, source, target
        self.ini = movers.ini(directory, source, target)
        self._book = book
        self.mover = places.mover(load(self.ini))
        self.mover.register()
        self.written = 0
        self._shown = 0

    def add(self, count: int, batches: int = 1) -> None:
        """Write more messages, in so many transactions."""
        for _ in range(batches):
            self.source.add(range(self.written, self.written + count))
            self.written += count

    def load(self, least: int) -> None:
        """Write more until so many wait to be moved."""
        while (self.mover.source.backlog().events or 0) < least:
            self.add(20, batches=5)

    def missing(self) -> int:
        """How many messages have not arrived; those that have are a beginning of all."""
        arrived = self.target.arrived()
        assert arrived == [*range(len(arrived))]
        return self.written - len(arrived)

    def shown(self, proof: str, what: str) -> None:
        """All has arrived, once and in order."""
        assert move(self.ini) == DONE
        assert self.target.arrived() == [*range(self.written)]
        self._book.enter(self.name, proof, f"{what}, {self.written - self._shown} events")
        self._shown = self.written

    def close(self) -> None:
        self.mover.source.close()
        self.mover.target.close()
        self.source.close()
        self.target.close()


@pytest.fixture(scope="module", params=PAIRS, ids="-".join)
def passage(
    request: pytest.FixtureRequest,
    servers: movers.Servers,
    book: Book,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Passage]:
    """The proofs of a pair share it, one after the other."""
    source, target = request.param
    made = Passage(
        f"{source}-{target}",
        servers.place(SOURCES[source], "source"),
        servers.place(TARGETS[target], "target"),
        tmp_path_factory.mktemp("mover"),
        book,
    )
    yield made
    made.close()


def test_killed_at_each_step(passage: Passage) -> None:
    source, target = passage.name.split("-")
    steps = [*STEPS]
    steps += [*SOURCE_STEPS] if source == "redis" else []
    steps += [*TARGET_STEPS] if target == "redis" else []
    for step in steps:
        passage.add(40, batches=4)
        assert Moving(passage.ini, step=step).wait() == -9, f"it was not killed {step}"
    passage.shown("killed at each step", f"{len(steps)} steps")


def test_killed_at_random(passage: Passage) -> None:
    dice = random.Random(SEED)
    for _ in range(KILLS):
        passage.load(300)
        with moving(passage.ini) as process:
            process.wait_until_moved()
            time.sleep(dice.uniform(0, 0.05))
    passage.shown("killed at random", f"{KILLS} kills")


def test_two_at_once(passage: Passage) -> None:
    passage.add(40, batches=10)
    with moving(passage.ini), moving(passage.ini):
        for _ in range(10):
            passage.add(40, batches=2)
        while passage.missing():
            time.sleep(0.02)
    passage.shown("two at once", "both alive")


def test_one_of_two_killed_at_random(passage: Passage) -> None:
    """Each time the older one: the other takes over, wherever that one was."""
    dice = random.Random(SEED)
    with ExitStack() as older:
        older.enter_context(moving(passage.ini))
        for _ in range(KILLS):
            with ExitStack() as younger:
                process = younger.enter_context(moving(passage.ini))
                passage.load(300)
                time.sleep(dice.uniform(0, 0.05))
                older.close()
                passage.load(100)
                process.wait_until_moved()
                older = younger.pop_all()
    passage.shown("two, one killed", f"{KILLS} kills")


def test_source_restored(passage: Passage) -> None:
    passage.add(40, batches=3)
    assert move(passage.ini) == DONE
    passage.add(40, batches=3)
    passage.source.back_up()
    assert move(passage.ini) == DONE
    passage.mover.source.close()
    passage.source.restore()
    passage.add(25, batches=2)
    assert move(passage.ini) == LOST
    assert passage.missing() == 50
    passage.mover.rewind()
    passage.shown("source restored", "refused, rewound")


def test_position_lost(passage: Passage) -> None:
    passage.add(40, batches=3)
    assert move(passage.ini) == DONE
    passage.add(40, batches=3)
    mover = passage.mover
    with mover.target.transaction(mover.consumer) as transaction:
        where = transaction.position
        transaction.commit("elsewhere")
    assert where is not None
    mover.target.close()
    assert move(passage.ini) == LOST
    assert passage.missing() == 120
    mover.reset()
    mover.target.close()
    passage.shown("position lost", "refused, reset")


def test_tables_rotated_meanwhile(passage: Passage) -> None:
    ends = [end for end in (passage.source, passage.target) if isinstance(end, movers.PgqPlace)]
    if not ends:
        pytest.skip("nothing rotates")
    rotations = 0
    with moving(passage.ini):
        while rotations < KILLS:
            passage.add(40, batches=2)
            rotations += sum(end.rotate() for end in ends)
        while passage.missing():
            time.sleep(0.02)
    passage.shown("tables rotated", f"{rotations} times")


@pytest.mark.parametrize("end", ["source", "target"])
def test_away_for_a_while(end: str, passage: Passage) -> None:
    place: movers.Place = getattr(passage, end)
    passage.mover.source.close()
    passage.mover.target.close()
    passage.add(40, batches=20)
    with moving(passage.ini):
        place.go_away()
        time.sleep(AWAY)
        place.come_back()
        passage.add(40, batches=3)
        while passage.missing():
            time.sleep(0.02)
    passage.shown(f"{end} away", f"{AWAY} s")


def test_one_large_transaction(passage: Passage) -> None:
    # Only a transaction of PgQ is one batch, however large.
    count = LARGE if isinstance(passage.source, movers.PgqPlace) else LARGE_ELSEWHERE
    passage.add(count)
    for _ in range(3):
        with moving(passage.ini, small=False):
            time.sleep(0.2)
    assert move(passage.ini, small=False) == DONE
    passage.shown("one large transaction", "3 kills")
