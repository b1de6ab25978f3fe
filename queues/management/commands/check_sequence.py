"""``manage.py check_sequence``: is a counter beyond every number in use; and to put it there."""

import argparse

import redis
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError

from queues import sequences

NEEDS_A_PERSON = 3
# A greater leap is more likely to come of one message with a wrong number than of a loss.
MOST = 1_000_000

EPILOG = f"""
exit codes:
  0  in order, or repaired
  1  behind (ids are refused), or Redis or the database does not answer
  2  wrong usage
  {NEEDS_A_PERSON}  the leap is greater than --most: look at the tables first

examples:
  manage.py check_sequence
  manage.py check_sequence --repair --dry-run
  manage.py check_sequence contribution-tracking --repair --margin 50000
"""


class Command(BaseCommand):
    """Check sequences, and repair them."""

    help = (
        "Compare the counter of each sequence in Redis with the highest numbers in use in the "
        "database.\nA counter that is behind hands out used numbers: our own workers refuse to "
        "take any, until it is repaired;\nfront ends that INCR it do not know. A repair raises it "
        "beyond all that is known, and never lowers it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EPILOG
        parser.add_argument(
            "names",
            nargs="*",
            metavar="SEQUENCE",
            help=f"all that there are, if none is named: {', '.join(settings.SEQUENCES)}",
        )
        parser.add_argument("--repair", action="store_true", help="raise a counter that is behind")
        parser.add_argument(
            "--margin",
            type=_number,
            metavar="N",
            default=sequences.MARGIN,
            help="how far beyond the highest number in use, as others took numbers that are not "
            "imported yet (default: %(default)s)",
        )
        parser.add_argument(
            "--most",
            type=_number,
            metavar="N",
            default=MOST,
            help="do not repair by a greater leap to the highest number in use, which may be a "
            "mistake (default: %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what --repair would do, change nothing"
        )

    def handle(
        self,
        *_args: object,
        names: list[str],
        repair: bool,
        margin: int,
        most: int,
        dry_run: bool,
        **_options: object,
    ) -> None:
        """Check each, and repair what may be."""
        if unknown := set(names) - set(settings.SEQUENCES):
            raise CommandError(f"no sequence: {', '.join(sorted(unknown))}", returncode=2)
        try:
            behind = [name for name in names or settings.SEQUENCES if self._is_behind(name)]
            if not repair:
                if behind:
                    raise CommandError(f"behind: {', '.join(behind)}; run with --repair")
                return
            for name in behind:
                self._repair(name, margin, most, dry_run=dry_run)
        except (redis.RedisError, DatabaseError) as error:
            raise CommandError(f"not checked: {error}") from error

    def _is_behind(self, name: str) -> bool:
        state = sequences.state(name)
        self.stdout.write(f"{name}: counter {state.counter}, greatest seen {state.seen}")
        for table, number in sequences.used(name).items():
            if number:
                self.stdout.write(f"{name}: highest in {table} {number}")
        verdict = f"behind by {state.behind}" if state.behind else "in order"
        self.stdout.write(f"{name}: {verdict}")
        return state.behind > 0

    def _repair(self, name: str, margin: int, most: int, *, dry_run: bool) -> None:
        state = sequences.state(name)
        if state.behind > most:
            raise CommandError(
                f"{name}: {state.highest} is {state.behind} above the counter. Should one table "
                f"alone say so, look there for a wrong number; if it is right: --most "
                f"{state.behind}",
                returncode=NEEDS_A_PERSON,
            )
        if dry_run:
            self.stdout.write(f"{name}: would be raised to {state.least + margin}")
            return
        raised = sequences.check(name, repair=True, margin=margin)
        self.stdout.write(f"{name}: raised to {raised.counter}")


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("must not be negative")
    return number
