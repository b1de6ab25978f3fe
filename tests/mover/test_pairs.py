"""Every source with every target, on real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from queues.mover import places
from queues.mover.config import load
from queues.mover.interface import LostPosition
from queues.mover.moving import Mover
from tests import pgq
from tests.mover.movers import drain
from tests.proofs import movers
from tests.servers import Valkey

PAIRS = [
    *((source, target) for source in ("pgq", "redis", "sqlite") for target in ("pgq", "redis")),
    *((source, "postgresql") for source in ("pgq", "redis", "sqlite")),
    ("postgresql", "sqlite"),
]


@pytest.fixture(scope="module")
def servers(cluster: pgq.Cluster, django_db_blocker: DjangoDbBlocker) -> Iterator[movers.Servers]:
    redises = Valkey(appendfsync="always"), Valkey(appendfsync="always")
    with django_db_blocker.unblock(), redises[0], redises[1]:
        yield movers.Servers(cluster, *redises)


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(
    request: pytest.FixtureRequest, servers: movers.Servers
) -> Iterator[tuple[movers.Place, movers.Place]]:
    """A source and a target."""
    kinds: tuple[str, str] = request.param
    made = servers.place(kinds[0], "source"), servers.place(kinds[1], "target")
    yield made
    for place in made:
        place.close()


@pytest.fixture
def mover(pair: tuple[movers.Place, movers.Place], tmp_path: Path) -> Iterator[Mover]:
    made = places.mover(load(movers.ini(tmp_path, *pair)))
    made.register()
    yield made
    made.source.close()
    made.target.close()


def test_everything_arrives_once_and_in_order(
    mover: Mover, pair: tuple[movers.Place, movers.Place]
) -> None:
    source, target = pair
    for first in range(0, 1500, 500):
        source.add(range(first, first + 500))
    _put_and_die(mover)
    source.add(range(1500, 1600))
    drain(mover)
    assert target.arrived() == [*range(1600)]
    assert mover.source.backlog().events == 0

    source.add(range(1600, 1700))
    source.back_up()
    drain(mover)
    source.add(range(1700, 1710))
    drain(mover)
    mover.source.close()
    source.restore()
    # A backup lacks what came later; a consumer of PgQ that is set back does not.
    source.add(range(1710 if isinstance(source, movers.PgqPlace) else 1700, 1800))
    with pytest.raises(LostPosition):
        mover.turn()
    mover.rewind()
    drain(mover)
    assert target.arrived() == [*range(1800)]


def _put_and_die(mover: Mover) -> None:
    """As a mover that is killed between the target's commit and the end of the batch."""
    batch = mover.source.next_batch()
    assert batch is not None
    with mover.target.transaction(mover.consumer) as transaction:
        transaction.put(movers.TARGET_QUEUE, batch.events())
        transaction.commit(batch.position)
    mover.source.close()
    mover.target.close()
