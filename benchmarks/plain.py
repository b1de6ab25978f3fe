"""The limit of the import: the same rows written by the bare driver.

Two processes, as the worker has two. A transaction holds what no import of donations can
leave out: is the message known (inbox, payment, donor), what is its currency worth, the
locks by which no other process imports the same donor, the pending row that it resolves;
then contact, e-mail address, postal address, contribution, a row of the outbox, written and
deleted, and the inbox mark. Nothing is parsed, judged or pushed.
"""

import multiprocessing
from collections.abc import Sequence
from functools import cache
from multiprocessing.sharedctypes import Synchronized
from multiprocessing.synchronize import Barrier
from typing import Any
from zlib import crc32

from benchmarks.donations import QUEUE
from benchmarks.drivers import Driver, Psycopg
from benchmarks.rows import Pattern, Row, Rows

PROCESSES = 2


def write_all(driver: Driver, pattern: Pattern, numbers: range, group: int) -> None:
    """Write the rows of these messages, ``group`` messages a transaction.

    Raises ``RuntimeError`` when one of the processes fails.
    """
    spawn = multiprocessing.get_context("spawn")
    start, taken = spawn.Barrier(PROCESSES), spawn.Value("q", 0)
    arguments = (driver, pattern, numbers, group, start, taken)
    processes = [spawn.Process(target=_process, args=arguments) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise RuntimeError(f"plain {driver.name}: a process failed")


def _process(
    driver: Driver,
    pattern: Pattern,
    numbers: range,
    group: int,
    start: Barrier,
    taken: "Synchronized[int]",
) -> None:
    """Write groups until none is left; the rows are made before the clock starts."""
    rows = [pattern.rows(number) for number in numbers]
    connection = driver.connect()
    try:
        start.wait(60)
        while True:
            with taken.get_lock():
                first = taken.value
                taken.value += group
            if first >= len(rows):
                return
            connection.execute(driver.begin)
            _write(driver, connection, rows[first : first + group])
            connection.execute("COMMIT")
    finally:
        connection.close()


def _write(driver: Driver, connection: Any, group: Sequence[Rows]) -> None:  # noqa: ANN401
    """What stands in one transaction."""
    _look_up(driver, connection, group)
    contacts = _insert(driver, connection, "crm_contact", [rows.contact for rows in group])
    for table, part in (
        ("crm_email", [rows.email for rows in group]),
        ("crm_address", [rows.address for rows in group]),
        ("crm_contribution", [rows.contribution for rows in group]),
    ):
        owned = [
            {**row, "contact_id": contact} for row, contact in zip(part, contacts, strict=True)
        ]
        _insert(driver, connection, table, owned)
    outbox = _insert(driver, connection, "queues_outboxmessage", [rows.outbox for rows in group])
    _insert(driver, connection, "queues_inboxmark", [rows.mark for rows in group])
    marks = _marks(driver, len(outbox))
    connection.execute(f"DELETE FROM queues_outboxmessage WHERE id IN ({marks})", outbox)  # noqa: S608


def _look_up(driver: Driver, connection: Any, group: Sequence[Rows]) -> None:  # noqa: ANN401
    queries = _queries(driver, len(group))
    contributions = [rows.contribution for rows in group]
    emails = [rows.email["email"] for rows in group]
    payments = [row["gateway_txn_id"] for row in contributions]
    orders = [row["order_id"] for row in contributions]
    trxn_ids = [row["trxn_id"] for row in contributions]
    invoices = [row["invoice_id"] for row in contributions]
    streets = [rows.address["street_address"].lower() for rows in group]
    connection.execute(queries["inbox"], (QUEUE, *(rows.mark["key"] for rows in group))).fetchall()
    currencies = [row["original_currency"] for row in contributions]
    latest = max(row["receive_date"] for row in contributions)
    connection.execute(queries["rates"], (*currencies, latest)).fetchall()
    if isinstance(driver, Psycopg):
        keys = sorted(crc32(name.encode()) for name in (*emails, *payments, *orders))
        connection.execute(queries["locks"], (keys,))
    connection.execute(queries["ledger"], (*payments, *trxn_ids, *invoices)).fetchall()
    connection.execute(queries["donors"], (*emails, *streets)).fetchall()
    connection.execute(queries["pending"], (*orders, *payments))


@cache
def _queries(driver: Driver, count: int) -> dict[str, str]:
    """The look-ups for so many messages."""
    one, marks = driver.placeholder, _marks(driver, count)
    return {
        "inbox": "SELECT key, digest FROM queues_inboxmark"  # noqa: S608 (no values in it)
        f" WHERE queue = {one} AND key IN ({marks})",
        "rates": "SELECT currency, value_in_usd, bank_update FROM crm_exchangerate"  # noqa: S608
        f" WHERE currency IN ({marks}) AND bank_update < {one}",
        "locks": "SELECT pg_advisory_xact_lock(key) FROM unnest(%s::bigint[]) key",
        "ledger": "SELECT gateway, gateway_txn_id, trxn_id, invoice_id FROM crm_contribution"  # noqa: S608
        f" WHERE gateway_txn_id IN ({marks}) OR trxn_id IN ({marks}) OR invoice_id IN ({marks})",
        "donors": "SELECT * FROM crm_contact WHERE id IN"  # noqa: S608
        f" (SELECT contact_id FROM crm_email WHERE email IN ({marks}) UNION"
        " SELECT contact_id FROM crm_address WHERE is_primary"
        f" AND lower(street_address) IN ({marks})) ORDER BY id{driver.for_update}",
        "pending": "UPDATE pending_pendingtransaction SET is_resolved = true"  # noqa: S608
        f" WHERE NOT is_resolved AND (order_id IN ({marks}) OR gateway_txn_id IN ({marks}))",
    }


def _insert(driver: Driver, connection: Any, table: str, rows: Sequence[Row]) -> list[int]:  # noqa: ANN401
    return driver.insert(connection, _statement(driver, table, tuple(rows[0])), rows)


@cache
def _statement(driver: Driver, table: str, columns: tuple[str, ...]) -> str:
    marks = _marks(driver, len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks}) RETURNING id"  # noqa: S608


def _marks(driver: Driver, count: int) -> str:
    return ", ".join([driver.placeholder] * count)
