"""``manage.py queue_purge``: messages off a list, into a file."""

import sys
from functools import partial
from pathlib import Path

from django.core.management.base import CommandError, CommandParser

from queues import batches, lists
from queues.batches import OutOfStep, Taken
from queues.lists import QueueList
from queues.message_files import Header, State, Writer, state
from queues.passages import Passage
from queues.tools import (
    ListCommand,
    add_any_list,
    add_count,
    add_dry_run,
    add_instance,
    add_where,
    say_reserved,
)


class Command(ListCommand):
    """Move messages from a list to a file."""

    help = (
        "Take messages off a list: each is in FILE, on the disk, before it is gone from Redis. "
        "queue_load puts them back. Interrupted, the same command goes on; until then Redis keeps "
        "the batch in hand. The file tells who gave: only its owner can read it."
    )
    examples = """  manage.py queue_purge banner-history purged.jsonl
  manage.py queue_purge donations test.jsonl --where gateway=test --dry-run
  manage.py queue_load purged.jsonl
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("queue", metavar="QUEUE")
        parser.add_argument("file", metavar="FILE", type=Path, help="new, or of such a purge")
        add_instance(parser)
        add_count(parser, "as many as stand on it now")
        add_where(parser)
        add_any_list(parser)
        add_dry_run(parser)
        parser.add_argument("--yes", action="store_true", help="do not ask")

    def handle(
        self,
        *_args: object,
        queue: str,
        file: Path,
        instance: str | None,
        count: int | None,
        where: list[tuple[str, str]],
        any_list: bool,
        dry_run: bool,
        yes: bool,
        **_options: object,
    ) -> None:
        """Ask, write, take away."""
        source = lists.find(queue, instance, any_list=any_list)
        standing = min(lists.count(source, dict(where)), count or sys.maxsize)
        header = Header.new(str(source), "queue_purge", dict(where), count if where else standing)
        begun = state(file, header)
        in_hand = _unwritten(batches.held(source.client, _name(source, begun.header)), begun)
        todo = in_hand + min(standing, begun.header.most - begun.messages - in_hand)
        before = f", where a run before has put {begun.messages}" if begun.messages else ""
        if dry_run:
            self.stdout.write(f"{source}: would purge {todo} into {file}{before}")
        else:
            if not yes:
                self._ask(f"Purge {todo} messages of {source} into {file}{before}?")
            with Writer(file, begun.header) as writer:
                self._purge(source, writer, todo)
            purged = writer.state.messages - begun.messages
            self.stdout.write(f"{source}: purged {purged} into {file}{before}")
        say_reserved(self, source)

    def _purge(self, source: QueueList, writer: Writer, todo: int) -> None:
        name = _name(source, writer.state.header)
        passage = Passage(source, name, partial(_write, writer))
        with self.progress(str(source), todo) as advance:
            advance(passage.finish())
            left = writer.state.header.most - writer.state.messages
            for carried in passage.carry(left, writer.state.header.where):
                advance(carried)
        writer.finish()
        batches.forget(source.client, name)

    def _ask(self, question: str) -> None:
        if not sys.stdin.isatty():
            raise CommandError("refused without a terminal to ask on: give --yes")
        if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
            raise CommandError("nothing was purged")


def _name(source: QueueList, header: Header) -> str:
    """Of the passage: nobody but who has the file goes on with it."""
    return f"purge:{source.name}:{header.id}"


def _unwritten(taken: Taken | None, begun: State) -> int:
    """How many messages in hand are not in the file."""
    if taken is None:
        return 0
    return len(taken.messages) - (len(begun.tail) if taken.number == begun.last else 0)


def _write(writer: Writer, taken: Taken) -> None:
    """A batch is on the disk, once; what an earlier run wrote of it is not written again."""
    begun = writer.state
    there = begun.tail if begun.last == taken.number else []
    if taken.number < begun.last or taken.messages[: len(there)] != there:
        raise OutOfStep(f"{writer.path}: other messages stand there as batch {begun.last}")
    writer.add(taken.number, taken.messages[len(there) :])
    writer.sync()
