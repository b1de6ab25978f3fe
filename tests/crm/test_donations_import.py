"""The import of donations, one group at a time, in a real database."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fundraising.crm.models import Activity, Contact, Contribution, ExchangeRate
from fundraising.pending.models import PendingTransaction
from fundraising.tracking.models import ContributionTracking
from queues.models import OutboxMessage
from queues.outcomes import Outcome
from tests.crm.imports import (
    DATE,
    contribution,
    donation,
    import_group,
    import_one,
    verdicts,
)

pytestmark = pytest.mark.django_db

WHEN = datetime.fromtimestamp(DATE, UTC)


def tracking() -> list[dict[str, Any]]:
    """What is on its way to contribution tracking, without the envelope."""
    rows = OutboxMessage.objects.filter(queue="contribution-tracking").order_by("pk")
    messages = [json.loads(bytes(row.body)) for row in rows]
    return [
        {key: value for key, value in message.items() if not key.startswith(("source_", "message"))}
        for message in messages
    ]


def pending(payment: dict[str, Any], **fields: Any) -> PendingTransaction:
    """A pending row of the payment's order."""
    values = {"date": WHEN, "message": {}, "order_id": payment["order_id"], **fields}
    return PendingTransaction.objects.create(gateway=payment["gateway"], **values)


# The whole of one


def test_a_donation_becomes_a_contribution_of_a_contact() -> None:
    message = donation(
        gross="12.50",
        fee="0.50",
        backend_processor="adyen",
        utm_campaign="C1",
        gateway_account="WikimediaDonations",
        source_name="SmashPig",
    )
    item = import_one(message)
    row = contribution(message)
    assert (row.total_amount, row.fee_amount, row.net_amount) == (
        Decimal("12.50"),
        Decimal("0.50"),
        Decimal("12.00"),
    )
    assert (row.source, row.currency, row.receive_date) == ("USD 12.50", "USD", WHEN)
    assert row.trxn_id == f"ADYEN {message['gateway_txn_id']}"
    assert (row.invoice_id, row.order_id) == (message["order_id"], message["order_id"])
    assert (row.payment_instrument, row.financial_type) == ("Credit Card: Visa", "Cash")
    assert (row.contribution_status, row.gift_appeal) == ("Completed", "C1")
    assert (row.gateway_account, row.source_name) == ("WikimediaDonations", "SmashPig")
    assert row.message_id == item.key
    assert row.contact.emails.get().email == message["email"]
    assert row.contact.addresses.get().country == "US"


def test_the_visit_learns_of_its_contribution() -> None:
    message = donation()
    import_one(message)
    link = {
        "id": int(message["contribution_tracking_id"]),
        "contribution_id": contribution(message).pk,
        "contribution_date": DATE,
    }
    assert tracking() == [link]


def test_pending_rows_of_the_order_and_of_the_payment_are_resolved() -> None:
    message, other = donation(), donation()
    pending(message)
    pending(message, order_id="", gateway_txn_id=message["gateway_txn_id"])
    pending(other)
    import_one(message)
    unresolved = PendingTransaction.objects.filter(is_resolved=False)
    assert [row.order_id for row in unresolved] == [other["order_id"]]


def test_texts_longer_than_their_columns_are_cut_and_the_gift_is_kept() -> None:
    message = donation(
        street_address="12 " + "e" * 500, utm_campaign="c" * 500, utm_medium="m" * 500
    )
    assert verdicts([import_one(message)]) == [""]
    assert contribution(message).gift_appeal == "c" * 255


# Duplicates


def test_the_same_payment_again_is_dropped() -> None:
    message = donation()
    import_one(message)
    again = import_one({**message, "gross": "99.00", "order_id": "other.1"})
    assert again.verdict is not None
    assert (again.verdict.outcome, again.verdict.code) == (Outcome.DROP, "DUPLICATE_CONTRIBUTION")
    assert Contribution.objects.get().total_amount == Decimal("12.00")


