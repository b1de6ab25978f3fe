"""What a round measures, by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks import measures
from benchmarks.databases import Database
from benchmarks.measures import rate
from benchmarks.movers import Movers, has_original
from benchmarks.results import Results
from benchmarks.stand import Stand

GROUP = 100
# Groups are so much faster that the clock needs more messages.
MORE = 5
LATENCY_SECONDS = 13.0
IDLE_SECONDS = 20.0

BARE_ONE, BARE_GROUPS = "bare one", "bare groups"
IDLE, PICK_UP, WAKE = "idle", "pick-up", "wake"
PLAIN_ONE, PLAIN_GROUPS = "plain one", "plain groups"
IMPORT_ONE, IMPORT_GROUPS = "import one", "import groups"
LATENCY, RECOVERY = "latency", "recovery"
# Of events between two databases with PgQ; the first three by the size of batches.
COPIED, MOVED, ORIGINAL = "pgq copied", "pgq moved", "pgq moved by the original"
PGQ_LATENCY = "pgq latency"
# Size of batches, and how many of them.
BATCHES = {500: 60, 5000: 12}

# What --only may name.
MOVER = "mover"
KINDS = ("throughput", "latency", "idle", "recovery", MOVER)


@dataclass(frozen=True)
class Step:
    """One measurement of a round; ``once`` for those that need no second round."""

    kind: str
    name: str
    measure: Callable[[Results], None]
    once: bool = False


def steps(stand: Stand, messages: int) -> list[Step]:
    """Everything; ``messages`` go through each throughput of one message a delivery."""
    first = stand.databases[0]
    found = [step for each in stand.databases for step in _of_database(stand, each, messages)]
    for name, group, count in ((BARE_ONE, 1, messages), (BARE_GROUPS, GROUP, 4 * MORE * messages)):
        found.append(Step("throughput", name, _bare(stand, first, name, count, group)))
    found.append(Step("idle", IDLE, _idle(stand, first)))
    found.append(Step("recovery", RECOVERY, _recovery(stand, first, MORE * messages), once=True))
    found += _of_movers(stand)
    return found


def _of_movers(stand: Stand) -> Iterator[Step]:
    """Nothing where PostgreSQL is not installed, without the original where that is not."""
    if not stand.has_movers:
        return
    measured = {COPIED: Movers.copied, MOVED: Movers.moved}
    if has_original():
        measured[ORIGINAL] = Movers.moved_by_original
    for size, batches in BATCHES.items():
        for name, work in measured.items():
            yield Step(
                MOVER, f"{name} {size}", _moved(stand, f"{name} {size}", work, size, batches)
            )

    def latency(results: Results) -> None:
        results.add(PGQ_LATENCY, *stand.movers.latencies(LATENCY_SECONDS))

    yield Step(MOVER, PGQ_LATENCY, latency)


def _moved(
    stand: Stand, name: str, work: Callable[[Movers, int, int], float], size: int, batches: int
) -> Callable[[Results], None]:
    def measure(results: Results) -> None:
        results.add(name, work(stand.movers, size, batches))

    return measure


def _of_database(stand: Stand, database: Database, messages: int) -> list[Step]:
    def throughput(name: str, count: int, group: int) -> Step:
        work = stand.writes if name.startswith("plain") else stand.imports
        key = f"{database.name} {name}"

        def measure(results: Results) -> None:
            results.add(key, rate(work(database, stand.take(count), group)))

        return Step("throughput", key, measure)

    def latency(results: Results) -> None:
        results.add(key, *measures.latencies(stand, database, LATENCY_SECONDS))

    key = f"{database.name} {LATENCY}"
    return [
        throughput(PLAIN_ONE, messages, 1),
        throughput(IMPORT_ONE, messages, 1),
        throughput(PLAIN_GROUPS, MORE * messages, GROUP),
        throughput(IMPORT_GROUPS, MORE * messages, 0),
        Step("latency", key, latency),
    ]


def _bare(
    stand: Stand, database: Database, name: str, count: int, group: int
) -> Callable[[Results], None]:
    def measure(results: Results) -> None:
        results.add(name, measures.delivery_rate(stand, database, count, group))

    return measure


def _idle(stand: Stand, database: Database) -> Callable[[Results], None]:
    def measure(results: Results) -> None:
        share, waits = measures.idle(stand, database, IDLE_SECONDS)
        results.add(IDLE, share)
        results.add(PICK_UP, *waits)
        results.add(WAKE, *measures.wake(stand))

    return measure


def _recovery(stand: Stand, database: Database, count: int) -> Callable[[Results], None]:
    def measure(results: Results) -> None:
        results.add(RECOVERY, measures.recovery(stand, database, count))

    return measure
