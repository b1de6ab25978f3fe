import string
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from fundraising.crm import trxn_ids
from fundraising.crm.trxn_ids import InvalidTrxnId, TrxnId

IDS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=80)
GATEWAYS = st.text(string.ascii_lowercase + string.digits + "_", min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("message_type", "recurring", "text"),
    [
        ("", False, "ADYEN ABC"),
        ("donation", False, "ADYEN ABC"),
        ("", True, "RECURRING ADYEN ABC"),
        ("refund", False, "RFD ADYEN ABC"),
        ("chargeback", False, "RFD CHARGEBACK ADYEN ABC"),
        ("reversal", False, "RFD REVERSAL ADYEN ABC"),
        ("chargeback_reversed", False, "CHARGEBACK_REVERSAL ADYEN ABC"),
        ("refund_reversed", False, "REFUND_REVERSAL ADYEN ABC"),
        ("reversal_reversed", True, "REVERSAL_REVERSAL RECURRING ADYEN ABC"),
    ],
)
def test_a_payment_is_named_by_its_type(message_type: str, recurring: bool, text: str) -> None:
    found = trxn_ids.for_payment("adyen", "ABC", message_type=message_type, recurring=recurring)
    assert str(found) == text
    assert trxn_ids.parse(text) == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("ABC", TrxnId("", "ABC")),
        ("PAYPAL 12 1234567", TrxnId("paypal", "12", timestamp="1234567")),
        ("REFUND ADYEN X", TrxnId("adyen", "X", is_refund=True)),
        ("RFD REVERSAL ADYEN X", TrxnId("adyen", "X", is_refund=True, kind="REVERSAL")),
        ("ADJUSTMENT RECURRING ADYEN X", TrxnId("adyen", "X", recurring=True, adjustment=True)),
        ("RECURRING ADJUSTMENT ADYEN X", TrxnId("adyen", "X", recurring=True, adjustment=True)),
        ("ADYEN REVERSAL", TrxnId("adyen", "REVERSAL")),
    ],
)
def test_old_and_doubtful_forms_are_read(text: str, found: TrxnId) -> None:
    assert trxn_ids.parse(text) == found


@pytest.mark.parametrize(
    "text", ["", "RFD", "ADYEN A B", "ADYEN A 1 2", "RECURRING RECURRING A B", "A€ B", "REVERSAL"]
)
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidTrxnId):
        trxn_ids.parse(text)


@pytest.mark.parametrize(
    ("gateway", "gateway_txn_id", "fault"),
    [
        ("", "ABC", "gateway is missing"),
        ("adyen", "", "gateway_txn_id is missing"),
        ("adyen", "A B", "gateway_txn_id holds a space"),
        ("adyen", "A\xa0B", "gateway_txn_id holds a space"),
        ("recurring", "ABC", "gateway is not a gateway code"),
        ("a den", "ABC", "gateway is not a gateway code"),
        ("adyen", "x" * 255, "over 255"),
    ],
)
def test_parts_that_make_no_id_are_refused(gateway: str, gateway_txn_id: str, fault: str) -> None:
    with pytest.raises(InvalidTrxnId, match=fault):
        trxn_ids.for_payment(gateway, gateway_txn_id)


@given(
    gateway=GATEWAYS | st.just(""),
    gateway_txn_id=IDS,
    is_refund=st.booleans(),
    kind=st.sampled_from(["", *trxn_ids.KINDS]),
    recurring=st.booleans(),
    adjustment=st.booleans(),
    timestamp=st.just("") | st.integers(0, 10**10).map(str),
)
def test_printer_and_parser_agree(
    gateway: str,
    gateway_txn_id: str,
    is_refund: bool,
    kind: str,
    recurring: bool,
    adjustment: bool,
    timestamp: str,
) -> None:
    try:
        trxn_id = TrxnId(gateway, gateway_txn_id, is_refund, kind, recurring, adjustment, timestamp)
    except InvalidTrxnId:
        assume(False)
    assert trxn_ids.parse(str(trxn_id)) == trxn_id


@given(st.text(max_size=60))
def test_what_is_read_prints_to_what_is_read_again(text: str) -> None:
    try:
        found = trxn_ids.parse(text)
    except InvalidTrxnId:
        return
    assert trxn_ids.parse(str(found)) == found


def test_invoice_ids_of_instalments_and_duplicates() -> None:
    at = datetime(2026, 11, 20, 9, 46, 13, tzinfo=UTC)
    assert trxn_ids.recurring_invoice_id("12.1", at) == "12.1|recur-1795167973"
    once = trxn_ids.duplicate_invoice_id("12.1", at)
    assert once == "12.1|dup-1795167973"
    assert trxn_ids.duplicate_invoice_id(once, at) == once
