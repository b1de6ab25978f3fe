"""``manage.py queue_peek``: how many messages stand where, and which come next."""

from collections.abc import Mapping

from django.conf import settings
from django.core.management.base import CommandParser

from queues import cards, legible, lists
from queues.lists import QueueList
from queues.tools import ListCommand, add_any_list, add_instance, add_where, positive

_HEADS = 10


class Command(ListCommand):
    """Show lists."""

    help = (
        "Show how many messages stand on lists and which come next, by their ids: position, "
        "gateway, order_id, message_id, age, bytes; of a dead letter its code too."
    )
    examples = """  manage.py queue_peek
  manage.py queue_peek donations --count 3
  manage.py queue_peek donations-damaged --where code=INVALID_MESSAGE
  manage.py queue_peek donations --from 500 --count 1 --bodies
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument(
            "queues",
            nargs="*",
            metavar="QUEUE",
            help="default: all that are not empty, a head each",
        )
        add_instance(parser)
        parser.add_argument(
            "--count",
            type=positive,
            metavar="N",
            help=f"show so many messages of each list (default: {_HEADS}, of all lists 1)",
        )
        parser.add_argument(
            "--from", dest="first", type=int, default=0, metavar="N", help="the first position: 0"
        )
        add_where(parser)
        parser.add_argument(
            "--bodies",
            action="store_true",
            help="the messages themselves, which tell who gave; card data is masked",
        )
        add_any_list(parser)

    def handle(
        self,
        *_args: object,
        queues: list[str],
        instance: str | None,
        count: int | None,
        first: int,
        where: list[tuple[str, str]],
        bodies: bool,
        any_list: bool,
        **_options: object,
    ) -> None:
        """Show the lists that are named, or all."""
        most = count or (_HEADS if queues else 1)
        for name in queues:
            source = lists.find(name, instance, any_list=any_list)
            self._show(source, max(first, 0), most, dict(where), bodies=bodies)
        if queues:
            return
        for each in [instance] if instance else settings.REDIS_INSTANCES:
            found = [source for source in lists.there(each) if source.length()]
            for source in found:
                self._show(source, max(first, 0), most, dict(where), bodies=bodies)
            for name, held in lists.hands(each).items():
                self.stdout.write(f"{each}: {held} in hand of {name}, which did not end")
            if not found:
                self.stdout.write(f"{each}: all lists are empty")

    def _show(
        self, source: QueueList, first: int, most: int, where: Mapping[str, str], *, bodies: bool
    ) -> None:
        total = fitting = 0
        shown: list[tuple[int, bytes]] = []
        if where:
            with lists.snapshot(source) as messages:
                for total, message in enumerate(messages, 1):
                    if legible.fits(message, where):
                        fitting += 1
                        if total > first and len(shown) < most:
                            shown.append((total - 1, message))
        else:
            with source.client.pipeline() as moment:
                moment.llen(source.name)
                moment.lrange(source.name, first, first + most - 1)
                total, heads = moment.execute()
            shown = list(enumerate(heads, first))
        self.stdout.write(f"{source}: {total}" + (f", {fitting} fit" if where else ""))
        for position, message in shown:
            self.stdout.write(f"  {_line(position, message)}")
            if bodies:
                self.stdout.write(
                    f"    {cards.mask_body(message).decode(errors='backslashreplace')}"
                )


def _line(position: int, message: bytes) -> str:
    sight = legible.sight(message)
    ids = "  ".join(f"{name}={value}" for name, value in sight.ids.items()) or "no ids"
    code = f"  {sight.code}" if sight.code else ""
    age = "age unknown" if sight.age is None else f"{sight.age:.0f} s old"
    return f"{position}  {ids}{code}  {age}  {len(message)} bytes"
