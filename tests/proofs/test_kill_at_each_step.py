"""kill -9 of a whole worker at each step of the contract, and what the next one makes of it.

    pytest -m proof tests/proofs/test_kill_at_each_step.py

KILL_DATABASES (2, in CI 1) says on how many databases; 1 is PostgreSQL, if that is installed.

Workers run the project as it is; tests.proofs.failpoints, which only these tests load into them,
wraps the functions at whose calls they are killed.
"""

from pathlib import Path

import pytest

from queues.models import DamagedMessage
from tests import postgres
from tests.proofs import books
from tests.proofs.failpoints import DAMAGED_STEPS, STEPS
from tests.workers import Stand

pytestmark = [pytest.mark.proof, pytest.mark.timeout(300)]


DATABASES = books.size("KILL_DATABASES", whole=2, short=1)


@pytest.fixture(autouse=True)
def _spare_sqlite(stand: Stand) -> None:
    if DATABASES == 1 and postgres.programs() and stand.database_url.startswith("sqlite"):
        pytest.skip("KILL_DATABASES is 1")


def kill_at(step: str, stand: Stand, marker: Path, *bodies: bytes) -> None:
    """Push the messages as one group, for a worker that is killed at the step."""
    failpoint = {"FAILPOINT": step, "FAILPOINT_MARKER": str(marker)}
    with stand.worker("--include=tests.proofs.failpoints", **failpoint) as worker:
        stand.redis.rpush(books.QUEUE, *bodies)
        worker.wait_for_kill9()
    assert marker.exists(), "it was not killed by the failpoint"


def recover(stand: Stand) -> None:
    """A new worker, until nothing is left to do."""
    with stand.worker_with_beat() as worker:
        books.wait_until_settled(stand, 90)
        assert worker.stop() == 0
    assert stand.held() == {}
    assert stand.lists() == {}


@pytest.mark.parametrize("step", STEPS)
def test_every_donation_is_imported_once(step: str, stand: Stand, tmp_path: Path) -> None:
    donations = [books.donation() for _ in range(5)]
    kill_at(step, stand, tmp_path / "marker", *map(books.wire, donations))
    recover(stand)
    assert books.read(donations) == books.kept(donations)


@pytest.mark.parametrize("step", ["before commit", "after commit", "before ack", *DAMAGED_STEPS])
def test_a_bad_one_among_them_is_kept_once(step: str, stand: Stand, tmp_path: Path) -> None:
    donations = [books.donation() for _ in range(4)]
    bad = books.wire(books.donation(gross="much"))
    good = [books.wire(donation) for donation in donations]
    kill_at(step, stand, tmp_path / "marker", *good[:2], bad, *good[2:])
    recover(stand)
    assert books.read(donations) == books.kept(donations)._replace(damaged=1)
    kept = DamagedMessage.objects.get()
    assert (kept.body, kept.field, kept.attempts) == (bad, "gross", 1)
