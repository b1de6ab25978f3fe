"""Movers of the tests, from `gifts` to `donations`."""

from typing import Any

from queues.mover.interface import Batch
from queues.mover.moving import Chooses, Mover, Poison
from queues.mover.pgq.source import PgqSource
from queues.mover.pgq.target import IdField, PgqTarget
from tests.pgq import Database

NAME = "gift_mover"


class Movers:
    """Makes movers; all are closed in the end."""

    def __init__(self) -> None:
        self._made: list[Mover] = []

    def mover(
        self,
        source: Database,
        target: Database,
        name: str = NAME,
        *,
        queue: str | Chooses = "donations",
        poison: Poison = "set_aside",
        poison_tries: int = 1,
        event_id_field: IdField = "ev_extra4",
    ) -> Mover:
        """A mover that is not registered yet."""
        made = Mover(
            PgqSource(source.dsn, "gifts", name),
            PgqTarget(target.dsn, name, event_id_field),
            "gifts",
            name,
            queue,
            poison,
            poison_tries,
        )
        self._made.append(made)
        return made

    def registered(
        self, source: Database, target: Database, name: str = NAME, **options: Any
    ) -> Mover:
        """A registered mover."""
        made = self.mover(source, target, name, **options)
        made.register()
        return made

    def close(self) -> None:
        """Give up all connections."""
        for mover in self._made:
            mover.source.close()
            mover.target.close()


def drain(mover: Mover) -> int:
    """Move until there is nothing more; how many events."""
    count = 0
    while moved := mover.turn():
        count += moved.events
    return count


def abandon_after_commit(mover: Mover) -> Batch:
    """As a mover that dies between the target's commit and the end of the batch; the batch."""
    batch = mover.source.next_batch()
    assert batch is not None
    with mover.target.transaction(mover.consumer) as transaction:
        assert isinstance(mover.queue, str)
        transaction.put(mover.queue, batch.events())
        transaction.commit(batch.position)
    mover.source.close()
    mover.target.close()
    return batch
