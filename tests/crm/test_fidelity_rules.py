"""200 recorded messages against what the system that this one replaces made of each.

``fixtures/donations.jsonl`` are message bodies as a PHP front end pushed them;
``fixtures/donations.expected.jsonl`` is, line by line, the old importer's result. It had
processors for most gateways only, and was read after the other messages of the same
payments had been imported too. Its rates are those of the static table.
"""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

from fundraising.crm.currencies.rates import Rates
from fundraising.crm.donation import Donation, normalise
from fundraising.crm.messages import DonationMessage
from queues.messages import validate
from queues.wire import parse

FIXTURES = Path(__file__).parent / "fixtures"
Value = str | Decimal | None


@dataclass(frozen=True)
class Difference:
    """A field that the old importer holds otherwise, for which orders, and why."""

    field: str
    reason: str
    orders: str


# Every difference there is: one more or one less is a failure.
DIFFERENCES = (
    Difference(
        "first_name",
        "mended: characters beyond the Basic Multilingual Plane are kept, where the old "
        "database wrote a question mark",
        """200000004.3 200000012.1 200000022.1 200000068.1 200000081.1 200000094.1
        200000116.4 200000140.1 200000149.1 200000152.1 200000169.3 200000193.3""",
    ),
    Difference(
        "invoice_id",
        "mended: an instalment's suffix is the time of its payment, not of its import, so that "
        "a message has the same invoice_id at every attempt",
        """200000008.1 200000064.1 200000071.1 200000096.1 200000097.1 200000103.2
        200000154.2 200000186.1""",
    ),
    Difference(
        "email",
        "later update: another message changed the contact's address before the result was read",
        """200000001.1 200000021.1 200000030.1 200000035.1 200000056.1 200000057.1 200000060.1
        200000065.3 200000074.1 200000083.1 200000108.1 200000116.4 200000137.1 200000146.1
        200000153.1 200000155.1 200000163.1 200000165.1 200000193.3""",
    ),
    Difference(
        "verdict",
        "configuration: the old installation had no such processor, or lacked the profile of a "
        "PayPal instalment, for which the import (not these rules) waits",
        "200000072.1 200000114.4 200000142.1 200000156.1",
    ),
)


@cache
def _pairs() -> list[tuple[Donation, dict[str, str | None] | None]]:
    bodies = (FIXTURES / "donations.jsonl").read_bytes().splitlines()
    lines = (FIXTURES / "donations.expected.jsonl").read_text("utf-8").splitlines()
    results = [json.loads(line) for line in lines]
    pairs = []
    for body, result in zip(bodies, results, strict=True):
        donation = normalise(validate(DonationMessage, parse(body, 100_000)), Rates())
        assert donation.order_id == result["order_id"]
        pairs.append((donation, result.get("contribution")))
    return pairs


def _ours(donation: Donation) -> dict[str, Value]:
    """The donation in the fields of the old importer's result."""
    gateway, address, source = donation.gateway_fields, donation.address, donation.provenance
    assert source.enqueued_time is not None
    return {
        "total_amount": donation.usd.gross,
        "fee_amount": donation.usd.fee,
        "net_amount": donation.usd.net,
        "currency": donation.usd.currency,
        "original_amount": donation.original.gross,
        "original_currency": donation.original.currency,
        "source": donation.source,
        "trxn_id": donation.trxn_id,
        "invoice_id": donation.invoice_id,
        "receive_date": _shown(donation.received),
        "financial_type": donation.financial_type,
        "payment_instrument": donation.payment_instrument,
        "gateway": donation.gateway,
        "gateway_txn_id": donation.gateway_txn_id,
        "gateway_account": gateway.gateway_account,
        "backend_processor": gateway.backend_processor or None,
        "backend_processor_txn_id": gateway.backend_processor_txn_id or None,
        "payment_orchestrator_reconciliation_id": (
            gateway.payment_orchestrator_reconciliation_id or None
        ),
        "source_name": source.name,
        "source_type": source.type,
        "source_host": source.host,
        "source_run_id": source.run_id,
        "source_enqueued_time": _shown(source.enqueued_time),
        "first_name": donation.names.first_name,
        "last_name": donation.names.last_name,
        "email": donation.email,
        "street_address": address.street_address,
        "city": address.city,
        "postal_code": address.postal_code,
        "country": address.country,
        "state": address.state,
        "preferred_language": donation.preferred_language,
    }


def _shown(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _theirs(field: str, text: str | None) -> Value:
    return Decimal(text) if text is not None and field.endswith("_amount") else text


def test_every_difference_is_known_and_every_known_one_is_there() -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for donation, result in _pairs():
        if result is None:
            found["verdict"].add(donation.order_id)
            continue
        for field, value in _ours(donation).items():
            if value != _theirs(field, result[field]):
                found[field].add(donation.order_id)
    assert found == {item.field: set(item.orders.split()) for item in DIFFERENCES}


def test_all_fields_of_all_imported_lines_are_compared() -> None:
    results = [result for _, result in _pairs() if result is not None]
    assert (len(_pairs()), len(results)) == (200, 196)
    compared = set(_ours(_pairs()[0][0]))
    not_of_the_message = {
        "contribution_id",
        "contact_id",
        "contribution_recur_id",
        "display_name",
        "is_opt_out",
    }
    assert set(results[0]) - compared == not_of_the_message


def test_the_names_and_invoices_that_differ_differ_only_as_said() -> None:
    for donation, result in _pairs():
        if result is None:
            continue
        lossy = "".join(c if ord(c) < 0x10000 else "?" for c in donation.names.first_name)
        assert lossy == result["first_name"]
        theirs = (result["invoice_id"] or "").partition("|recur-")[:2]
        assert donation.invoice_id.partition("|recur-")[:2] == theirs


def test_what_the_old_installation_refused_is_a_donation_here() -> None:
    for donation, result in _pairs():
        if result is None:
            assert donation.usd.net > 0
            assert donation.subscription is not None
