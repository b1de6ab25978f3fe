"""Both instances of a stand, as this process sees them (fixture ``both_instances``)."""

from django.utils import timezone

from queues import instances
from queues.damaged import requeue_due
from queues.models import DamagedMessage, OutboxMessage
from queues.routes import routes
from tests.workers import Stand, wait_for

PATIENCE = 120.0


def settle(stand: Stand) -> None:
    """Wait until no message waits on a list, is in hand or in the outbox."""
    prefs = instances.client("donor-prefs")

    def is_at_rest() -> bool:
        at_rest = not prefs.exists("reserved", *routes().consumed("donor-prefs"))
        return at_rest and stand.is_at_rest()

    def is_settled() -> bool:
        # Between two looks a message may have moved to where the first was.
        return is_at_rest() and not OutboxMessage.objects.exists() and is_at_rest()

    wait_for(is_settled, "nothing is on its way", PATIENCE)


def retry(stand: Stand) -> None:
    """Let all that is parked come due, and wait until it has come to its end again."""
    waiting = DamagedMessage.objects.filter(status=DamagedMessage.Status.WAITING)
    waiting.update(retry_at=timezone.now())
    for instance in ("frqueue", "donor-prefs"):
        requeue_due(instance)
    settle(stand)