def test_the_same_payment_twice_in_a_group_is_imported_once() -> None:
    message = donation()
    items = import_group(message, donation(), {**message, "comment": "again"})
    assert verdicts(items) == ["", "", "DUPLICATE_CONTRIBUTION"]
    assert Contribution.objects.count() == 2


def test_the_same_id_at_another_gateway_is_another_payment() -> None:
    message = donation()
    other = {**message, "gateway": "dlocal", "order_id": "1.2"}
    assert verdicts(import_group(message, other)) == ["", ""]


def test_a_payment_is_known_whether_or_not_it_is_recurring() -> None:
    message = donation()
    import_one(message)
    again = import_one({**message, "recurring": "1", "recurring_payment_token": "T1"})
    assert verdicts([again]) == ["DUPLICATE_CONTRIBUTION"]


def test_a_reversal_of_a_refund_is_not_a_duplicate_of_its_payment() -> None:
    message = donation()
    reversal = {**message, "type": "refund_reversed", "order_id": ""}
    assert verdicts(import_group(message, reversal)) == ["", ""]
    again = import_one({**reversal, "comment": "again"})
    assert verdicts([again]) == ["DUPLICATE_CONTRIBUTION"]
    rows = Contribution.objects.order_by("pk").values_list("is_payment", "contribution_status")
    assert list(rows) == [(True, "Completed"), (False, "refund_reversal")]


@pytest.mark.parametrize("in_one_group", [True, False])
def test_a_second_payment_of_one_order_gets_an_invoice_id_of_its_own(in_one_group: bool) -> None:
    messages = [donation(order_id="5.1") for _ in range(3)]
    if in_one_group:
        items = import_group(*messages)
    else:
        items = [import_one(message) for message in messages]
    assert verdicts(items) == ["", "", ""]
    assert [contribution(message).invoice_id for message in messages] == [
        "5.1",
        f"5.1|dup-{DATE}",
        f"5.1|dup-{DATE + 1}",
    ]


def test_donations_without_an_order_do_not_collide() -> None:
    messages = [donation(order_id="") for _ in range(2)]
    assert verdicts(import_group(*messages)) == ["", ""]
    assert [contribution(message).invoice_id for message in messages] == [None, None]


# Sparse messages


def test_a_sparse_message_is_filled_up_from_its_pending_row() -> None:
    full = donation(gateway="dlocal", first_name="Mickey", city="São Paulo", country="BR")
    sparse = {
        "completion_message_id": f"dlocal-{full['order_id']}",
        "gateway": "dlocal",
        "gateway_txn_id": "44559911",
        "order_id": full["order_id"],
        "gross": "20.00",
        "currency": "USD",
        "city": "",
        "date": DATE,
    }
    del full["gateway_txn_id"]
    row = pending(full, message=full)
    assert verdicts([import_one(sparse)]) == [""]
    imported = contribution(sparse)
    assert (imported.total_amount, imported.payment_instrument) == (
        Decimal("20.00"),
        "Credit Card: Visa",
    )
    assert imported.contact.first_name == "Mickey"
    assert imported.contact.addresses.get().city == ""  # the message wins, even when blank
    row.refresh_from_db()
    assert row.is_resolved


def test_a_resolved_pending_row_still_fills_up() -> None:
    full = donation()
    pending(full, message=full, is_resolved=True)
    sparse = {key: full[key] for key in ("gateway", "gateway_txn_id", "order_id")}
    assert verdicts([import_one({**sparse, "completion_message_id": "x"})]) == [""]


def test_a_sparse_message_before_its_pending_row_waits() -> None:
    item = import_group(donation(), donation(completion_message_id="x"))[1]
    assert item.verdict is not None
    assert (item.verdict.outcome, item.verdict.code) == (Outcome.PARK, "MISSING_PREDECESSOR")
    assert Contribution.objects.count() == 1


# One bad message


def test_a_message_that_cannot_be_imported_takes_no_other_along() -> None:
    bad = [donation(gross="0"), donation(currency="XXQ"), donation(gateway_txn_id="")]
    items = import_group(donation(), *bad, donation())
    assert verdicts(items) == ["", "CIVI_REQ_FIELD", "INVALID_MESSAGE", "CIVI_REQ_FIELD", ""]
    assert (Contribution.objects.count(), Contact.objects.count()) == (2, 2)


