"""What the commands that work on lists of messages have in common."""

import argparse
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from queues import lists
from queues.batches import OutOfStep
from queues.lists import QueueList

EXIT_CODES = """
exit codes:
  0  done; the counts are those of what was done
  1  refused, failed or interrupted, with the reason; nothing is lost, nothing is there twice, and
     the same command again goes on
  2  wrong usage
"""


class ListCommand(BaseCommand):
    """A command on lists; errors of Redis and refusals end it with a reason."""

    requires_system_checks = ()
    #: Command lines, for the end of ``--help``.
    examples = ""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:  # noqa: ANN401
        """With the exit codes and the examples at the end."""
        parser = super().create_parser(
            prog_name,
            subcommand,
            epilog=f"{EXIT_CODES}\nexamples:\n{self.examples}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            **kwargs,
        )
        parser.description = textwrap.fill(self.help, 90)
        return parser

    def execute(self, *args: object, **options: Any) -> str | None:  # noqa: ANN401
        """Run it."""
        try:
            return super().execute(*args, **options)
        except lists.Refused as error:
            raise CommandError(str(error)) from error
        except OutOfStep as error:
            raise CommandError(
                f"{error}. One side was restored from older data or forgot, or another run of this "
                "is at it; nothing was moved. See docs/operations/queue-tools.md, out of step."
            ) from error
        except redis.RedisError as error:
            raise CommandError(f"Redis: {error}. Run the same command again to go on.") from error
        except KeyboardInterrupt as error:
            raise CommandError("interrupted; run the same command again to go on") from error

    @contextmanager
    def progress(
        self, what: str, total: int, completed: int = 0
    ) -> Iterator[Callable[[int], None]]:
        """A bar on standard error, if that is a terminal; it is told how many more are done."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
        ) as progress:
            task = progress.add_task(what, total=total, completed=completed)
            yield partial(progress.advance, task)


def add_where(parser: CommandParser) -> None:
    """``--where field=value``, once or more."""
    parser.add_argument(
        "--where",
        action="append",
        type=_condition,
        default=[],
        metavar="FIELD=VALUE",
        help="only messages with this value, as it is written there; of a job its payload's, of a "
        "dead letter its message's or its code, field and error; more than once: all must fit",
    )


def add_any_list(parser: CommandParser) -> None:
    """``--any-list``."""
    parser.add_argument(
        "--any-list",
        action="store_true",
        help="let the list be one without a route; its instance must be named",
    )


def add_dry_run(parser: CommandParser) -> None:
    """``--dry-run``."""
    parser.add_argument(
        "--dry-run", action="store_true", help="say how many it would be now; change nothing"
    )


def add_count(parser: CommandParser, default: str) -> None:
    """``--count``."""
    parser.add_argument(
        "--count", type=positive, metavar="N", help=f"at most so many (default: {default})"
    )


def add_instance(parser: CommandParser, name: str = "--instance", of: str = "the list") -> None:
    """``--instance``."""
    parser.add_argument(
        name,
        choices=list(settings.REDIS_INSTANCES),
        help=f"the Redis instance of {of} (default: that of its route)",
    )


def say_reserved(command: BaseCommand, source: QueueList) -> None:
    """What is not on the list because workers have it in hand."""
    if held := source.reserved():
        command.stdout.write(f"{source}: {held} more are in the hands of workers, left to them")


def positive(text: str) -> int:
    """A number from 1."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _condition(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not field or not equals:
        raise argparse.ArgumentTypeError("must be FIELD=VALUE")
    return field, value
