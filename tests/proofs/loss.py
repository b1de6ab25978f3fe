"""Kill the worker's main process again and again under load, and count what was lost.

python -m tests.proofs.loss --transport ours --server valkey --kills 300
python -m tests.proofs.loss --transport stock --server valkey --kills 100
"""

# ruff: noqa: T201  a command
import argparse
import random
import tempfile
import time
from pathlib import Path

from tests.proofs import load
from tests.servers import DebianRedis, Server, Valkey

SERVERS: dict[str, type[Server]] = {"valkey": Valkey, "redis": DebianRedis}


def prove(
    *, ours: bool, server: type[Server], kills: int, group: int, work: float, seed: int, log: Path
) -> load.Outcome:
    """Kill `kills` workers at random instants, let the next ones recover, count."""
    dice = random.Random(seed)
    with server() as broker, Valkey(appendonly="no") as results:
        app = load.make_app(broker.url, results.url, ours=ours, group=group, work=work)
        client, facts = broker.client(), results.client()
        messages = load.Load(client, ours=ours)
        for _ in range(kills):
            messages.top_up(400)
            pid = load.start_worker(app, log)
            assert load.wait_for_more(facts, 30), f"the worker does nothing, see {log}"
            until = time.monotonic() + dice.uniform(0, 0.3)
            while time.monotonic() < until:
                messages.top_up(400)
            load.kill9(pid)
        pid = load.start_worker(app, log)
        load.wait_until(lambda: load.nothing_left(client), 120)
        load.stop(pid, 20)
        return messages.outcome(facts)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=("ours", "stock"), default="ours")
    parser.add_argument("--server", choices=SERVERS, default="valkey")
    parser.add_argument("--kills", type=int, default=300)
    parser.add_argument("--group", type=int, default=5, help="messages a task, with our transport")
    parser.add_argument("--work", type=float, default=0.0, help="seconds a task takes")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])
    started = time.monotonic()
    outcome = prove(
        ours=options.transport == "ours",
        server=SERVERS[options.server],
        kills=options.kills,
        group=options.group,
        work=options.work,
        seed=options.seed,
        log=log,
    )
    print(f"{options} in {time.monotonic() - started:.0f} s, log {log}")
    print(outcome)


if __name__ == "__main__":
    main()