def test_a_group_of_only_bad_messages_writes_nothing() -> None:
    import_group(donation(gross="0"))
    assert (Contribution.objects.count(), Contact.objects.count(), tracking()) == (0, 0, [])


# Tracking ids


def test_a_donation_without_a_tracking_id_gets_one(frqueue: redis.Redis) -> None:
    frqueue.set("sequence_contribution-tracking", 900)
    message = donation(contribution_tracking_id="", utm_source="", utm_medium="")
    import_one(message)
    row = contribution(message)
    assert row.contribution_tracking_id == 901
    (pushed,) = tracking()
    assert pushed == {
        "id": 901,
        "contribution_id": row.pk,
        "contribution_date": DATE,
        "utm_source": "..cc",
        "utm_medium": "civicrm",
        "tracking_date": f"{WHEN:%Y-%m-%d %H:%M:%S}",
        "country": "US",
    }


def test_a_cheque_without_utm_fields_is_not_tracked() -> None:
    message = donation(contribution_tracking_id="", payment_method="check", payment_submethod="")
    import_one(message)
    assert contribution(message).contribution_tracking_id is None
    assert tracking() == []


def test_a_new_donor_without_a_language_has_that_of_the_form() -> None:
    ContributionTracking.objects.create(pk=88, language="fr", country="CA")
    message = donation(language="", contribution_tracking_id="88")
    import_one(message)
    assert contribution(message).contact.preferred_language == "fr_CA"


# Rates


def test_the_banks_rate_before_the_donation_is_used() -> None:
    ExchangeRate.objects.create(
        currency="EUR", value_in_usd="1.5", bank_update=datetime(2026, 2, 28, tzinfo=UTC)
    )
    ExchangeRate.objects.create(
        currency="EUR", value_in_usd="3", bank_update=datetime(2026, 3, 2, tzinfo=UTC)
    )
    message = donation(currency="EUR", gross="10.00")
    import_one(message)
    row = contribution(message)
    assert (row.total_amount, row.original_amount, row.source) == (
        Decimal("15.00"),
        Decimal("10.00"),
        "EUR 10.00",
    )


# The cost of a group


@pytest.mark.parametrize("known", [False, True], ids=["new donors", "known donors"])
def test_a_group_of_a_hundred_costs_as_many_queries_as_one(known: bool) -> None:
    donors = [donation(street_address=f"{number} Elm Street") for number in range(101)]
    if known:
        import_group(*donors)
    gifts = [
        {**donor, "gateway_txn_id": f"G{at}", "order_id": f"{at}.9"}
        for at, donor in enumerate(donors)
    ]
    with CaptureQueriesContext(connection) as one:
        assert verdicts([import_one(gifts[0])]) == [""]
    with CaptureQueriesContext(connection) as hundred:
        assert verdicts(import_group(*gifts[1:])) == [""] * 100
    # SQLite takes 999 parameters a statement, so it inserts in parts: those count once.
    assert _kinds(hundred) == _kinds(one)
    assert len(one) <= 15


def _kinds(queries: CaptureQueriesContext) -> set[tuple[str, str]]:
    """Verb and first table of each statement."""
    found = set()
    for query in queries.captured_queries:
        words = query["sql"].replace('"', " ").replace(".", " ").split()
        table = next((word for word in words if "_" in word), "")
        found.add((words[0], table))
    return {(verb, table) for verb, table in found if verb not in ("SAVEPOINT", "RELEASE")}


# Activities


def test_a_contact_named_without_proof_is_noted_as_a_referral() -> None:
    friend = donation()
    import_one(friend)
    named = contribution(friend).contact
    message = donation(contact_id=str(named.pk), contact_hash="0" * 32)
    import_one(message)
    row = contribution(message)
    assert row.contact_id != named.pk
    activity = Activity.objects.get()
    assert (activity.activity_type, activity.contact_id, activity.source_contact_id) == (
        "Contact referral",
        row.contact_id,
        named.pk,
    )
