"""Stop a worker again and again under load: it ends soon, and nothing runs twice or is lost.

python -m tests.proofs.stops --stops 40
"""

# ruff: noqa: T201  a command
import argparse
import os
import random
import signal
import tempfile
import time
from pathlib import Path

from tests.proofs import load
from tests.servers import Valkey


def prove(
    *, ours: bool, stops: int, work: float, seed: int, log: Path
) -> tuple[load.Outcome, list[float]]:
    """Stop `stops` workers by SIGTERM: what became of the messages, and the seconds to stop."""
    dice, times = random.Random(seed), []
    with Valkey() as broker, Valkey(appendonly="no") as results:
        app = load.make_app(broker.url, results.url, ours=ours, group=1, work=work)
        client, facts = broker.client(), results.client()
        messages = load.Load(client, ours=ours)
        for _ in range(stops):
            messages.top_up(400)
            pid = load.start_worker(app, log)
            assert load.wait_for_more(facts, 30), f"see {log}"
            until = time.monotonic() + dice.uniform(0, 1)
            while time.monotonic() < until:
                messages.top_up(400)
            started = time.monotonic()
            os.kill(pid, signal.SIGTERM)
            load.wait_for_end(pid, 60)
            times.append(time.monotonic() - started)
        pid = load.start_worker(app, log)
        load.wait_until(lambda: load.nothing_left(client), 120)
        load.stop(pid, 60)
        return messages.outcome(facts), times


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=("ours", "stock"), default="ours")
    parser.add_argument("--stops", type=int, default=40)
    parser.add_argument("--work", type=float, default=0.005)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])
    outcome, times = prove(
        ours=options.transport == "ours",
        stops=options.stops,
        work=options.work,
        seed=options.seed,
        log=log,
    )
    print(options)
    print(outcome)
    late = sum(seconds > 10 for seconds in times)
    print(f"longest stop {max(times):.1f} s, over 10 s: {late} of {len(times)}")


if __name__ == "__main__":
    main()
