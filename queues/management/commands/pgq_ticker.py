"""``manage.py pgq_ticker``: what pgqd does, for databases that have none."""

import signal
from argparse import RawDescriptionHelpFormatter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from threading import Event

from django.core.management.base import BaseCommand, CommandError, CommandParser

from queues.mover.interface import Away
from queues.mover.ticker import Ticker

EXAMPLES = """
examples:
  manage.py pgq_ticker service=shop
  manage.py pgq_ticker --period 0.1 'host=db1 dbname=shop' 'host=db2 dbname=shop'
  manage.py pgq_ticker --once service=shop      (from cron, where a minute's delay will do)

Passwords belong in ~/.pgpass or a service file: a command line is read by everyone. How soon an
event can be moved, the queue decides, too: see its ticker_max_lag (3 s unless set otherwise).
Never run it beside pgqd on the same database.
"""


class Command(BaseCommand):
    """Ticks, retries and maintains PgQ in each database until it is stopped."""

    help = (
        "Keep PgQ going in databases without pgqd: ticks, events to retry, rotation, vacuum.\n"
        "Each database has one ticker: a second one waits until the first is gone, and with\n"
        "--once it says so and fails. TERM and INT end it. Roles must be in pgq_admin."
    )
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        """Which databases, and how often."""
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument(
            "databases", nargs="+", metavar="DSN", help="a connection string or URL of PostgreSQL"
        )
        parser.add_argument(
            "--once", action="store_true", help="do all that is due once in each, and end"
        )
        parser.add_argument(
            "--period",
            type=float,
            default=0.5,
            metavar="SECONDS",
            help="how often queues are asked whether a tick is due (0.5)",
        )

    def handle(
        self, *_args: object, databases: list[str], once: bool, period: float, **_: object
    ) -> None:
        """Once, or until a signal comes."""
        try:
            tickers = [Ticker(dsn, period) for dsn in databases]
        except ValueError as error:
            raise CommandError(str(error)) from None
        if once:
            self._once(tickers)
        else:
            _run(tickers)

    def _once(self, tickers: list[Ticker]) -> None:
        failures = []
        for ticker in tickers:
            try:
                ticks, retried = ticker.once()
            except Away as error:
                failures.append(str(error))
            else:
                self.stdout.write(f"{ticker.place}: {ticks} ticks, {retried} events to try again")
            finally:
                ticker.close()
        if failures:
            raise CommandError("\n".join(failures))


def _run(tickers: list[Ticker]) -> None:
    """A thread each; what is no outage in one of them ends all."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ThreadPoolExecutor(len(tickers)) as pool:
        runs = [pool.submit(ticker.run, stop) for ticker in tickers]
        wait(runs, return_when=FIRST_EXCEPTION)
        stop.set()
    for run in runs:
        run.result()
