"""The table: medians, their ratios to the limits of the same run, and the targets."""

import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from rich.table import Table

from benchmarks import plan
from benchmarks.movers import LOOP_DELAY, TICKER_PERIOD
from benchmarks.results import Results

# The import one by one is to reach this part of what the bare driver reaches one by one,
ONE_TARGET = 0.6
# and in groups five times that.
GROUPS_TARGET = 5 * ONE_TARGET
LATENCY_TARGET = 0.100
IDLE_TARGET = 0.01
PICK_UP_TARGET = 0.050

# A mover is to reach these parts of the original's way and of COPY, with the larger batches;
ORIGINAL_TARGET, COPIED_TARGET = 2.0, 0.5
LARGE = max(plan.BATCHES)
# and so many seconds at ten events a second.
MOVED_TARGET = 0.25

LIMIT = "limit"


@dataclass(frozen=True)
class Line:
    """A line of the table; ``met`` is None for what has no target."""

    name: str
    median: str
    spread: str
    ratios: str
    target: str = ""
    met: bool | None = None


def table(results: Results, databases: list[tuple[str, str]]) -> Table:
    """All that was measured; ``databases`` are pairs of name and driver."""
    grid = Table(
        title="What this pipeline does, beside what the machine allows", title_style="bold"
    )
    for heading in ("measure", "median", "rounds from … to", "ratio to limits", "target", ""):
        numeric = heading in ("median", "rounds from … to")
        grid.add_column(heading, justify="right" if numeric else "left")
    for section in _sections(results, databases):
        for line in section:
            verdict = {None: "", True: "met", False: "MISSED"}[line.met]
            cells = (line.name, line.median, line.spread, line.ratios, line.target, verdict)
            grid.add_row(*cells, style="red" if line.met is False else None)
        grid.add_section()
    return grid


def _sections(results: Results, databases: list[tuple[str, str]]) -> Iterator[list[Line]]:
    for name, driver in databases:
        yield _throughput(results, name, driver)
    yield _transport(results)
    yield [line for name, _ in databases for line in _latency(results, name)]
    yield _idle(results)
    for size in plan.BATCHES:
        yield _movers(results, size)
    yield _moved_latency(results)


def _throughput(results: Results, database: str, driver: str) -> list[Line]:
    one, groups = f"{database} {plan.PLAIN_ONE}", f"{database} {plan.PLAIN_GROUPS}"
    lines = []
    if one in results:
        lines.append(_rate(results, one, f"{database}: plain {driver}, one a transaction", LIMIT))
        lines.append(
            _rate(results, groups, f"{database}: plain {driver}, {plan.GROUP} a transaction",
                  f"{_times(results, groups, one)} plain one")
        )  # fmt: skip
    for kind, name, bare, target in (
        (plan.IMPORT_ONE, "import, one a delivery", plan.BARE_ONE, ONE_TARGET),
        (plan.IMPORT_GROUPS, "import, groups, backlog", plan.BARE_GROUPS, GROUPS_TARGET),
    ):
        key = f"{database} {kind}"
        if key not in results:
            continue
        ratios = f"{_times(results, key, one)} plain one, {_times(results, key, bare)} bare"
        if kind == plan.IMPORT_GROUPS:
            single = f"{database} {plan.IMPORT_ONE}"
            ratios += f", {_times(results, key, groups)} plain groups"
            ratios += f", {_times(results, key, single)} one a delivery"
        reached = results.ratio(key, one) or 0.0
        lines.append(
            _rate(results, key, f"{database}: {name}", ratios,
                  f"≥ {target:.2f} × plain one", reached >= target)
        )  # fmt: skip
    return lines


def _transport(results: Results) -> list[Line]:
    lines = []
    if plan.BARE_ONE in results:
        lines.append(_rate(results, plan.BARE_ONE, "reserve + ack, no work, one a delivery", LIMIT))
    if plan.BARE_GROUPS in results:
        name = f"reserve + ack, no work, {plan.GROUP} a delivery"
        lines.append(_rate(results, plan.BARE_GROUPS, name, LIMIT))
    return lines


def _latency(results: Results, database: str) -> list[Line]:
    key = f"{database} {plan.LATENCY}"
    if key not in results:
        return []
    floor = _floor(results, database)
    figures = results.figures(key)
    lines = []
    for percent, target in ((50, None), (99, LATENCY_TARGET)):
        reached = results.percentile(key, percent)
        lines.append(
            Line(
                f"{database}: push → commit at 10 a second, p{percent}",
                f"{reached * 1000:.1f} ms",
                f"of {len(figures)} messages",
                f"{reached / floor:.1f} × (wake + plain one)" if floor else "",
                f"< {target * 1000:.0f} ms" if target else "",
                reached < target if target else None,
            )
        )
    return lines


