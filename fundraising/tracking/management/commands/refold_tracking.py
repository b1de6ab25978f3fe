"""``manage.py refold_tracking``: make summaries anew from the log."""

from argparse import RawDescriptionHelpFormatter
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction

from fundraising.tracking import log
from fundraising.tracking.models import ContributionTracking

_BATCH = 200


class Command(BaseCommand):
    help = """Make the summaries of contribution tracking anew from the log of data points.

For after a rule has changed, such as how a banner's name is read. May run beside the
consumers, and again after it was stopped.

    manage.py refold_tracking
    manage.py refold_tracking --first 200000000 --last 200000999
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:  # noqa: ANN401
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--first", type=int, default=0, metavar="ID", help="from this id on")
        parser.add_argument("--last", type=int, default=2**63 - 1, metavar="ID", help="up to this")

    def handle(self, *, first: int, last: int, **_options: object) -> None:
        done, after = 0, first - 1
        while True:
            rows = ContributionTracking.objects.filter(pk__gt=after, pk__lte=last)
            ids = list(rows.order_by("pk").values_list("pk", flat=True)[:_BATCH])
            if not ids:
                break
            with transaction.atomic():
                log.refold(ids)
            done, after = done + len(ids), ids[-1]
        self.stdout.write(f"{done} summaries made anew")
