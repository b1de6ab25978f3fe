"""The demo's accounting sees what is missing, twice or out of place; and the demo itself."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from fundraising.crm.models import Contact, Contribution
from fundraising.demo.accounting import Account, Fate, account
from fundraising.demo.messages import waves
from fundraising.demo.samples import DONATIONS, REUSED, Sample
from queues.models import DamagedMessage, InboxMark

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def sample(number: int = 1, damage: str = "", **fields: object) -> Sample:
    """A donation, pushed as PHP does."""
    value = {"gateway": "adyen", "gateway_txn_id": f"A{number}", "order_id": f"{number}.1"}
    body = json.dumps(value | fields).encode()
    payment = ("adyen", f"A{number}")
    return Sample("donation", DONATIONS, raw=body, payment=payment, damage=damage)


def mark(one: Sample) -> None:
    InboxMark.objects.create(queue=one.queue, key=one.key, digest="d")


def contribution(one: Sample, number: int = 1, **fields: object) -> Contribution:
    contact, _ = Contact.objects.get_or_create(first_name="A", last_name="B")
    return Contribution.objects.create(
        contact=contact,
        total_amount=Decimal(1),
        net_amount=Decimal(1),
        original_currency="USD",
        original_amount=Decimal(1),
        receive_date=NOW,
        financial_type="Cash",
        gateway="adyen",
        message_id=one.key,
        **{"gateway_txn_id": f"A{number}", "order_id": f"{number}.1"} | fields,
    )


def damaged(one: Sample, status: str = "damaged", code: str = "INVALID_MESSAGE") -> None:
    DamagedMessage.objects.create(
        status=status,
        original_queue=one.queue,
        original_date=NOW,
        message_id=one.key,
        code=code,
        error="is wrong",
        fingerprint="f",
        message=one.raw,
    )


def fates(result: Account) -> dict[Fate, int]:
    return {fate: result.total(fate) for fate in Fate if result.total(fate)}


@pytest.mark.django_db
class TestAccount:
    def test_an_imported_donation(self) -> None:
        one = sample()
        mark(one)
        contribution(one)
        result = account([one])
        assert fates(result) == {Fate.IMPORTED: 1}
        assert result.is_balanced

    def test_a_donation_that_is_nowhere(self) -> None:
        result = account([sample()])
        assert fates(result) == {Fate.MISSING: 1}
        assert not result.is_balanced

    def test_a_mark_without_an_effect(self) -> None:
        one = sample()
        mark(one)
        assert fates(account([one])) == {Fate.MISSING: 1}

    def test_an_effect_without_a_mark(self) -> None:
        one = sample()
        contribution(one)
        assert fates(account([one])) == {Fate.MISSING: 1}

    def test_a_donation_that_is_imported_twice(self) -> None:
        one = sample()
        mark(one)
        contribution(one)
        contribution(one, is_payment=False)
        result = account([one])
        assert [line.twice for line in result.lines] == [1]
        assert not result.is_balanced

    def test_a_payment_that_two_messages_brought_in(self) -> None:
        first, second = sample(), sample(again=True)
        for one in (first, second):
            mark(one)
            contribution(one, is_payment=False)
        assert not account([first, second]).is_balanced

    def test_the_same_payment_in_another_message_is_a_duplicate(self) -> None:
        first, second = sample(), sample(again=True)
        mark(first)
        mark(second)
        contribution(first)
        result = account([first, second])
        assert fates(result) == {Fate.IMPORTED: 1, Fate.DUPLICATE: 1}
        assert result.is_balanced

    def test_the_same_bytes_again_are_a_duplicate(self) -> None:
        one = sample()
        mark(one)
        contribution(one)
        result = account([one, one])
        assert fates(result) == {Fate.IMPORTED: 1, Fate.DUPLICATE: 1}
        assert result.is_balanced

    def test_a_parked_donation_is_not_at_its_end(self) -> None:
        one = sample()
        damaged(one, "waiting", "MISSING_PREDECESSOR")
        result = account([one])
        assert fates(result) == {Fate.PARKED: 1}
        assert result.ended == 0
        assert not result.is_balanced

    def test_a_parked_donation_that_was_imported_later(self) -> None:
        one = sample()
        damaged(one, "resent", "MISSING_PREDECESSOR")
        mark(one)
        contribution(one)
        result = account([one])
        assert fates(result) == {Fate.LATER: 1}
        assert result.is_balanced

    def test_a_bad_message_where_it_belongs(self) -> None:
        one = sample(damage="INVALID_MESSAGE")
        damaged(one)
        result = account([one])
        assert fates(result) == {Fate.DAMAGED: 1}
        assert result.is_balanced

    @pytest.mark.parametrize("expected", ["", "CARD_DATA"])
    def test_a_message_that_is_damaged_for_another_reason_or_none(self, expected: str) -> None:
        one = sample(damage=expected)
        damaged(one)
        assert not account([one]).is_balanced

    def test_a_bad_message_that_was_imported(self) -> None:
        one = sample(damage="INVALID_MESSAGE")
        mark(one)
        contribution(one)
        assert not account([one]).is_balanced

    def test_a_message_that_is_damaged_and_imported(self) -> None:
        one = sample(damage="INVALID_MESSAGE")
        mark(one)
        contribution(one)
        damaged(one)
        assert [line.twice for line in account([one]).lines] == [1]

    def test_an_id_used_twice_is_two_messages(self) -> None:
        first = sample(1, message_id="m")
        second = sample(2, damage=REUSED, message_id="m")
        mark(first)
        contribution(first)
        damaged(second, code=REUSED)
        result = account([first, second])
        assert fates(result) == {Fate.IMPORTED: 1, Fate.DAMAGED: 1}
        assert result.is_balanced

    def test_a_contribution_that_nobody_told_of(self) -> None:
        contribution(sample(2), 2)
        result = account([])
        assert result.faults == ["1 contributions of payments that nobody told of"]


def test_the_samples_are_of_every_kind_and_of_nobody() -> None:
    samples = [one for wave in waves() for one in wave]
    codes = {one.damage for one in samples}
    assert codes >= {"CIVI_REQ_FIELD", "INVALID_MESSAGE", "INVALID_JSON", "CARD_DATA", REUSED}
    assert len(samples) > 300
    assert any(one.fields is not None for one in samples)
    bodies = [one.raw or repr(one.fields).encode() for one in samples]
    assert sum(body.count(b"@") for body in bodies) > 300
    assert all(body.count(b"@") == body.count(b"@example.org") for body in bodies)


def test_each_sample_is_one_message_unless_it_says_so() -> None:
    samples = [one for wave in waves() for one in wave]
    keys = [
        one.key for one in samples if one.kind not in ("the same bytes again", "an id used twice")
    ]
    assert len(set(keys)) == len(keys)


@pytest.mark.proof
@pytest.mark.timeout(240)
def test_the_demo_balances() -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "demo"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 missing, 0 twice" in done.stdout
    assert done.stdout.count("kill -9 of the worker with") == 3
