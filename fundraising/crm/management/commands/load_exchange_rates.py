"""``manage.py load_exchange_rates``: the bank's daily rates into the database."""

import argparse

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from fundraising.crm.currencies import bank_feed, ecb, exchange_rates

UNREACHABLE = 3
INVALID_FEED = 4


class Command(BaseCommand):
    """Load exchange rates."""

    help = (
        "Load the European Central Bank's daily exchange rates, as USD.\n"
        "Loading the same feed again changes nothing.\n\n"
        "exit codes:\n"
        "  0  loaded (or, with --dry-run, could be)\n"
        "  2  wrong usage\n"
        f"  {UNREACHABLE}  the feed cannot be read\n"
        f"  {INVALID_FEED}  the feed is not the bank's, nothing was written"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        # Django's own formatter would run the lines of the help together.
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.add_argument(
            "--from",
            dest="source",
            metavar="URL-OR-FILE",
            default=settings.ECB_RATES,
            help="an https URL or a file with the bank's XML (default: %(default)s)",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="read and check the feed, write nothing"
        )

    def handle(self, *_args: object, source: str, dry_run: bool, **_options: object) -> None:
        """Load, or say why not."""
        try:
            loaded = exchange_rates.load(source, dry_run=dry_run)
        except bank_feed.Unreachable as error:
            raise CommandError(str(error), returncode=UNREACHABLE) from error
        except ecb.InvalidFeed as error:
            raise CommandError(str(error), returncode=INVALID_FEED) from error
        self.stdout.write(f"bank day: {loaded.bank_update:%Y-%m-%d}")
        self.stdout.write(f"rates: {loaded.rates}")
        self.stdout.write(f"new or different: {loaded.changed}")
        if dry_run:
            self.stdout.write("dry run: nothing was written")
