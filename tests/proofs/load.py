"""A load for the proofs: numbered messages, a task that writes down each, and workers to kill.

The task does what the delivery contract does with a database: in one step (a script) it marks the
number as seen and, if it was not, takes effect. Executions are counted apart. All that is kept on a
server of its own, which is never killed.
"""

import base64
import contextlib
import json
import os
import signal
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import redis
from celery import Celery

from queues import transport

QUEUE = "donations"

_RECORD = """
for _, number in ipairs(ARGV) do
  redis.call('HINCRBY', 'executions', number, 1)
  if redis.call('SADD', 'inbox', number) == 1 then redis.call('HINCRBY', 'effects', number, 1) end
end
"""


class Outcome(NamedTuple):
    """What became of the messages."""

    pushed: int
    lost: int
    executed_twice: int
    in_effect_twice: int


def make_app(broker: str, results: str, *, ours: bool, group: int, work: float) -> Celery:
    """The app of the workers; `work` is how long a task takes, in seconds."""
    if ours:
        transport.register()
    app = Celery("proof", broker=broker)
    app.conf.update(
        broker_transport_options={
            "visibility_timeout": 2,
            "tasks": {QUEUE: "record"},
            "group_sizes": {QUEUE: group},
            # For the stock transport, to recover as fast as it can:
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 10,
        },
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_acks_on_failure=False,
        task_acks_on_timeout=False,
        task_ignore_result=True,
        task_default_queue=QUEUE,
        worker_prefetch_multiplier=4,
        worker_consumer="queues.worker:Consumer" if ours else "celery.worker.consumer:Consumer",
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
    )
    client = redis.Redis.from_url(results)
    script = client.register_script(_RECORD)

    # Not shared: another app of this process would record for it.
    @app.task(name="record", shared=False)
    def record(_queue: str, texts: list[str]) -> None:
        script(args=texts)
        if work:
            time.sleep(work)

    return app


class Load:
    """Numbered messages on the list: raw for our transport, Celery envelopes for the stock."""

    def __init__(self, broker: redis.Redis, *, ours: bool) -> None:
        self.broker, self.ours = broker, ours
        self.pushed = 0

    def top_up(self, level: int) -> None:
        """Push until the list holds `level` messages; only what Redis confirmed counts."""
        missing = level - int(self.broker.llen(QUEUE))
        if missing > 0:
            messages = [self._message(str(self.pushed + i)) for i in range(missing)]
            (self.broker.rpush if self.ours else self.broker.lpush)(QUEUE, *messages)
            self.pushed += missing

    def _message(self, number: str) -> str:
        if self.ours:
            return number
        embed = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}
        body = base64.b64encode(json.dumps([[QUEUE, [number]], {}, embed]).encode()).decode()
        tag = str(uuid.uuid4())
        return json.dumps(
            {
                "body": body,
                "content-encoding": "utf-8",
                "content-type": "application/json",
                "headers": {
                    "lang": "py",
                    "task": "record",
                    "id": tag,
                    "root_id": tag,
                    "parent_id": None,
                    "group": None,
                    "retries": 0,
                    "eta": None,
                    "expires": None,
                    "timelimit": [None, None],
                    "argsrepr": "",
                    "kwargsrepr": "{}",
                    "ignore_result": True,
                },
                "properties": {
                    "correlation_id": tag,
                    "reply_to": "",
                    "delivery_mode": 2,
                    "priority": 0,
                    "body_encoding": "base64",
                    "delivery_tag": tag,
                    "delivery_info": {"exchange": "", "routing_key": QUEUE},
                },
            }
        )

    def outcome(self, results: redis.Redis) -> Outcome:
        """Count; the messages are to be through by now."""
        effects = results.hgetall("effects")
        executions = results.hgetall("executions")
        assert isinstance(effects, dict)
        assert isinstance(executions, dict)
        return Outcome(
            self.pushed,
            lost=self.pushed - len(effects),
            executed_twice=sum(int(n) > 1 for n in executions.values()),
            in_effect_twice=sum(int(n) > 1 for n in effects.values()),
        )


def start_worker(app: Celery, log: Path, *arguments: str) -> int:
    """Fork a prefork worker with two children, quicker than a new Python; its pid."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        os.setsid()
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        app.worker_main(
            [
                "worker",
                "-c",
                "2",
                "-l",
                "info",
                "--without-mingle",
                "--without-gossip",
                "-Q",
                QUEUE,
                *arguments,
            ]
        )
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    finally:
        sys.stdout.flush()
        os._exit(status)


def children(pid: int) -> list[int]:
    """The pids of the children of a process; none if it is gone."""
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def kill9(pid: int) -> None:
    """SIGKILL a worker's main process, reap it, and then the children that it leaves."""
    orphans = children(pid)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    for orphan in orphans:
        with contextlib.suppress(ProcessLookupError):
            os.kill(orphan, signal.SIGKILL)


def alive(pid: int) -> bool:
    """Whether a worker that was forked here still runs."""
    return os.waitpid(pid, os.WNOHANG)[0] == 0


def stop(pid: int, timeout: float) -> bool:
    """SIGTERM a worker; whether it ended in time. It is killed if not."""
    os.kill(pid, signal.SIGTERM)
    if wait_until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, timeout):
        return True
    kill9(pid)
    return False


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Wait for a condition; whether it came true in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True


def executions(results: redis.Redis) -> int:
    """How many different messages were executed so far."""
    return int(results.hlen("executions"))


def wait_for_more(results: redis.Redis, timeout: float) -> bool:
    """Wait until one more message is executed; whether one was."""
    before = executions(results)
    return wait_until(lambda: executions(results) > before, timeout)


def wait_for_end(pid: int, timeout: float) -> bool:
    """Wait until a worker that was forked here ends; whether it did."""
    return wait_until(lambda: not alive(pid), timeout)


def nothing_left(broker: redis.Redis) -> bool:
    """Whether neither the list nor anything reserved, or unacked, holds a message."""
    return not (broker.llen(QUEUE) or broker.hlen("reserved") or broker.hlen("unacked"))
