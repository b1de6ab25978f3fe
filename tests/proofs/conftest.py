"""Stands for the proofs: real servers, migrated and empty."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings
from pytest_django.plugin import DjangoDbBlocker

from queues import instances
from tests import postgres
from tests.proofs.databases import CrashingPostgreSQL, postgresql_stand
from tests.workers import Stand, sqlite_stand

on_postgresql = pytest.param(
    "postgresql",
    marks=[
        pytest.mark.postgres,
        pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed"),
    ],
)


@pytest.fixture(scope="module", params=["sqlite", on_postgresql])
def each_stand(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[Stand]:
    """A stand on each database; the tests of a module share its servers."""
    with django_db_blocker.unblock():
        if request.param == "sqlite":
            with sqlite_stand(tmp_path_factory.mktemp("database")) as stand:
                yield stand
        else:
            with CrashingPostgreSQL() as database, postgresql_stand(database) as stand:
                yield stand


@pytest.fixture
def stand(each_stand: Stand) -> Stand:
    """A stand on each database, empty."""
    each_stand.clear()
    return each_stand


@pytest.fixture
def postgresql(django_db_blocker: DjangoDbBlocker) -> Iterator[CrashingPostgreSQL]:
    """A PostgreSQL of its own that can crash."""
    if postgres.programs() is None:
        pytest.skip("PostgreSQL is not installed")
    with django_db_blocker.unblock(), CrashingPostgreSQL() as database:
        yield database


@pytest.fixture
def both_instances(postgresql_only: Stand, settings: Settings) -> Iterator[Stand]:
    """That stand, whose Redis instances are this process's too."""
    urls = postgresql_only.environment
    settings.REDIS_INSTANCES = {
        "frqueue": urls["FRQUEUE_URL"],
        "donor-prefs": urls["DONOR_PREFS_URL"],
    }
    instances.client.cache_clear()
    yield postgresql_only
    instances.client.cache_clear()


@pytest.fixture
def postgresql_only(postgresql: CrashingPostgreSQL) -> Iterator[Stand]:
    """A stand on that PostgreSQL."""
    with postgresql_stand(postgresql) as stand:
        yield stand
