"""The database goes away under load and comes back: workers wait and go on by themselves.

    pytest -m proof tests/proofs/test_database_down.py -s

DATABASE_DOWN_SECONDS (30, in CI 12) says for how long PostgreSQL is away, each of two times.
"""

# ruff: noqa: T201  the figures
import time

import pytest

from fundraising.crm.models import Contribution
from tests.proofs import books
from tests.proofs.databases import CrashingPostgreSQL
from tests.proofs.producer import Producer
from tests.workers import Stand, wait_for

# Above the 10 s after which the contract gives messages back to their list.
SECONDS = books.size("DATABASE_DOWN_SECONDS", whole=30, short=12)

pytestmark = [pytest.mark.proof, pytest.mark.postgres, pytest.mark.timeout(300 + 4 * SECONDS)]


def test_workers_outlive_an_outage_of_the_database(
    postgresql: CrashingPostgreSQL, postgresql_only: Stand
) -> None:
    stand = postgresql_only
    with (
        stand.worker() as one,
        stand.worker_with_beat() as other,
        Producer(stand, most=10_000, waiting=100, pause=0.01) as producer,
    ):
        pids = one.pid, other.pid
        for _ in range(2):
            imported = Contribution.objects.count()
            wait_for(lambda: Contribution.objects.count() > imported + 100, "the import goes on")  # noqa: B023
            postgresql.crash()
            time.sleep(SECONDS)
            assert one.is_alive()
            assert other.is_alive()
            postgresql.come_back()
            stand.forget_connection()
        imported = Contribution.objects.count()
        wait_for(lambda: Contribution.objects.count() > imported + 100, "the import goes on")
        producer.end()
        books.wait_until_settled(stand, 120)
        assert (one.pid, other.pid) == pids
        assert one.is_alive()
        assert other.is_alive()
        assert one.stop() == other.stop() == 0
    assert producer.unanswered == []
    result = books.read(producer.acknowledged)
    print(f"\n2 outages of {SECONDS} s: {result}")
    assert result == books.kept(producer.acknowledged)
    assert stand.lists() == stand.held() == {}
