"""``python -m benchmarks``: measure and print the table. Takes a quarter of an hour."""

import argparse
import os
import platform
import signal
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks import plan, report
from benchmarks.movers import has_original
from benchmarks.results import Results
from benchmarks.stand import FILLING, Stand

WIDTH = 150


def main() -> None:
    """The command."""
    options = _options()
    # What was started must be ended, also when this is asked to end.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(width=None if Console().is_terminal else WIDTH)
    console.print(_machine())
    results = Results()
    with Stand(options.filling) as stand, _progress(console) as progress:
        task = progress.add_task("preparing", total=None)
        for database in stand.databases:
            if set(options.only) != {plan.MOVER}:
                stand.prepare(database)
            console.print(f"{database.name} {database.version()}")
        if plan.MOVER in options.only and not has_original():
            console.print("the original's way is left out: python3-pgq is not installed")
        steps = [s for s in plan.steps(stand, options.messages) if s.kind in options.only]
        rounds = [
            [s for s in steps if not number or not s.once] for number in range(options.rounds)
        ]
        progress.update(task, total=sum(map(len, rounds)))
        for number, variants in enumerate(rounds):
            console.print(f"round {number + 1}, load average {_load()}, {time.strftime('%H:%M')}")
            # Each round begins with another variant, so that none is always the first.
            turn = number % len(variants) if variants else 0
            for step in variants[turn:] + variants[:turn]:
                progress.update(task, description=step.name)
                step.measure(results)
                progress.advance(task)
        names = [(database.name, database.driver.name) for database in stand.databases]
    console.print(report.table(results, names))
    console.print(f"load average at the end {_load()}; the workers' log: {stand.log}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds of all variants (5)")
    parser.add_argument(
        "--messages", type=int, default=300, help="of one throughput, one a delivery (300)"
    )
    parser.add_argument(
        "--only", nargs="+", choices=plan.KINDS, default=plan.KINDS, help="kinds of measures (all)"
    )
    parser.add_argument(
        "--filling", type=int, default=FILLING, help=f"donations there before ({FILLING})"
    )
    return parser.parse_args()


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeElapsedColumn(), console=console, transient=True)


def _machine() -> str:
    return (
        f"{os.cpu_count()} cores, {_processor()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, load average {_load()}"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.machine())


def _load() -> str:
    return " ".join(f"{load:.1f}" for load in os.getloadavg())


if __name__ == "__main__":
    main()
