"""``manage.py queue_dump``: the messages of a list into a file."""

from pathlib import Path

from django.core.management.base import CommandParser

from queues import legible, lists
from queues.lists import QueueList, Refused
from queues.message_files import Header, State, Writer, state
from queues.tools import (
    ListCommand,
    add_any_list,
    add_dry_run,
    add_instance,
    add_where,
    say_reserved,
)

#: Seconds after which Redis forgets the snapshot of a dump that nobody goes on with: a week.
KEPT = 7 * 24 * 3600


class Command(ListCommand):
    """Copy a list to a file."""

    help = (
        "Write the messages of a list to a file, a line each, as they stand at one moment; they "
        "stay on the list, and workers may go on. Interrupted, the same command goes on with the "
        "messages of that moment: until then, a week at most, Redis keeps a copy of the list, "
        "which takes as much memory again. The file tells who gave: only its owner can read it."
    )
    examples = """  manage.py queue_dump donations donations.jsonl
  manage.py queue_dump donations-damaged card.jsonl --where code=CARD_DATA
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("queue", metavar="QUEUE")
        parser.add_argument("file", metavar="FILE", type=Path, help="new, or of such a dump")
        add_instance(parser)
        add_where(parser)
        add_any_list(parser)
        add_dry_run(parser)

    def handle(
        self,
        *_args: object,
        queue: str,
        file: Path,
        instance: str | None,
        where: list[tuple[str, str]],
        any_list: bool,
        dry_run: bool,
        **_options: object,
    ) -> None:
        """Write the file."""
        source = lists.find(queue, instance, any_list=any_list)
        header = Header.new(str(source), "queue_dump", dict(where), None)
        begun = state(file, header)
        key = f"snapshot:{begun.header.id}"
        self._check(source, key, file, begun)
        went_on = f", {begun.messages} of them by a run before" if begun.messages else ""
        if dry_run:
            left = self._left(source, key, begun)
            self.stdout.write(f"{source}: would dump {begun.messages + left}{went_on}")
        else:
            with Writer(file, begun.header) as writer:
                self._dump(source, key, writer)
            self.stdout.write(f"{source}: dumped {writer.state.messages}{went_on}")
        say_reserved(self, source)

    def _check(self, source: QueueList, key: str, file: Path, begun: State) -> None:
        if begun.messages and not source.client.exists(key):
            raise Refused(
                f"{file} cannot be gone on with: its snapshot is gone. Its {begun.messages} "
                "messages are whole; dump to another file for all"
            )

    def _left(self, source: QueueList, key: str, begun: State) -> int:
        """How many are still to be written."""
        client, where = source.client, begun.header.where
        if not begun.messages:
            return lists.count(source, where)
        messages = lists.pages(client, key, begun.last + 1, client.llen(key), KEPT)
        return sum(legible.fits(message, where) for message in messages)

    def _dump(self, source: QueueList, key: str, writer: Writer) -> None:
        """From after the last line that is there to the end of the snapshot."""
        first, where = writer.state.last + 1, writer.state.header.where
        length = lists.copy(source, key, KEPT)
        messages = lists.pages(source.client, key, first, length, KEPT)
        with self.progress(str(source), length, first) as advance:
            for at, message in enumerate(messages, first):
                if legible.fits(message, where):
                    writer.add(at, [message])
                advance(1)
        writer.finish()
        source.client.unlink(key)
