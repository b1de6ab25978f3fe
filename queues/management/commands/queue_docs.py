"""``manage.py queue_docs``: see :mod:`queues.pages`."""

from pathlib import Path

from celery import current_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from queues.pages import pages
from queues.routes import routes

DIRECTORY = Path("docs", "queues")


class Command(BaseCommand):
    help = (
        f"Make {DIRECTORY}/ from the route table and the schemas of messages: a page a queue and "
        "an index. Writes a line for each page that changes; pages of queues that are gone are "
        "removed. Exit status: 0 all is up to date; 1 a page is stale (--check only), or a queue "
        "has no example."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Whether to write, and where."""
        parser.add_argument(
            "--check", action="store_true", help="change nothing; say what is stale"
        )
        parser.add_argument(
            "--output",
            type=Path,
            metavar="DIR",
            default=Path(settings.BASE_DIR, DIRECTORY),
            help=f"another directory than {DIRECTORY}",
        )

    def handle(self, *_args: object, check: bool, output: Path, **_: object) -> None:
        """Make them, or compare."""
        current_app.loader.import_default_modules()
        try:
            wanted = pages(routes())
        except FileNotFoundError as error:
            raise CommandError(f"an example is missing: {error.filename}") from error
        there = {path.name: path.read_text() for path in output.glob("*.md")}
        stale = sorted(name for name in wanted | there if wanted.get(name) != there.get(name))
        for name in stale:
            if not check:
                _put(output / name, wanted.get(name))
            fate = "written" if name in wanted else "removed"
            self.stdout.write(f"{name} {'is stale' if check else fate}")
        if check and stale:
            raise CommandError(f"{len(stale)} pages are stale: run manage.py queue_docs")


def _put(path: Path, text: str | None) -> None:
    if text is None:
        path.unlink()
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
