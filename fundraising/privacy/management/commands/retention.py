"""``manage.py retention``: delete what is older than it is kept."""

import sys
from argparse import RawDescriptionHelpFormatter

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from fundraising.privacy.retention import DAY, RULES, Rule

_NAMES = max(len(rule.name) for rule in RULES)


class Command(BaseCommand):
    """Purge old rows."""

    help = "\n".join(
        [
            "Delete rows that are older than their setting says, in days (see docs/privacy.md).",
            "",
            "The scheduler does this each day; it may be stopped at any time and run again.",
            "",
            "    manage.py retention --dry-run",
            "    manage.py retention --only pending",
            "",
            *(f"  {rule.name:<{_NAMES}}  {rule.what}" for rule in RULES),
        ]
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        # Django's own formatter would run the lines of the help together.
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many there are and change nothing"
        )
        parser.add_argument(
            "--only", metavar="NAME", choices=[rule.name for rule in RULES], help="one of the above"
        )

    def handle(self, *, dry_run: bool, only: str | None, **_options: object) -> None:
        """A line for each kind of rows."""
        chosen = [rule for rule in RULES if only in (None, rule.name)]
        # Before anything is deleted, a setting out of bounds is said.
        ages = {rule.name: _age(rule) for rule in chosen}
        for rule in chosen:
            count = rule.count(timezone.now()) if dry_run else self._run(rule)
            self.stdout.write(
                f"{rule.name}: {count} {'old' if dry_run else 'gone'}, {ages[rule.name]}"
            )
        if dry_run:
            self.stdout.write("dry run: nothing was changed")

    def _run(self, rule: Rule) -> int:
        columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
        console = Console(stderr=True)
        now, gone = timezone.now(), 0
        shown = sys.stderr.isatty()
        with Progress(*columns, TimeElapsedColumn(), console=console, disable=not shown) as bar:
            task = bar.add_task(rule.name, total=rule.count(now) if shown else None)
            for count in rule.run(now):
                gone += count
                bar.advance(task, count)
        return gone


def _age(rule: Rule) -> str:
    if not rule.setting:
        return "older than the route table keeps them"
    return f"older than {rule.kept // DAY} days ({rule.setting})"
