"""A mover the way of the original, on python3-pgq: a SerialConsumer with bulk insert.

Runs with Debian's own python3, which has that package: `python3 serial_consumer.py CONFIG.ini`.
Moves all that waits, and prints how many seconds all batches but the first took.
"""

import sys
import time

import pgq

FIELDS = ("time", "type", "data", "extra1", "extra2", "extra3", "extra4")


class Mover(pgq.SerialConsumer):
    """Copies a batch and its tick in one transaction of the target."""

    def process_remote_batch(self, _db, _batch_id, event_list, dst_db):  # noqa: ANN001, ANN201
        """Called by the package for each batch that the target does not have."""
        rows = [
            (e.time, e.type, e.data, e.extra1, e.extra2, e.extra3, e.extra4) for e in event_list
        ]
        pgq.bulk_insert_events(dst_db.cursor(), rows, FIELDS, self.cf.get("dst_queue_name"))


def main() -> None:
    """The first batch opens the connections, so it is not measured."""
    mover = Mover("queue_mover", "src_db", "dst_db", ["-q", sys.argv[1]])
    mover.work()
    begun = time.monotonic()
    while mover.work():
        pass
    print(time.monotonic() - begun)


if __name__ == "__main__":
    main()
