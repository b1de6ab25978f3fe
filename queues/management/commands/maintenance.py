"""``manage.py maintenance``: stop consumption for a while; see :mod:`queues.maintenance`."""

import getpass
import socket
import sys
import time
from argparse import RawDescriptionHelpFormatter
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from queues import draining, instances, maintenance, reserved
from queues.celery import PERIODIC_QUEUE
from queues.models import MaintenanceWindow, OutboxMessage
from queues.routes import routes

NOT_DRAINED = DISAGREE = 3
OPEN = 4

#: Seconds between two looks at what is in hand.
PAUSE = 0.2


class Command(BaseCommand):
    """Begin, watch and end maintenance windows."""

    help = f"""Stop consumption on all workers, and let nobody enqueue by hand, for a while.

  begin    workers finish what they have and take no more; beat sends nothing; the admin can be
           read, but only superusers may change something; webhooks answer "try again later".
           Waits until all is finished. Run it again to go on with the window that is open.
  status   what is held, by the database and by each Redis; what is in hand, what waits.
  end      everything is again as it was before.

It survives restarts of Redis, of workers and of web, and holds workers that start meanwhile.
Producers go on pushing. Interrupted at any point, run the same command again.

    manage.py maintenance begin --reason "Redis 7.2.7"
    manage.py maintenance status
    manage.py maintenance end

exit codes:
  0  done; status: there is no window
  1  refused, the reason is on stderr
  2  wrong usage
  {NOT_DRAINED}  begin: held, but something is still in hand after --timeout; it is listed
     status: the database and Redis disagree; run begin or end again
  {OPEN}  status: a window is open"""

    def add_arguments(self, parser: CommandParser) -> None:
        """One action, and its options."""
        # Django's own formatter would run the lines of the help together.
        parser.formatter_class = RawDescriptionHelpFormatter
        actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
        begin = actions.add_parser("begin", help="stop consumption and wait until all is finished")
        begin.add_argument("--reason", default="", help="shown to staff (required for a new one)")
        begin.add_argument(
            "--instance",
            choices=sorted(settings.REDIS_INSTANCES),
            action="append",
            default=[],
            help="hold this one only (default: all)",
        )
        begin.add_argument(
            "--timeout",
            type=float,
            default=settings.CELERY_TASK_TIME_LIMIT,
            metavar="SECONDS",
            help="how long to wait; by the default every task has ended (%(default)s)",
        )
        end = actions.add_parser("end", help="let everything go on")
        actions.add_parser("status", help="what is held where")
        for each in (begin, end):
            each.add_argument(
                "--dry-run", action="store_true", help="say what would be done and change nothing"
            )

    def handle(self, *_arguments: object, action: str, **options: Any) -> None:  # noqa: ANN401
        """Do it."""
        {"begin": self._begin, "status": self._status, "end": self._end}[action](**options)

    # begin

    def _begin(
        self, *, reason: str, instance: list[str], timeout: float, dry_run: bool, **_: object
    ) -> None:
        known = maintenance.window()
        if known is None and not reason.strip():
            raise CommandError("a reason is needed: --reason", returncode=2)
        if dry_run:
            self._tell_window(known)
            for name in instance or settings.REDIS_INSTANCES:
                self._tell_instance(name)
            self.stdout.write("dry run: nothing was changed")
            return
        try:
            opened = maintenance.begin(reason=reason.strip(), by=_who(), names=instance)
        except maintenance.Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        self._tell_window(opened)
        try:
            self._drain(opened, timeout)
        except KeyboardInterrupt:
            raise CommandError("no longer waiting; the window stays open") from None

    def _drain(self, opened: MaintenanceWindow, timeout: float) -> None:
        began = time.monotonic()
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}"))
        console = Console(stderr=True)
        with Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not sys.stderr.isatty()
        ) as progress:
            bars = {name: progress.add_task(name, total=None, left="") for name in opened.instances}
            while True:
                left = {name: draining.in_hand(name) for name in opened.instances}
                for name, bar in bars.items():
                    _show(progress, bar, left[name])
                if all(count == 0 for count in left.values()) and not any(
                    map(draining.is_busy, left)
                ):
                    break
                if maintenance.window() != opened:
                    raise CommandError("the window was ended meanwhile")
                if time.monotonic() - began > timeout:
                    self._tell_in_hand(opened)
                    raise CommandError(
                        f"held, but not drained within {timeout:.0f} s: run it again to wait on",
                        returncode=NOT_DRAINED,
                    )
                time.sleep(PAUSE)
        maintenance.note_drained(opened)
        self.stdout.write(f"drained after {time.monotonic() - began:.1f} s: nothing is in hand")
        for name in opened.instances:
            self._tell_lists(name)

    def _tell_in_hand(self, opened: MaintenanceWindow) -> None:
        for name in opened.instances:
            workers = draining.workers(name)
            if workers is None:
                self.stderr.write(f"{name}: does not answer")
                continue
            running = [one for tasks in workers.values() for one in tasks]
            for line in draining.describe(name, running):
                self.stderr.write(line)

    # status

    def _status(self, **_: object) -> None:
        opened = maintenance.window()
        self._tell_window(opened)
        if opened is not None:
            drained = (
                f"{opened.drained_at:%Y-%m-%d %H:%M:%S} UTC" if opened.drained_at else "not yet"
            )
            self.stdout.write(f"drained: {drained}")
        agree = [self._tell_instance(name, opened) for name in settings.REDIS_INSTANCES]
        self.stdout.write(f"outbox: {OutboxMessage.objects.count()} messages")
        if False in agree:
            raise CommandError("the database and Redis disagree", returncode=DISAGREE)
        if opened is not None:
            sys.exit(OPEN)
        if None in agree:
            raise CommandError("not every Redis answers")

    def _tell_window(self, opened: MaintenanceWindow | None) -> None:
        if opened is None:
            self.stdout.write("no window is open")
        else:
            minutes = (timezone.now() - opened.since).total_seconds() / 60
            self.stdout.write(
                f"window {opened.pk} of {', '.join(opened.instances)}: open since "
                f"{opened.since:%Y-%m-%d %H:%M:%S} UTC ({minutes:.0f} min), by {opened.by}: "
                f"{opened.reason}"
            )

    def _tell_instance(self, name: str, opened: MaintenanceWindow | None = None) -> bool | None:
        """Whether its key is as the row says; None if it does not answer."""
        client = instances.client(name)
        try:
            held, in_hand = maintenance.held(client), reserved.held(client)
        except redis.RedisError as error:
            self.stdout.write(f"{name}: does not answer ({type(error).__name__})")
            return None
        workers = draining.workers(name) or {}
        tasks = sum(map(len, workers.values()))
        self.stdout.write(
            f"{name}: {f'held by window {held.window}' if held else 'not held'}, {in_hand} "
            f"deliveries in hand, {len(workers)} workers answer, {tasks} tasks in them"
        )
        self._tell_lists(name)
        wanted = opened.pk if opened is not None and name in opened.instances else None
        return (held.window if held else None) == wanted

    def _tell_lists(self, name: str) -> None:
        queues = [*routes().consumed(name), PERIODIC_QUEUE]
        with instances.client(name).pipeline(transaction=False) as pipeline:
            for queue in queues:
                pipeline.llen(queue)
            lengths = dict(zip(queues, pipeline.execute(), strict=True))
        waiting = [f"{queue} {length}" for queue, length in lengths.items() if length]
        self.stdout.write(f"{name}: waiting: {', '.join(waiting) or 'nothing'}")

    # end

    def _end(self, *, dry_run: bool, **_: object) -> None:
        if dry_run:
            self._tell_window(maintenance.window())
            for name in settings.REDIS_INSTANCES:
                self._tell_instance(name)
            self.stdout.write("dry run: nothing was changed")
            return
        try:
            ended = maintenance.end(by=_who())
        except maintenance.Refused as refusal:
            raise CommandError(f"{refusal}: the window stays open") from refusal
        except redis.RedisError as error:
            raise CommandError(f"{error}: run it again, an instance is still held") from error
        if ended is None:
            self.stdout.write("no window was open; no instance is held")
            return
        took = (timezone.now() - ended.since).total_seconds() / 60
        self.stdout.write(f"window {ended.pk} ended after {took:.1f} min; workers go on")
        for name in ended.instances:
            self._tell_lists(name)


def _show(progress: Progress, bar: TaskID, count: int | None) -> None:
    task = progress.tasks[bar]
    if count is None:
        progress.update(bar, left="does not answer")
    else:
        total = max(task.total or 0, count)
        progress.update(bar, total=total, completed=total - count, left=f"{count} in hand")


def _who() -> str:
    return f"{getpass.getuser()}@{socket.gethostname()}"
