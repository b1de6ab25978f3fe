"""``manage.py queue_schemas``: see :mod:`queues.schemas`."""

import json
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from queues import schemas
from queues.routes import routes


class Command(BaseCommand):
    help = (
        "Write the JSON Schema of the messages of queues, each with an example: as one JSON object "
        "by queue, or into a file a queue. The schema is as loose as the consumers read; what a "
        "consumer asks for beyond it stands in docs/queues/. "
        "Exit status: 0 written; 1 a queue has no example; 2 there is no such queue."
    )

    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """What to write, and where."""
        parser.add_argument(
            "queues", nargs="*", metavar="queue", help="which; all if none is named"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            help="write DIR/<queue>.schema.json, a line for each file; without it: standard output",
        )

    def handle(self, *_args: object, queues: list[str], output: Path | None, **_: object) -> None:
        """Write them."""
        table = routes()
        if unknown := [queue for queue in queues if queue not in table]:
            raise CommandError(f"no such queue: {', '.join(unknown)}", returncode=2)
        try:
            found = {queue: schemas.export(table[queue]) for queue in queues or table}
        except FileNotFoundError as error:
            raise CommandError(f"an example is missing: {error.filename}") from error
        if output is None:
            self.stdout.write(json.dumps(found, indent=2))
            return
        output.mkdir(parents=True, exist_ok=True)
        for queue, schema in found.items():
            path = output / f"{queue}.schema.json"
            path.write_text(json.dumps(schema, indent=2) + "\n")
            self.stdout.write(f"{path} written")
