"""Kill and restart Redis again and again under load (AOF everysec), with one worker that must live
through it.

python -m tests.proofs.restart --restarts 20
"""

# ruff: noqa: T201  a command
import argparse
import contextlib
import random
import tempfile
import time
from pathlib import Path

import redis

from tests.proofs import load
from tests.proofs.loss import SERVERS
from tests.servers import Server, Valkey


def prove(
    *, server: type[Server], restarts: int, group: int, work: float, seed: int, log: Path
) -> load.Outcome:
    """Restart `restarts` times at random instants. Raises AssertionError if the worker ends or
    stands still.
    """
    dice = random.Random(seed)
    with server() as broker, Valkey(appendonly="no") as results:
        app = load.make_app(broker.url, results.url, ours=True, group=group, work=work)
        client, facts = broker.client(), results.client()
        messages = load.Load(client, ours=True)
        messages.top_up(400)
        pid = load.start_worker(app, log)
        for restart in range(restarts):
            assert load.wait_for_more(facts, 60), f"stands still, see {log}"
            until = time.monotonic() + dice.uniform(0.1, 1.5)
            while time.monotonic() < until:
                messages.top_up(400)
            broker.kill9()
            time.sleep(dice.uniform(0, 3))
            broker.start()
            assert load.alive(pid), f"the worker ended after restart {restart}, see {log}"
            with contextlib.suppress(redis.ConnectionError):  # the client's old connection
                client.ping()
        load.wait_until(lambda: load.nothing_left(client), 120)
        assert load.alive(pid), f"the worker ended, see {log}"
        assert load.stop(pid, 20), f"the worker did not stop, see {log}"
        return messages.outcome(facts)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--server", choices=SERVERS, default="valkey")
    parser.add_argument("--restarts", type=int, default=20)
    parser.add_argument("--group", type=int, default=5)
    parser.add_argument("--work", type=float, default=0.002)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])
    outcome = prove(
        server=SERVERS[options.server],
        restarts=options.restarts,
        group=options.group,
        work=options.work,
        seed=options.seed,
        log=log,
    )
    print(f"{options}, log {log}")
    print(outcome)


if __name__ == "__main__":
    main()
