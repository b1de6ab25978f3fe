"""The proofs of the transport, short enough for CI; the commands beside run them longer."""

from pathlib import Path

import pytest

from tests.proofs import load, loss, restart, stops
from tests.servers import DebianRedis, Server, Valkey

pytestmark = [pytest.mark.proof, pytest.mark.timeout(900)]


@pytest.mark.parametrize("server", [Valkey, DebianRedis])
def test_kill_9_of_the_worker_loses_nothing(server: type[Server], tmp_path: Path) -> None:
    outcome = loss.prove(
        ours=True, server=server, kills=40, group=5, work=0, seed=1, log=tmp_path / "log"
    )
    assert outcome == load.Outcome(outcome.pushed, 0, outcome.executed_twice, 0)


def test_kill_9_of_redis_loses_nothing_and_ends_no_worker(tmp_path: Path) -> None:
    outcome = restart.prove(
        server=Valkey, restarts=12, group=5, work=0.002, seed=1, log=tmp_path / "log"
    )
    assert outcome == load.Outcome(outcome.pushed, 0, outcome.executed_twice, 0)


def test_a_worker_stops_soon_under_load_and_nothing_runs_twice(tmp_path: Path) -> None:
    outcome, times = stops.prove(ours=True, stops=20, work=0.005, seed=1, log=tmp_path / "log")
    assert outcome == load.Outcome(outcome.pushed, 0, 0, 0)
    assert max(times) < 10  # Celery's own would wait 30 s in one stop of five
