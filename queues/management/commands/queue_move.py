"""``manage.py queue_move``: messages from one list to another."""

import sys
from collections.abc import Callable

from django.core.management.base import CommandParser

from queues import batches, lists
from queues.batches import Taken
from queues.lists import QueueList, Refused
from queues.passages import Passage
from queues.routes import routes
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
    """Move messages."""

    help = (
        "Move messages from the head of one list to the tail of another, of the same Redis "
        "instance or another, each once and in order. With --where those that fit of what stands "
        "on the list now; the others keep their places. Workers and producers may go on. "
        "Interrupted, the same command goes on; until then Redis keeps the batch in hand."
    )
    examples = """  manage.py queue_move donations_old donations --from-instance frqueue --any-list
  manage.py queue_move unsubscribe unsubscribe-held --to-instance frqueue --any-list --count 100
  manage.py queue_move pending pending-later --to-instance frqueue --any-list --where gateway=adyen
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("source", metavar="SOURCE")
        parser.add_argument("target", metavar="TARGET")
        add_instance(parser, "--from-instance", "SOURCE")
        add_instance(parser, "--to-instance", "TARGET")
        add_count(parser, "as many as stand on it now")
        add_where(parser)
        add_any_list(parser)
        add_dry_run(parser)

    def handle(
        self,
        *_args: object,
        source: str,
        target: str,
        from_instance: str | None,
        to_instance: str | None,
        count: int | None,
        where: list[tuple[str, str]],
        any_list: bool,
        dry_run: bool,
        **_options: object,
    ) -> None:
        """Move them."""
        begin = lists.find(source, from_instance, any_list=any_list)
        end = lists.find(target, to_instance, any_list=any_list)
        self._check(begin, end)
        passage = Passage(begin, f"move:{begin}:{end}", _putting(begin, end))
        most, conditions = count or sys.maxsize, dict(where)
        standing = min(lists.count(begin, conditions), most)
        if dry_run:
            in_hand = passage.in_hand()
            waits = f", and {in_hand} that are in hand" if in_hand else ""
            self.stdout.write(f"{begin} to {end}: would move {standing}{waits}")
            say_reserved(self, begin)
            return
        before = passage.finish()
        moved = 0
        with self.progress(f"{begin} to {end}", standing) as advance:
            for carried in passage.carry(most if where else standing, conditions):
                moved += carried
                advance(carried)
        went_on = f", and {before} that a run before had in hand" if before else ""
        self.stdout.write(f"{begin} to {end}: moved {moved}{went_on}")
        say_reserved(self, begin)

    def _check(self, begin: QueueList, end: QueueList) -> None:
        if begin == end:
            raise Refused("SOURCE and TARGET are one list")
        if begin.is_damaged and not end.is_damaged:
            raise Refused(
                f"dead letters are no messages of {end}: once they are in the admin, resend "
                "them there"
            )
        begin.length()
        end.length()
        if end.name not in routes().consumed(end.instance):
            self.stderr.write(f"{end} has no route: its messages wait there for ever")


def _putting(begin: QueueList, end: QueueList) -> Callable[[Taken], object]:
    """Puts a batch on the target."""
    name = f"move:{begin}:{end}"

    def deliver(taken: Taken) -> object:
        pushes = [(end.name, message) for message in taken.messages]
        return batches.put(end.client, name, taken.previous, taken.position, pushes)

    return deliver
