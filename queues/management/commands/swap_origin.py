"""``manage.py swap_origin``: see :mod:`queues.origin`."""

import argparse
from collections.abc import Iterable, Sequence
from contextlib import closing

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from queues.origin import Refused, checks, report
from queues.origin.nodes import Address, address
from queues.origin.steps import STEPS
from queues.origin.swap import Swap, access

EXAMPLES = """\
examples:
  manage.py swap_origin --to 10.0.0.2:6379 --dry-run
      what stands against it, and what would be done
  manage.py swap_origin --to 10.0.0.2:6379
      asks before each step that cannot be undone
  manage.py swap_origin --to 10.0.0.2:6379 --replica 10.0.0.3:6379 --yes
      the origin is dead: nobody else can say where its other replicas are
  manage.py swap_origin --to 10.0.0.2:6379 --abort
      where an interrupted swap stands, and the way back

Log in as another than clients do: REDIS_OPERATOR_USERNAME, REDIS_OPERATOR_PASSWORD.
Exit status: 0 done; 1 refused, with each reason on stderr, or failed; 2 usage.
"""


class Command(BaseCommand):
    """Looks, refuses or asks, does a step, looks again."""

    help = (
        "Make another server the origin of a Redis instance: the one that producers, workers and "
        "beat write to. Checks that clients are gone and that the new origin has all the data and "
        "the greatest counter, hands over, points all replicas at it, sends a probe message, and "
        "changes what clients read: the file that FRQUEUE_URL_FILE or DONOR_PREFS_URL_FILE names, "
        "or Sentinel. Works when the old origin is dead. Killed in the middle, run it again."
    )

    def create_parser(self, *args: str, **kwargs: object) -> CommandParser:
        """With examples, as they stand."""
        parser = super().create_parser(*args, **kwargs)  # type: ignore[arg-type]  # Django's own
        parser.epilog = EXAMPLES
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        """Which server, of which instance."""
        parser.add_argument(
            "--to", type=address, required=True, metavar="HOST:PORT", help="the new origin"
        )
        parser.add_argument(
            "--instance",
            choices=[*settings.REDIS_INSTANCES],
            default="frqueue",
            help="%(default)s if not given",
        )
        parser.add_argument(
            "--replica",
            type=address,
            action="append",
            default=[],
            metavar="HOST:PORT",
            help="another replica; those that an origin or a Sentinel knows need not be named",
        )
        mode = parser.add_mutually_exclusive_group()
        mode.add_argument("--dry-run", action="store_true", help="check and plan; change nothing")
        mode.add_argument("--abort", action="store_true", help="tell the way back; change nothing")
        mode.add_argument("--yes", action="store_true", help="ask nothing; for scripts")

    def handle(
        self,
        *_args: object,
        to: Address,
        instance: str,
        replica: Sequence[Address],
        dry_run: bool,
        abort: bool,
        yes: bool,
        **_: object,
    ) -> None:
        """Swap, or say what a swap would be."""
        try:
            with closing(access(instance)) as ours:
                swap = Swap.look(instance, to, replica, ours)
                self._say(report.state(swap))
                if abort:
                    self._say(report.way_back(swap))
                elif dry_run:
                    self._check(swap)
                    self._say(f"would {left}" for step in STEPS if (left := step.left(swap)))
                else:
                    self._run(swap, ask=not yes)
        except Refused as refused:
            raise CommandError("\n".join(f"refused: {why}" for why in refused.args)) from refused
        except (redis.RedisError, DatabaseError, OSError) as error:
            raise CommandError(f"{type(error).__name__}: {error}; run it again") from error

    def _run(self, swap: Swap, *, ask: bool) -> None:
        self._check(swap)
        for step in STEPS:
            left = step.left(swap)
            if not left:
                continue
            if step.is_final and ask:
                self._ask(left)
                # It may have taken a person long to answer.
                swap = swap.again()
                self._check(swap)
            self._say(step.do(swap))
            swap = swap.again()
        self._say(report.state(swap))

    def _check(self, swap: Swap) -> None:
        if found := checks.refusals(swap):
            raise Refused(*found)

    def _ask(self, what: str) -> None:
        try:
            answer = input(f"{what}? [y/N] ")
        except EOFError:
            answer = ""
        if answer.strip().lower() not in {"y", "yes"}:
            raise Refused(f"not answered with yes: {what}")

    def _say(self, facts: Iterable[str]) -> None:
        for fact in facts:
            self.stdout.write(fact)
