"""The consumers of the two queues."""

from collections.abc import Callable

from django.contrib.auth.models import Group

from queues.consumer import consumer
from queues.outbox import push_later
from queues.outcomes import Park
from tests.proofs.words.routes import QUEUES, Word


def _keeper(other: str) -> Callable[[Word], None]:
    def keep(message: Word) -> None:
        if message.after and not Group.objects.filter(name=message.after).exists():
            raise Park("MISSING_PREDECESSOR", "the word before it is not kept yet", "after")
        Group.objects.create(name=message.word)
        if message.tell:
            push_later(other, {"word": message.tell})

    return keep


FRQUEUE, DONOR_PREFS = QUEUES.values()
words = consumer(FRQUEUE)(_keeper(DONOR_PREFS))
preferred_words = consumer(DONOR_PREFS)(_keeper(FRQUEUE))
