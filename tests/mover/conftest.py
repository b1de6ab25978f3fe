"""Movers between real databases with PgQ."""

from collections.abc import Iterator

import pytest

from queues.mover.moving import Mover
from tests import pgq
from tests.mover.movers import Movers


@pytest.fixture(scope="session")
def cluster() -> Iterator[pgq.Cluster]:
    """A PostgreSQL server whose databases have PgQ."""
    found = pgq.server()
    if found is None:
        pytest.skip("PostgreSQL is not installed, and the wheel's cannot be run as this user")
    with found as running:
        yield pgq.Cluster(running)


@pytest.fixture(params=pgq.VARIANTS)
def variant(request: pytest.FixtureRequest, cluster: pgq.Cluster) -> str:
    """Each kind of PgQ that the server can have."""
    name: str = request.param
    if name not in cluster.variants():
        pytest.skip("the package with the extension pgq is not installed")
    return name


@pytest.fixture(scope="session")
def databases(cluster: pgq.Cluster) -> tuple[pgq.Database, pgq.Database]:
    """What ``source`` and ``target`` use in turn."""
    return cluster.database("source"), cluster.database("target")


@pytest.fixture
def source(databases: tuple[pgq.Database, pgq.Database]) -> Iterator[pgq.Database]:
    """A database with the queue ``gifts``."""
    database, _ = databases
    yield database.create_queue("gifts")
    database.clear()


@pytest.fixture
def target(databases: tuple[pgq.Database, pgq.Database]) -> Iterator[pgq.Database]:
    """Another, with the queue ``donations``."""
    _, database = databases
    yield database.create_queue("donations")
    database.clear()


@pytest.fixture
def movers(source: pgq.Database, target: pgq.Database) -> Iterator[Movers]:
    """Makes movers, and closes them before the databases are cleared."""
    made = Movers()
    yield made
    made.close()


@pytest.fixture
def mover(source: pgq.Database, target: pgq.Database, movers: Movers) -> Mover:
    """A registered mover."""
    return movers.registered(source, target)