def _floor(results: Results, database: str) -> float | None:
    """Seconds that no import can undercut: a bare client's wake-up and one plain transaction.

    Two processes wrote plainly, so one transaction lasted twice the inverse of their rate.
    """
    one = f"{database} {plan.PLAIN_ONE}"
    if plan.WAKE not in results or one not in results:
        return None
    return results.median(plan.WAKE) + 2 / results.median(one)


def _idle(results: Results) -> list[Line]:
    lines = []
    if plan.IDLE in results:
        shares = results.medians(plan.IDLE)
        share = results.median(plan.IDLE)
        lines.append(
            Line("idle worker on ten queues, CPU", f"{share:.2%}",
                 f"{min(shares):.2%} … {max(shares):.2%}", "of one core",
                 f"< {IDLE_TARGET:.0%}", share < IDLE_TARGET)
        )  # fmt: skip
        median, rounds = results.median(plan.PICK_UP), results.medians(plan.PICK_UP)
        ratio = statistics.median(
            figure / of for figure, of in zip(rounds, results.medians(plan.WAKE), strict=True)
        )
        lines.append(
            Line("idle worker on ten queues, push → task", f"{median * 1000:.1f} ms",
                 f"{min(rounds) * 1000:.1f} … {max(rounds) * 1000:.1f}",
                 f"{ratio:.1f} × a bare BLPOP ({results.median(plan.WAKE) * 1000:.2f} ms)",
                 f"< {PICK_UP_TARGET * 1000:.0f} ms", median < PICK_UP_TARGET)
        )  # fmt: skip
    if plan.RECOVERY in results:
        seconds = results.median(plan.RECOVERY)
        lines.append(
            Line("kill -9 under load → all committed by another", f"{seconds:.1f} s", "once",
                 "of a lease of 60 s", "< 60 s", seconds < 60)
        )  # fmt: skip
    return lines


def _movers(results: Results, size: int) -> list[Line]:
    copied, moved, original = (
        f"{kind} {size}" for kind in (plan.COPIED, plan.MOVED, plan.ORIGINAL)
    )
    if moved not in results:
        return []
    batches = f"PgQ, batches of {size:,}"
    lines = [_rate(results, copied, f"{batches}: COPY alone", LIMIT)]
    if original in results:
        ratio = f"{_times(results, original, copied)} COPY"
        lines.append(_rate(results, original, f"{batches}: python3-pgq SerialConsumer", ratio))
    ratios = f"{_times(results, moved, copied)} COPY, {_times(results, moved, original)} original"
    if size != LARGE:
        return [*lines, _rate(results, moved, f"{batches}: mover", ratios)]
    met = (results.ratio(moved, copied) or 0) >= COPIED_TARGET
    target = f"≥ {COPIED_TARGET} × COPY"
    if original in results:
        met = met and (results.ratio(moved, original) or 0) >= ORIGINAL_TARGET
        target += f", ≥ {ORIGINAL_TARGET:.0f} × original"
    return [*lines, _rate(results, moved, f"{batches}: mover", ratios, target, met)]


def _moved_latency(results: Results) -> list[Line]:
    if plan.PGQ_LATENCY not in results:
        return []
    lines = []
    for percent, target in ((50, MOVED_TARGET), (95, None)):
        reached = results.percentile(plan.PGQ_LATENCY, percent)
        lines.append(
            Line(
                f"PgQ: insert → commit on the target at 10 a second, p{percent}",
                f"{reached * 1000:.0f} ms",
                f"of {len(results.figures(plan.PGQ_LATENCY))} events",
                f"ticker each {TICKER_PERIOD} s, loop_delay {LOOP_DELAY} s",
                f"≤ {target * 1000:.0f} ms" if target else "",
                reached <= target if target else None,
            )
        )
    return lines


def _rate(
    results: Results, key: str, name: str, ratios: str, target: str = "", met: bool | None = None
) -> Line:
    rounds = results.medians(key)
    spread = f"{min(rounds):,.0f} … {max(rounds):,.0f}"
    return Line(name, f"{results.median(key):,.0f}/s", spread, ratios, target, met)


def _times(results: Results, key: str, limit: str) -> str:
    ratio = results.ratio(key, limit) if limit in results else None
    return "–" if ratio is None else f"{ratio:.2f} ×"
