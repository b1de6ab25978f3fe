"""``manage.py erase_contact``: erase the personal data of a donor."""

import getpass
from argparse import RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence

from django.core.management.base import BaseCommand, CommandError, CommandParser

from fundraising.crm.models import Contact
from fundraising.privacy import erasure

NO_CONTACT = 3
REFUSED = 4


class Command(BaseCommand):
    """Erase a contact."""

    help = f"""Erase the personal data of a contact, and of those merged into it.

Names, addresses, e-mail, telephones, ids at processors and IP addresses go, and the donor's
part of raw messages; the record of the money stays: contributions, recurring contributions,
amounts, dates, transaction ids. It cannot be undone.

    manage.py erase_contact 4711 --dry-run
    manage.py erase_contact 4711 --reason "request 2026-118"

exit codes:
  0  erased (or, with --dry-run, could be)
  2  wrong usage
  {NO_CONTACT}  there is no such contact
  {REFUSED}  it cannot be erased now; nothing was changed"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        # Django's own formatter would run the lines of the help together.
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.add_argument("contact_id", type=int, metavar="CONTACT-ID")
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would be erased and change nothing"
        )
        parser.add_argument(
            "--reason", default="", help="kept with the erasure; no personal data (required)"
        )
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(
        self, *, contact_id: int, dry_run: bool, reason: str, yes: bool, **_options: object
    ) -> None:
        """Show the plan, ask, erase."""
        if not dry_run and not reason.strip():
            raise CommandError("a reason is needed: --reason", returncode=2)
        try:
            self._run(contact_id, dry_run=dry_run, reason=reason, yes=yes)
        except Contact.DoesNotExist:
            raise CommandError(f"no contact {contact_id}", returncode=NO_CONTACT) from None
        except erasure.Refused as refusal:
            self._tell("refused", refusal.reasons)
            raise CommandError("nothing was changed", returncode=REFUSED) from refusal

    def _run(self, contact_id: int, *, dry_run: bool, reason: str, yes: bool) -> None:
        plan = erasure.plan(contact_id)
        self._tell("warning", plan.warnings)
        if plan.obstacles:
            raise erasure.Refused(*plan.obstacles)
        if dry_run:
            self._count(plan.counts)
            self.stdout.write("dry run: nothing was changed")
            return
        if not yes:
            self._count(plan.counts)
            if input(f"Erase contact {contact_id}? This cannot be undone. [yes/no] ") != "yes":
                self.stdout.write("nothing was changed")
                return
        done = erasure.erase(contact_id, by=f"{getpass.getuser()} (command line)", reason=reason)
        self._count(done.counts)
        self.stdout.write(f"contact {contact_id} erased")

    def _count(self, counts: Mapping[str, int]) -> None:
        for table, count in counts.items():
            self.stdout.write(f"{table}: {count}")

    def _tell(self, what: str, texts: Sequence[str]) -> None:
        for text in texts:
            self.stderr.write(f"{what}: {text}")
