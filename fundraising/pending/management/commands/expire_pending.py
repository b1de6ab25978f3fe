"""``manage.py expire_pending``: delete pending transactions that nobody claimed."""

from argparse import ArgumentTypeError, RawDescriptionHelpFormatter
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from fundraising.pending import transactions
from fundraising.pending.models import PendingTransaction
from fundraising.pending.tasks import MAX_DAYS


def _days(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 3650:
        raise ArgumentTypeError("must be a whole number of days, 1 to 3650")
    return int(text)


class Command(BaseCommand):
    help = """Delete pending transactions that began longer ago than a number of days.

They hold names and addresses of donors, which are not kept longer than they may be of
use. The scheduler does this each day for all gateways; this command is for another age,
for a single gateway, or to see beforehand what would go.

    manage.py expire_pending --dry-run
    manage.py expire_pending --days 20 --gateway paypal_ec
    manage.py expire_pending --days 7 --resolve
"""

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:  # noqa: ANN401
        return super().create_parser(
            prog_name, subcommand, formatter_class=RawDescriptionHelpFormatter, **kwargs
        )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--days",
            type=_days,
            default=MAX_DAYS,
            metavar="N",
            help=f"those that began more than N days ago (default: {MAX_DAYS})",
        )
        parser.add_argument(
            "--gateway", default="", metavar="CODE", help="only of this gateway, such as adyen"
        )
        parser.add_argument(
            "--resolve",
            action="store_true",
            help="mark them resolved instead of deleting them",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many there are and change nothing"
        )

    def handle(
        self, *, days: int, gateway: str, resolve: bool, dry_run: bool, **_options: object
    ) -> None:
        before = timezone.now() - timedelta(days=days)
        aged = PendingTransaction.objects.dated_before(before, gateway)
        unresolved = aged.unresolved().count()
        if dry_run:
            count = unresolved if resolve else aged.count()
            did = "would be resolved" if resolve else "would be deleted"
        elif resolve:
            count, did = transactions.resolve_old(before, gateway), "resolved"
        else:
            count, did = transactions.delete_old(before, gateway), "deleted"
        of = f" of {gateway}" if gateway else ""
        self.stdout.write(
            f"{count} pending transactions{of} older than {days} days {did}"
            f" ({unresolved} of them were unresolved)"
        )
