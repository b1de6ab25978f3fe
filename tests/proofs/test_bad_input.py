"""Malformed donations for a real worker: each is kept with the field at fault, none is imported.

    pytest -m proof tests/proofs/test_bad_input.py -s

BAD_MESSAGES_A_KIND (12, in CI 6) says how many of every kind; -s shows a table of what became of
each kind.
"""

# ruff: noqa: T201  the table
from collections import defaultdict
from collections.abc import Iterable

import pytest

from queues.models import DamagedMessage
from tests.proofs import books
from tests.proofs.faults import Fault, faults
from tests.workers import Stand

pytestmark = [pytest.mark.proof, pytest.mark.timeout(600)]


def judge(fault: Fault, rows: list[DamagedMessage]) -> str:
    """What is wrong with how a malformed message was kept; empty if nothing is."""
    if len(rows) != 1:
        return f"{len(rows)} rows"
    row = rows[0]
    if row.status != DamagedMessage.Status.DAMAGED:
        return f"status {row.status}"
    if row.field != fault.spoilt.field:
        return f"{row.code} names the field {row.field!r}, not {fault.spoilt.field!r}: {row.error}"
    if row.code in ("UNEXPECTED", "DATABASE_ERROR", "CONSTRAINT", "WORKER_LOST", "REJECTED"):
        return f"{row.code}: no rule refused it: {row.error}"
    if not row.error:
        return "the error says nothing"
    return ""


def table(pairs: Iterable[tuple[Fault, list[DamagedMessage]]]) -> str:
    """A line a kind: how many, codes, fields, and one of the errors."""
    kinds: dict[str, list[DamagedMessage]] = defaultdict(list)
    for fault, rows in pairs:
        kinds[fault.kind] += rows
    lines = [f"{'kind':37} {'':>4}  {'codes':31} fields; an error"]
    for kind, rows in kinds.items():
        codes = ", ".join(sorted({row.code for row in rows}))
        fields = sorted({row.field or "-" for row in rows})
        named = ", ".join(fields[:3]) + (f" and {len(fields) - 3} more" if len(fields) > 3 else "")
        error = rows[0].error[:90] if rows else "-"
        lines.append(f"{kind:37} {len(rows):4}  {codes:31} {named}; {error}")
    return "\n".join(lines)


def test_every_malformed_donation_is_kept_with_its_field_and_none_is_imported(
    stand: Stand,
) -> None:
    bad = faults(books.size("BAD_MESSAGES_A_KIND", whole=12, short=6))
    assert len(bad) >= 200
    good = []
    with stand.worker() as worker:
        processes = {worker.pid} | worker.children()
        for number, fault in enumerate(bad):
            stand.redis.rpush(books.QUEUE, fault.spoilt.body)
            if number % 5 == 0:
                good.append(books.donation())
                stand.redis.rpush(books.QUEUE, books.wire(good[-1]))
        books.wait_until_settled(stand, 300)
        assert {worker.pid} | worker.children() == processes
        log = worker.log()
        assert worker.stop() == 0

    rows: dict[bytes, list[DamagedMessage]] = defaultdict(list)
    for row in DamagedMessage.objects.all():
        rows[row.body].append(row)
    kept = [(fault, rows[fault.spoilt.kept]) for fault in bad]
    print(f"\n{len(bad)} malformed and {len(good)} good donations\n{table(kept)}")

    wrong = [
        f"{fault.kind}: {verdict}: {fault.spoilt.body[:80]!r}"
        for fault, found in kept
        if (verdict := judge(fault, found))
    ]
    assert not wrong, f"{len(wrong)} of {len(bad)}:\n" + "\n".join(wrong)
    assert books.read(good) == books.kept(good)._replace(damaged=len(bad))
    assert stand.lists() == stand.held() == {}
    # No log line, error or trace has personal data or card data.
    said = log + "".join(row.error + row.trace for found in rows.values() for row in found)
    for fault in bad:
        assert fault.donation["email"] not in said
        assert fault.donation["last_name"] not in said
        assert fault.spoilt.secret is None or fault.spoilt.secret.text not in said
