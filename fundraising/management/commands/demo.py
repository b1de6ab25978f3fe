"""``manage.py demo``: see :mod:`fundraising.demo`."""

import os
import sys
from typing import NoReturn

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser


class Command(BaseCommand):
    """Starts anew, as the demo has other settings than those that are read already."""

    help = "Push hundreds of messages, kill workers on the way, and account for every message."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Options of the demo."""
        parser.add_argument("--keep", action="store_true", help="keep its directory, with the logs")

    def handle(self, *_args: object, **options: object) -> NoReturn:
        """Replace this process by the demo."""
        os.chdir(settings.BASE_DIR)
        command = [sys.executable, "-m", "fundraising.demo"]
        os.execv(sys.executable, [*command, "--keep"] if options["keep"] else command)  # noqa: S606
