"""What the demo shows: its steps, how far it is, and the account at the end."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Self

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fundraising.demo.accounting import Account, Fate, Line


class Screen:
    """Steps as lines; on a terminal, progress bars below them."""

    def __init__(self, total: int) -> None:
        self.console = Console()
        self._progress = Progress(
            TextColumn("{task.description:<18}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._pushed = self._progress.add_task("pushed", total=total)
        self._ended = self._progress.add_task("accounted for", total=total)

    def step(self, text: str) -> None:
        """One more thing that happens."""
        self._progress.console.print(escape(text), highlight=False, soft_wrap=True)

    def show(self, pushed: int, ended: int) -> None:
        """How far it is."""
        self._progress.update(self._pushed, completed=pushed)
        self._progress.update(self._ended, completed=ended)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._progress.stop()


def conclude(console: Console, account: Account, left: Mapping[str, int], seconds: float) -> None:
    """The table of all kinds, and the verdict."""
    if not console.is_terminal:
        console.width = 120
    console.print(_table(account))
    console.print("Left: " + ", ".join(f"{what} {number}" for what, number in left.items()))
    for fault in account.faults:
        console.print(f"[bold red]{escape(fault)}")
    pushed = sum(line.pushed for line in account.lines)
    if account.is_balanced and not any(left.values()):
        words = f"{pushed} messages pushed, {account.ended} accounted for: 0 missing, 0 twice."
        console.print(f"[bold green]{words}[/] {seconds:.0f} s")
    else:
        console.print(f"[bold red]The account does not balance.[/] {seconds:.0f} s")


def _table(account: Account) -> Table:
    table = Table(
        title="What became of every message", title_justify="left", show_footer=True, box=SIMPLE
    )
    table.add_column("kind", "all")
    table.add_column("pushed", str(sum(line.pushed for line in account.lines)), justify="right")
    for fate in (Fate.IMPORTED, Fate.DUPLICATE, Fate.LATER):
        table.add_column(fate.value, _number(account.total(fate)), justify="right")
    table.add_column("damaged", _number(account.total(Fate.DAMAGED)))
    table.add_column("missing", _wrong(_missing(account.lines)), justify="right")
    table.add_column("twice", _wrong(sum(line.twice for line in account.lines)), justify="right")
    for line in account.lines:
        codes = ", ".join(f"{number} {code}" for code, number in line.codes.items())
        table.add_row(
            line.kind,
            str(line.pushed),
            *(_number(line.fates[fate]) for fate in (Fate.IMPORTED, Fate.DUPLICATE, Fate.LATER)),
            codes or _number(line.fates[Fate.DAMAGED]),
            _wrong(_missing([line])),
            _wrong(line.twice),
        )
    return table


def _missing(lines: Iterable[Line]) -> int:
    return sum(line.fates[Fate.MISSING] + line.fates[Fate.PARKED] for line in lines)


def _number(number: int) -> str:
    return str(number) if number else ""


def _wrong(number: int) -> str:
    return f"[bold red]{number}" if number else "0"
