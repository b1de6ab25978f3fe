"""``manage.py redis_acl``: the users file of a Redis instance."""

import argparse

import environ
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from queues import access

EPILOG = f"""
passwords:
  FRQUEUE_WORKER_PASSWORD for role worker of frqueue, DONOR_PREFS_REPLICA_PASSWORD for role
  replica of donor-prefs, and so on; or the same with _FILE behind it, naming a file. At least
  {access.LEAST_PASSWORD} characters each. Only their SHA-256 stands in the file.

exit codes:
  0  printed
  1  a password is missing or too short
  2  wrong usage

examples:
  manage.py redis_acl --instance frqueue > users.acl
  manage.py redis_acl --instance donor-prefs --template
  redis-cli -u $OPERATOR_URL acl load
"""


class Command(BaseCommand):
    """Print the users file of an instance."""

    help = (
        "Print the users file (aclfile) of a Redis instance: a user a role, with what it may do, "
        "made from the\nroute table. The user named default is off."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = EPILOG
        parser.add_argument(
            "--instance", required=True, choices=list(settings.PRODUCER_ROLES), help="which"
        )
        parser.add_argument(
            "--template",
            action="store_true",
            help="name the variables where digests of passwords would stand",
        )
        parser.add_argument(
            "--no-setinfo",
            action="store_true",
            help="for Redis before 7.2, which refuses a file that names CLIENT SETINFO",
        )

    def handle(
        self, *_args: object, instance: str, template: bool, no_setinfo: bool, **_options: object
    ) -> None:
        """Print it, or say which passwords are missing."""
        variables = {
            role: access.password_variable(instance, role) for role in access.roles(instance)
        }
        if template:
            secrets = {role: f"#<sha256 of {name}>" for role, name in variables.items()}
        else:
            secrets = _from_environment(variables)
        text = access.acl_file(instance, secrets, with_setinfo=not no_setinfo)
        self.stdout.write(text, ending="")


def _from_environment(variables: dict[str, str]) -> dict[str, str]:
    env = environ.FileAwareEnv()
    secrets, faults = {}, []
    for role, name in variables.items():
        try:
            secrets[role] = access.hashed(env.str(name, default=""))
        except ValueError as fault:
            faults.append(f"{name} {fault}")
    if faults:
        raise CommandError("; ".join(faults))
    return secrets
