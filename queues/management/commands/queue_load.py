"""``manage.py queue_load``: the messages of a file onto a list."""

from itertools import islice
from pathlib import Path

from django.core.management.base import CommandParser

from queues import batches, lists
from queues.batches import Fence
from queues.lists import Refused
from queues.message_files import Contents, messages, survey
from queues.passages import grouped
from queues.tools import ListCommand, add_any_list, add_dry_run, add_instance


class Command(ListCommand):
    """Push a file."""

    help = (
        "Push the messages of a file of queue_dump or queue_purge on the tail of a list, as they "
        "were, each once. Redis keeps in mind how far it has come: interrupted, the same command "
        "goes on, and a file that is loaded is not loaded again. Consumers drop messages that had "
        "their effect before."
    )
    examples = """  manage.py queue_load donations.jsonl
  manage.py queue_load donations.jsonl donations-held --instance frqueue --any-list
  manage.py queue_load from-a-log.jsonl donations --plain
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("file", metavar="FILE", type=Path)
        parser.add_argument(
            "queue", metavar="QUEUE", nargs="?", help="default: whence the file's messages are"
        )
        add_instance(parser)
        parser.add_argument(
            "--again",
            action="store_true",
            help="once more from the beginning, though it was loaded",
        )
        parser.add_argument(
            "--plain", action="store_true", help="each line of the file is a message itself"
        )
        parser.add_argument(
            "--incomplete",
            action="store_true",
            help="a file whose dump or purge was interrupted, as far as it goes",
        )
        add_any_list(parser)
        add_dry_run(parser)

    def handle(
        self,
        *_args: object,
        file: Path,
        queue: str | None,
        instance: str | None,
        again: bool,
        plain: bool,
        incomplete: bool,
        any_list: bool,
        dry_run: bool,
        **_options: object,
    ) -> None:
        """Look through the file, then push."""
        if not file.is_file():
            raise Refused(f"{file} is no file")
        contents = survey(file, plain=plain)
        if not contents.is_complete and not incomplete:
            raise Refused(
                f"{file} is not complete: run its queue_dump or queue_purge again (--incomplete)"
            )
        home, _, name = contents.source.partition("/")
        if not queue and not name:
            raise Refused(f"{file} does not say whence it is: name the QUEUE")
        target = lists.find(
            queue or name, instance if queue else instance or home, any_list=any_list
        )
        target.length()
        passage = f"load:{target.name}:{contents.id}"
        fence = batches.fence(target.client, passage)
        first = _loaded(fence, file, contents, again=again)
        left = contents.messages - first
        went_on = f", {first} are there from a run before" if first else ""
        if dry_run:
            self.stdout.write(f"{file} to {target}: would push {left}{went_on}")
            return
        stands = fence.position if fence else ""
        if stands and again:
            beginning = f"{contents.digest}.0"
            batches.put(target.client, passage, stands, beginning, [])
            stands = beginning
        with self.progress(f"{file} to {target}", left) as advance:
            for group in grouped(islice(messages(file, plain=plain), first, None)):
                first += len(group)
                position = f"{contents.digest}.{first}"
                pushes = [(target.name, message) for message in group]
                batches.put(target.client, passage, stands, position, pushes)
                stands = position
                advance(len(group))
        self.stdout.write(f"{file} to {target}: pushed {left}{went_on}")


def _loaded(fence: Fence | None, file: Path, contents: Contents, *, again: bool) -> int:
    """How many messages of the file were pushed already."""
    if fence is None:
        return 0
    digest, _, position = fence.position.partition(".")
    count = int(position)
    if digest != contents.digest:
        if again:
            return 0
        raise Refused(
            f"{file} has changed since {count} of its messages were loaded: --again loads all of it"
        )
    if again and count < contents.messages:
        raise Refused(f"{file} is loaded as far as {count}: go on without --again first")
    if count == contents.messages and not again:
        raise Refused(f"{file} is loaded already, {count} messages (--again)")
    return 0 if again else count
