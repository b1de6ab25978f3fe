"""``manage.py queue_mover``: see :mod:`queues.mover.main`."""

import sys
from typing import NoReturn

from django.core.management.base import BaseCommand

from queues.mover.main import main, parser


class Command(BaseCommand):
    """Its switches are the original's, several of which Django has for something else."""

    help = "Move the events of one queue into another, each exactly once."
    requires_system_checks = ()

    def run_from_argv(self, argv: list[str]) -> NoReturn:
        """Leave everything after the command's name to the mover."""
        sys.exit(main(argv[2:], prog=f"{argv[0]} {argv[1]}"))

    def print_help(self, prog_name: str, subcommand: str) -> None:
        """As ``manage.py help queue_mover`` asks for it."""
        parser(f"{prog_name} {subcommand}").print_help()
