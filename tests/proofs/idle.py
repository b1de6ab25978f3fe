"""What an idle worker costs, and how fast it wakes: with one list and with ten.

python -m tests.proofs.idle --transport ours --queues 10

With --held the worker idles in a maintenance window, and 50 messages a second are pushed meanwhile.
"""

# ruff: noqa: T201  a command
import argparse
import os
import random
import signal
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path

import redis
from celery import Celery

from queues import reserved
from tests.proofs import load
from tests.servers import Valkey


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(*, ours: bool, queues: int, seconds: float, messages: int, held: bool) -> None:
    """Print share of a core when idle, and the times from push to the start of the task."""
    names = [load.QUEUE, *(f"queue{i}" for i in range(1, queues))]
    with Valkey() as broker:
        app: Celery = load.make_app(broker.url, broker.url, ours=ours, group=1, work=0)
        app.conf.broker_transport_options |= {
            "visibility_timeout": 60,
            "tasks": dict.fromkeys(names, "clock"),
        }
        app.conf.worker_enable_remote_control = True
        client = broker.client()

        @app.task(name="clock")
        def clock(_queue: str, texts: list[str]) -> None:
            redis.Redis(port=broker.port).rpush("latencies", time.time() - float(texts[0]))

        log = Path(tempfile.mkstemp(prefix="worker-", suffix=".log")[1])
        pid = load.start_worker(app, log, "-Q", ",".join(names))
        time.sleep(3)
        family = [pid, *load.children(pid)]
        if held:
            client.hset(reserved.MAINTENANCE, "window", 1)
        commands, before = _commands(client), sum(map(cpu_seconds, family))
        if held:
            _push_for(seconds, client, names)
        else:
            time.sleep(seconds)
        used = sum(map(cpu_seconds, family)) - before
        print(
            f"{queues} queues, idle: {100 * used / seconds:.2f} % of a core, "
            f"{(_commands(client) - commands) / seconds:.1f} commands a second"
        )
        if held:
            client.delete(reserved.MAINTENANCE, *names)
        dice = random.Random(1)
        for i in range(messages):
            time.sleep(dice.uniform(0.02, 0.15))
            queue = dice.choice(names)
            if ours:
                client.rpush(queue, str(time.time()))
            else:
                app.send_task("clock", [queue, [str(time.time())]], queue=queue)
            load.wait_until(partial(_longer, client, i), 10)
        times = sorted(1000 * float(value) for value in client.lrange("latencies", 0, -1))
        print(
            f"  push to start of task: median {statistics.median(times):.1f} ms, "
            f"95 % {times[int(len(times) * 0.95)]:.1f} ms, worst {times[-1]:.1f} ms"
        )
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


def _push_for(seconds: float, client: redis.Redis, names: list[str]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        client.rpush(random.choice(names), "0")
        time.sleep(0.02)


def _longer(client: redis.Redis, than: int) -> bool:
    return int(client.llen("latencies")) > than


def _commands(client: redis.Redis) -> int:
    info = client.info("stats")
    assert isinstance(info, dict)
    return int(info["total_commands_processed"])


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transport", choices=("ours", "stock"), default="ours")
    parser.add_argument("--queues", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--held", action="store_true")
    options = parser.parse_args()
    measure(
        ours=options.transport == "ours",
        queues=options.queues,
        seconds=options.seconds,
        messages=options.messages,
        held=options.held,
    )


if __name__ == "__main__":
    main()
