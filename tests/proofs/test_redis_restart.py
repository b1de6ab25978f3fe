"""Redis is killed and comes back, again and again, under load: workers go on, nothing is lost.

    pytest -m proof tests/proofs/test_redis_restart.py -s

REDIS_RESTARTS (12, in CI 4) says how often. Valkey keeps an append-only file. With ``appendfsync
always`` all that it has acknowledged must be there again. With ``everysec``, as in production, it
may itself forget what it has acknowledged in the seconds before it dies, as it does not write while
the disk is busy; these donations, and no others, may then be missing. What we push on ourselves may
be forgotten likewise, so the links of visits are required with ``always`` only.
"""

# ruff: noqa: T201  the figures
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.plugin import DjangoDbBlocker

from fundraising.crm.models import Contribution
from tests import postgres
from tests.proofs import books
from tests.proofs.databases import CrashingPostgreSQL, postgresql_stand
from tests.proofs.producer import Producer
from tests.servers import Valkey
from tests.workers import Stand, sqlite_stand, wait_for

RESTARTS = books.size("REDIS_RESTARTS", whole=12, short=4)
#: Seconds of which Redis may forget the writes with everysec: it postpones a write for at most 2.
FORGETS = 2.5

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300 + 20 * RESTARTS)]


@pytest.fixture
def broker(fsync: str) -> Valkey:
    return Valkey(appendfsync=fsync)


@pytest.fixture
def stand(broker: Valkey, tmp_path: Path, django_db_blocker: DjangoDbBlocker) -> Iterator[Stand]:
    """On PostgreSQL, if that is installed."""
    with django_db_blocker.unblock():
        if postgres.programs() is None:
            with sqlite_stand(tmp_path, broker) as stand:
                yield stand
        else:
            with CrashingPostgreSQL() as database, postgresql_stand(database, broker) as stand:
                yield stand


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_workers_outlive_restarts_of_redis(fsync: str, stand: Stand) -> None:
    dice = random.Random(1)
    killed_at = []
    with (
        stand.worker() as one,
        stand.worker_with_beat() as other,
        Producer(stand, most=20_000, waiting=300) as producer,
    ):
        for restart in range(RESTARTS):
            imported = Contribution.objects.count()
            wait_for(lambda: Contribution.objects.count() > imported, "the import goes on")  # noqa: B023
            time.sleep(dice.uniform(0, 1))
            killed_at.append(time.monotonic())
            stand.broker.kill9()
            time.sleep(dice.uniform(0, 3))
            stand.broker.start()
            assert one.is_alive(), f"a worker ended after restart {restart}"
            assert other.is_alive(), f"the worker with beat ended after restart {restart}"
        producer.end()
        stand.forget_connection()
        books.wait_until_settled(stand, 180)
        assert one.is_alive()
        assert other.is_alive()
        assert one.stop() == other.stop() == 0
    booked = set(Contribution.objects.values_list("gateway_txn_id", flat=True))
    uncertain = [one for one in producer.unanswered if one["gateway_txn_id"] in booked]
    missing = [at for txn, at in producer.answered_at.items() if txn not in booked]
    ages = [min(kill - at for kill in killed_at if kill - at > -0.1) for at in missing]
    result = books.read(producer.acknowledged + uncertain)
    print(f"\n{fsync}, {RESTARTS} restarts, {len(producer.unanswered)} pushes unanswered: {result}")
    print(f"forgotten by Redis, seconds before it was killed: {sorted(ages)}")
    assert not missing or (fsync == "everysec" and max(ages) < FORGETS)
    kept = [one for one in producer.acknowledged if one["gateway_txn_id"] in booked]
    result = books.read(kept + uncertain)
    if fsync == "everysec":
        result = result._replace(unlinked=0)
    assert result == books.kept(kept + uncertain)
    assert stand.lists() == stand.held() == {}
