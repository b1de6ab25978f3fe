"""The course of the demo: start, push, kill, start again, try again, count."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from django.core.management import call_command
from django.utils import timezone

from fundraising.demo import other_queues
from fundraising.demo.accounting import Account, Fate, account
from fundraising.demo.messages import LAST_VISIT, waves
from fundraising.demo.report import Screen, conclude
from fundraising.demo.samples import Sample
from fundraising.stack import programs, valkey
from fundraising.stack.ports import answers
from fundraising.stack.processes import Process, Program, Write
from queues import instances, push, reserved, sequences
from queues.celery import PERIODIC_QUEUE
from queues.models import DamagedMessage, OutboxMessage
from queues.routes import routes

FRQUEUE = "frqueue"
DONOR_PREFS = "donor-prefs"
# Seconds until a step counts as stuck; each takes a few.
PATIENCE = 60.0
CHUNK = 40


class Stuck(Exception):
    """A step did not come to its end."""


def run(scratch: Path, ports: dict[str, int]) -> bool:
    """The whole demo; whether every message is accounted for."""
    began = time.monotonic()
    samples = waves()
    with (
        Screen(sum(len(wave) for wave in samples)) as screen,
        (scratch / "demo.log").open("a") as log,
    ):
        course = Course(scratch, screen, lambda *words: print(*words, sep=": ", file=log))
        try:
            _play(course, ports, samples, screen)
            left = course.left()
        finally:
            course.end()
    result = account(course.pushed)
    conclude(screen.console, result, left, time.monotonic() - began)
    return result.is_balanced and not any(left.values())


def _play(
    course: "Course", ports: dict[str, int], samples: Sequence[Sequence[Sample]], screen: Screen
) -> None:
    try:
        course.start(ports)
        for wave in samples:
            course.push(wave)
        course.retry()
        course.push(list(other_queues.afterwards()), kill=False)
        course.finish()
    except Stuck as error:
        screen.step(f"Stuck: {error}")


class Course:
    """The processes of the demo, and what it does with them."""

    def __init__(self, scratch: Path, screen: Screen, write: Write) -> None:
        self.pushed: list[Sample] = []
        self._scratch, self._screen, self._write = scratch, screen, write
        self._servers: list[Process] = []
        self._others: list[Process] = []
        self._workers: list[Process] = []

    def start(self, ports: dict[str, int]) -> None:
        """Two Valkey servers, a database, workers with two children each, and beat."""
        for instance, port in ports.items():
            self._servers.append(self._run(valkey.server(instance, port, self._scratch / instance)))
        self._await("Valkey", lambda: all(answers(port) for port in ports.values()))
        call_command("migrate", interactive=False, verbosity=0)
        # Front ends have taken the numbers of all visits that the demo tells of.
        sequences.raise_to(instances.client(FRQUEUE), "contribution-tracking", LAST_VISIT)
        for app in (programs.FRQUEUE, programs.DONOR_PREFS):
            schedule = self._scratch / f"beat-{app}"
            self._others.append(self._run(programs.beat(schedule.name, str(schedule), app)))
        self._workers.append(self._run(programs.worker("donor-prefs", programs.DONOR_PREFS)))
        self._start_worker()
        self._screen.step("Started two Valkey servers, a database, a worker for each, and beat.")

    def push(self, wave: Sequence[Sample], *, kill: bool = True) -> None:
        """Push a wave; in the middle of it the worker of frqueue dies."""
        for start in range(0, len(wave), CHUNK):
            for sample in wave[start : start + CHUNK]:
                _push(sample)
                self.pushed.append(sample)
            if start <= len(wave) // 2 < start + CHUNK:
                self._screen.step(f"Pushed {len(self.pushed)} messages.")
                if kill:
                    self._kill_worker()
            self._account()
        self._await("the wave", lambda: not self._account().total(Fate.MISSING))

    def retry(self) -> None:
        """What was parked is tried again: by beat, as always, but sooner."""
        waiting = DamagedMessage.objects.filter(status=DamagedMessage.Status.WAITING)
        self._screen.step(
            f"{waiting.count()} messages came before what they build on and are parked for a "
            "minute. To save the wait, their time is set to now; beat looks every 15 s."
        )

        def is_ended() -> bool:
            waiting.update(retry_at=timezone.now())
            return self._account().ended == len(self.pushed)

        self._await("the retry", is_ended)

    def finish(self) -> None:
        """No more periodic jobs; wait until all lists are empty."""
        # What a killed worker left in the outbox is for the sweeper, which beat starts.
        self._await("the end of the outbox", lambda: not OutboxMessage.objects.exists())
        for process in self._others:
            process.terminate()
            process.end(10)
        self._await("the end of all lists", lambda: not any(self.left().values()))

    def left(self) -> dict[str, int]:
        """What is in nobody's database yet."""
        left = {"on lists": 0, "reserved": 0, "in the outbox": OutboxMessage.objects.count()}
        for instance in (FRQUEUE, DONOR_PREFS):
            client = instances.client(instance)
            lists = [*routes().consumed(instance), PERIODIC_QUEUE]
            left["on lists"] += sum(int(client.llen(queue)) for queue in lists)
            left["reserved"] += reserved.held(client)
        return left

    def end(self) -> None:
        """End all processes, the servers last."""
        for group in (self._others, self._workers, self._servers):
            for process in group:
                process.terminate()
            for process in group:
                process.end(10)

    def _kill_worker(self) -> None:
        """SIGKILL to the worker's main process at a moment when it has messages in hand."""
        client = instances.client(FRQUEUE)
        self._await("a reservation", lambda: bool(reserved.held(client)), pause=0.0005)
        self._workers[-1].kill_main()
        entries = [reserved.messages(client, tag) for tag in reserved.tags(client)]
        held = sum(len(messages) for _, messages in filter(None, entries))
        self._start_worker()
        self._screen.step(f"kill -9 of the worker with {held} messages in hand. Started another.")

    def _start_worker(self) -> None:
        self._workers.append(self._run(programs.worker(f"worker{len(self._workers)}")))

    def _run(self, program: Program) -> Process:
        return Process(program, self._write)

    def _account(self) -> Account:
        result = account(self.pushed)
        self._screen.show(len(self.pushed), result.ended)
        return result

    def _await(self, what: str, condition: Callable[[], bool], pause: float = 0.2) -> None:
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise Stuck(f"{what} took more than {PATIENCE:.0f} s")
            time.sleep(pause)


def _push(sample: Sample) -> None:
    if sample.fields is not None:
        push(sample.queue, sample.fields)
    else:
        client = instances.client(routes().instance_of(sample.queue))
        client.rpush(sample.queue, sample.raw or b"")
