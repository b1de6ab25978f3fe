"""Signups on the ``recurring`` queue, and gifts that become monthly ones."""

from decimal import Decimal

import pytest

from fundraising.crm.models import (
    Contact,
    PaymentToken,
    RecurringContribution,
)
from fundraising.mails.models import OutgoingMail
from fundraising.tracking.models import ContributionTracking
from tests.crm.imports import DATE, Message, contribution, donation, import_one
from tests.crm.subscriptions import (
    ADDRESS,
    DAY,
    DROPPED,
    WAITS,
    WHEN,
    day,
    failed,
    record,
    refused,
    relay,
    signup,
    tell,
    verdict,
)

pytestmark = pytest.mark.django_db

Status = RecurringContribution.Status


def test_a_signup_makes_a_record_of_a_contact() -> None:
    message = signup(start_date=DATE + DAY, processor_contact_id="P1", **ADDRESS)
    (item,) = tell(message)
    row = record()
    assert (row.amount, row.currency, row.status) == (Decimal(100), "CZK", Status.PENDING)
    assert (row.trxn_id, row.processor_id, row.invoice_id) == ("I-ELM", "I-ELM", None)
    assert (row.create_date, row.start_date, row.cycle_day) == (WHEN, day(1), day(1).day)
    assert row.next_sched_contribution_date == day(1)
    assert (row.frequency_unit, row.frequency_interval, row.installments) == ("month", 1, 0)
    assert (row.gateway, row.payment_instrument, row.original_country) == ("paypal", "Paypal", "CZ")
    assert (row.processor_contact_id, row.message_id) == ("P1", item.key)
    assert row.contact.display_name == "Ольга McTest"
    assert row.contact.emails.get().email == "olga@example.org"
    assert row.contact.addresses.get().city == "Praha"


def test_a_signup_belongs_to_the_contact_of_its_visit() -> None:
    gift = donation(contribution_tracking_id="4100", first_name="Olga")
    import_one(gift)
    relay()
    tell(signup())
    assert record().contact == contribution(gift).contact


def test_a_donor_whose_signup_tells_no_language_has_that_of_the_form() -> None:
    ContributionTracking.objects.create(pk=4100, language="cs", country="CZ")
    tell(signup())
    assert record().contact.preferred_language == "cs_CZ"


@pytest.mark.parametrize("gateway", ["paypal", "paypal_ec"])
def test_the_same_signup_again_is_dropped(gateway: str) -> None:
    tell(signup())
    assert verdict(signup(comment="again")) == DROPPED
    assert verdict(signup(gateway=gateway, comment="once more")) == (
        DROPPED if gateway == "paypal" else ("done", "")
    )
    assert (RecurringContribution.objects.count(), Contact.objects.count()) == (1, 1)


def test_an_old_record_is_known_by_the_name_it_has() -> None:
    tell(signup())
    RecurringContribution.objects.update(trxn_id="RECURRING PAYPAL I-ELM")
    assert verdict(signup(comment="again")) == DROPPED
    assert verdict(failed(gateway="paypal_ec")) == ("done", "")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"frequency_unit": "week"}, "INVALID_RECURRING"),
        ({"frequency_interval": "3"}, "INVALID_RECURRING"),
        ({"installments": 12}, "INVALID_RECURRING"),
        ({"subscr_id": ""}, "INVALID_RECURRING"),
        ({"txn_type": "subscr_modify"}, "INVALID_RECURRING"),
        ({"txn_type": ""}, "INVALID_RECURRING"),
        ({"gross": "0"}, "CIVI_REQ_FIELD"),
        ({"currency": ""}, "CIVI_REQ_FIELD"),
    ],
)
def test_a_signup_that_cannot_be(fields: dict[str, object], code: str) -> None:
    assert verdict(signup(**fields)) == refused(code)
    assert RecurringContribution.objects.count() == 0


def conversion(**fields: object) -> Message:
    """Our own form's, after the gift of order 4200.1."""
    card = {
        "gateway": "adyen",
        "subscr_id": "",
        "recurring_payment_token": "TOK",
        "gateway_txn_id": "GIFT",
        "order_id": "4200.1",
        "contribution_tracking_id": "4200",
        "payment_method": "cc",
        "payment_submethod": "visa",
        "user_ip": "198.51.100.7",
        "legal_identifier": "123-45",
        "start_date": DATE + 30 * DAY,
    }
    return signup(**{**card, **fields})


def the_gift() -> Message:
    return donation(
        gateway_txn_id="GIFT",
        order_id="4200.1",
        contribution_tracking_id="4200",
        email="olga@example.org",
    )


def test_a_conversion_waits_for_its_donation() -> None:
    assert verdict(conversion()) == WAITS
    import_one(the_gift())
    assert verdict(conversion()) == WAITS  # the visit does not know of it yet
    relay()
    assert verdict(conversion()) == ("done", "")


def test_a_conversion_makes_a_record_that_we_charge() -> None:
    import_one(the_gift())
    relay()
    tell(conversion())
    row = record()
    assert (row.trxn_id, row.processor_id, row.invoice_id) == (
        "RECURRING ADYEN GIFT",
        "GIFT",
        "4200.1",
    )
    assert (row.payment_instrument, row.next_sched_contribution_date) == (
        "Credit Card: Visa",
        day(30),
    )
    token = PaymentToken.objects.get()
    assert (row.payment_token, token.token, token.ip_address) == (token, "TOK", "198.51.100.7")
    assert row.contact == token.contact == contribution(the_gift()).contact
    row.contact.refresh_from_db()
    assert row.contact.legal_identifier == "123-45"
    mail = OutgoingMail.objects.get()
    assert (mail.template, mail.contact) == ("monthly_convert", row.contact)
    assert mail.context == {
        "amount": "100.00",
        "currency": "CZK",
        "next_date": f"{day(30):%Y-%m-%d}",
    }


def test_a_conversion_told_twice_is_one_and_thanked_for_once() -> None:
    import_one(the_gift())
    relay()
    tell(conversion())
    assert verdict(conversion(comment="again")) == DROPPED
    assert (RecurringContribution.objects.count(), OutgoingMail.objects.count()) == (1, 1)


def test_a_conversion_needs_its_payment() -> None:
    assert verdict(conversion(gateway_txn_id="")) == refused("INVALID_RECURRING")
