"""``manage.py queue_give_back``: the end of a move or purge that will not be gone on with."""

from django.conf import settings
from django.core.management.base import CommandParser

from queues import batches, instances
from queues.lists import Refused
from queues.tools import ListCommand, add_dry_run


class Command(ListCommand):
    """Give back what is in hand."""

    help = (
        "Put what an interrupted queue_move or queue_purge has in hand back to the head of its "
        "list, unless the move's target has it, and forget how far it was: the next run begins "
        "anew. For a purge whose file is lost, and when one side of a move was restored from older "
        "data. Nobody may be at it. Otherwise let the same command go on."
    )
    examples = """  manage.py queue_peek
  manage.py queue_give_back move:frqueue/donations_old:frqueue/donations
"""

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("name", metavar="NAME", help="as queue_peek and the commands say it")
        add_dry_run(parser)

    def handle(self, *_args: object, name: str, dry_run: bool, **_options: object) -> None:
        """Look at both sides, then end it."""
        # The movers' have their other side elsewhere.
        if not name.startswith(("move:", "purge:")):
            raise Refused(f"{name} is no queue_move or queue_purge")
        clients = [instances.client(instance) for instance in settings.REDIS_INSTANCES]
        hands = [(client, taken) for client in clients if (taken := batches.held(client, name))]
        fences = [fence for client in clients if (fence := batches.fence(client, name))]
        positions = {fence.position for fence in fences}
        for client, taken in hands:
            count = len(taken.messages)
            if taken.position in positions:
                self.stdout.write(f"{name}: the target has the {count} in hand")
                if not dry_run:
                    batches.release(client, name, taken.position)
            else:
                fate = "would be put back" if dry_run else "put back"
                self.stdout.write(f"{name}: {count} {fate} to the head of {taken.queue}")
        if not hands:
            self.stdout.write(f"{name}: nothing is in hand")
        if not dry_run:
            for client in clients:
                batches.forget(client, name)
