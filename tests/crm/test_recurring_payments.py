"""Payments of subscriptions, passed on to the import of donations."""

from decimal import Decimal

import pytest

from fundraising.crm.models import (
    Activity,
    Address,
    Contact,
    Contribution,
    Email,
    RecurringContribution,
)
from tests.crm.imports import DATE, contribution, donation, import_one, verdicts
from tests.crm.subscriptions import (
    ADDRESS,
    DAY,
    WAITS,
    day,
    payment,
    pushed,
    record,
    refused,
    relay,
    rescued_record,
    signup,
    tell,
    verdict,
)

pytestmark = pytest.mark.django_db

Status = RecurringContribution.Status


def test_a_payment_is_passed_on_as_it_came_and_told_whose_it_is() -> None:
    tell(signup(**ADDRESS))
    message = payment(gross="1,234.50", fee=0.25, message_id="p-1", source_name="SmashPig")
    assert verdict(message) == ("done", "")
    (body,) = pushed("donations")
    assert (body["gross"], body["currency"], body["fee"]) == ("1,234.50", "CZK", "0.25")
    assert (body["message_id"], body["origin_name"]) == ("p-1", "SmashPig")
    row = record()
    assert (body["contribution_recur_id"], body["contact_id"]) == (row.pk, row.contact_id)
    assert "email" not in body
    assert "street_address" not in body


def test_a_payment_of_a_subscription_arrives_as_a_donation() -> None:
    tell(signup(**ADDRESS))
    tell(payment(1), payment(2))
    assert [item.verdict for item in relay()] == [None] * 3
    first, second = (contribution(payment(number)) for number in (1, 2))
    assert (first.original_amount, first.original_currency) == (Decimal("100.00"), "CZK")
    assert first.total_amount == Decimal("4.76")  # converted once
    assert (first.contribution_recur, first.contact) == (record(), record().contact)
    assert (first.financial_type, second.financial_type) == (
        "Recurring Gift",
        "Recurring Gift - Cash",
    )
    assert record().status == Status.IN_PROGRESS
    assert Contact.objects.count() == 1


def test_a_payment_told_twice_is_booked_once() -> None:
    tell(signup(), payment(), payment(comment="again"))
    assert verdicts(relay()) == ["", "DUPLICATE_CONTRIBUTION", ""]
    assert Contribution.objects.count() == 1


def test_a_payment_begins_a_subscription_of_paypal() -> None:
    assert verdict(payment()) == ("done", "")
    row = record()
    assert (row.trxn_id, row.amount, row.status) == ("I-ELM", Decimal(100), Status.IN_PROGRESS)
    assert (row.start_date, row.cycle_day) == (day(1), day(1).day)
    assert row.contact.emails.get().email == "olga@example.org"
    relay()
    assert contribution(payment()).contribution_recur == row
    assert contribution(payment()).financial_type == "Recurring Gift"
    assert (Contact.objects.count(), Email.objects.count(), Address.objects.count()) == (1, 1, 1)


@pytest.mark.parametrize(
    "fields",
    [
        {"subscr_id": "S-OLD"},
        {"email": ""},
        {"gateway": "ingenico"},
        {"subscr_id": "", "rescue_reference": "R1"},
        {"contribution_recur_id": "77"},
    ],
)
def test_a_payment_of_an_unknown_subscription_waits(fields: dict[str, object]) -> None:
    assert verdict(payment(**fields)) == WAITS
    assert Contact.objects.count() == 0


def test_a_payment_of_no_subscription_is_refused() -> None:
    assert verdict(payment(subscr_id="")) == refused("INVALID_RECURRING")


def test_a_payment_that_the_import_would_refuse_is_refused_here() -> None:
    tell(signup())
    assert verdict(payment(gross="0")) == refused("CIVI_REQ_FIELD")
    assert record().status == Status.PENDING
    assert pushed("donations") == []


def test_a_rescued_payment_finds_its_record_even_when_the_rescue_was_given_up() -> None:
    row = rescued_record()
    given_up = {"txn_type": "subscr_cancel", "gateway": "adyen", "rescue_reference": "R1"}
    tell({**given_up, "is_autorescue": True, "date": DATE + 9 * DAY})
    message = {
        "txn_type": "subscr_payment",
        "gateway": "adyen",
        "is_successful_autorescue": True,
        "rescue_reference": "R1",
        "order_id": "5.2",
        "gross": "12.00",
        "currency": "USD",
        "gateway_txn_id": "RESCUED",
        "date": DATE + 5 * DAY,
    }
    assert verdict(message) == ("done", "")
    relay()
    paid = contribution(message)
    assert (paid.contribution_recur, paid.payment_instrument) == (row, "Credit Card: Visa")
    row.refresh_from_db()
    assert row.status == Status.FAILED  # given up after it was paid
    assert Activity.objects.filter(activity_type="Recurring Processor Retry - Success").count() == 1


def test_a_payment_without_a_visit_has_that_of_its_subscription() -> None:
    tell(signup())
    tell(payment(1))
    relay()
    tell(payment(2, contribution_tracking_id=""))
    relay()
    assert contribution(payment(2)).contribution_tracking_id == 4100


def test_an_address_is_kept_until_a_better_one_is_told() -> None:
    tell(signup())  # no street
    tell(payment(1), payment(2, street_address="Other 5"))
    relay()
    assert record().contact.addresses.get().street_address == ADDRESS["street_address"]


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_addresses_are_as_the_earliest_tells_and_names_as_the_latest(
    order: tuple[int, ...],
) -> None:
    for number in order:
        fields = {
            "email": f"olga{number}@example.org",
            "street_address": f"{number} Elm",
            "last_name": f"McTest{number}",
            "order_id": f"4100.{number}",
        }
        tell(payment(number, **fields))
        relay()
    contact = record().contact
    assert contact.emails.get().email == "olga1@example.org"
    assert contact.addresses.get().street_address == "1 Elm"
    assert contact.last_name == "McTest3"


def test_what_the_donor_told_us_stands_before_what_paypal_has_on_file() -> None:
    gift = donation(
        contribution_tracking_id="4100",
        first_name="Ольга",
        last_name="McTest",
        email="olga@example.org",
        **{**ADDRESS, "street_address": "Nová 7"},
        country="CZ",
    )
    import_one(gift)
    relay()
    tell(payment(2), payment(1))
    relay()
    contact = contribution(gift).contact
    assert record().contact == contact
    contact.refresh_from_db()
    assert contact.emails.get(is_primary=True).location_type == "Home"
