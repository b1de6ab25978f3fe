"""The pages of contacts and contributions: found as people search for them, and only looked at."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contact, Contribution, Email, RecurringContribution

NOW = datetime(2026, 11, 21, tzinfo=UTC)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks no TLS."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def payment() -> Contribution:
    """An instalment of 500 yen, with its refund."""
    contact = Contact.objects.create(first_name="Zoë", last_name="Quux", display_name="Zoë Quux")
    Email.objects.create(contact=contact, email="zoe@example.org", is_primary=True)
    recurring = RecurringContribution.objects.create(
        contact=contact,
        amount=Decimal(500),
        currency="JPY",
        start_date=NOW,
        create_date=NOW,
        cycle_day=3,
        gateway="adyen",
        trxn_id="S1",
    )
    payment = Contribution.objects.create(
        contact=contact,
        contribution_recur=recurring,
        total_amount=Decimal("3.40"),
        net_amount=Decimal("3.40"),
        original_currency="JPY",
        original_amount=Decimal(500),
        receive_date=NOW,
        financial_type="Cash",
        trxn_id="RECURRING ADYEN T1",
        gateway="adyen",
        gateway_txn_id="T1",
        order_id="441.1",
        contribution_tracking_id=441,
    )
    Contribution.objects.create(
        contact=contact,
        parent_contribution=payment,
        is_payment=False,
        contribution_status=Contribution.Status.REFUNDED,
        total_amount=Decimal("-3.40"),
        net_amount=Decimal("-3.40"),
        original_currency="JPY",
        original_amount=Decimal(-500),
        receive_date=NOW,
        financial_type="Refund",
        trxn_id="RFD ADYEN T1",
    )
    return payment


def found(client: Client, model: str, term: str) -> list[int]:
    response = client.get(reverse(f"admin:crm_{model}_changelist"), {"q": term})
    return [row.pk for row in response.context["cl"].result_list]


@pytest.mark.parametrize("term", ["441.1", "441", "T1", "RECURRING ADYEN T1"])
def test_a_contribution_is_found(admin_client: Client, payment: Contribution, term: str) -> None:
    assert found(admin_client, "contribution", term) == [payment.pk]
    assert found(admin_client, "contribution", "nothing has this") == []


@pytest.mark.parametrize("term", ["ZOE@example.org", "Quu"])
def test_a_contact_is_found(admin_client: Client, payment: Contribution, term: str) -> None:
    assert found(admin_client, "contact", term) == [payment.contact_id]
    assert found(admin_client, "contact", "other@example.org") == []


def test_a_recurring_contribution_is_found(admin_client: Client, payment: Contribution) -> None:
    assert found(admin_client, "recurringcontribution", "S1") == [payment.contribution_recur_id]
    assert found(admin_client, "recurringcontribution", "S2") == []


def test_pages_tell_what_belongs_together(admin_client: Client, payment: Contribution) -> None:
    for obj, told in (
        (payment, ["500 JPY", "-500 JPY", "RFD ADYEN T1", "Zoë Quux", "of this order"]),
        (payment.contact, ["zoe@example.org", "RECURRING ADYEN T1", "500 JPY"]),
        (payment.contribution_recur, ["500 JPY", "RECURRING ADYEN T1", "Zoë Quux"]),
    ):
        assert obj is not None
        url = reverse(f"admin:crm_{obj._meta.model_name}_change", args=[obj.pk])
        text = admin_client.get(url).content.decode()
        for words in told:
            assert words in text
        assert admin_client.post(url, {"gateway": "x"}).status_code == 403
