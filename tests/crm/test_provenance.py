"""Rows of the donor database keep the message that wrote them last."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from fundraising.crm.models import (
    Activity,
    Address,
    Contact,
    Contribution,
    Email,
    PaymentToken,
    Phone,
    RecurringContribution,
)
from queues.models import InboxMark
from tests.crm.imports import Message, donation, import_group, import_one

pytestmark = pytest.mark.django_db

WRITTEN = (
    Contact,
    Email,
    Address,
    Phone,
    Contribution,
    RecurringContribution,
    PaymentToken,
    Activity,
)


def first() -> Message:
    """A donation that writes to every table."""
    return donation(
        message_id="first",
        email="ana@example.org",
        last_name="Gil",
        street_address="12 Elm Street",
        city="Springfield",
        postal_code="12345",
        recurring="1",
        recurring_payment_token="T1",
        contact_id=str(Contact.objects.create().pk),
        contact_hash="not the hash",
        phone="16175551212",
        sms_opt_in="1",
    )


def ids(model: Any) -> list[str]:
    return sorted(row.message_id for row in model.objects.exclude(message_id=""))


def test_all_that_a_donation_writes() -> None:
    import_one(first())
    told = {model.__name__: ids(model) for model in WRITTEN}
    assert told == {model.__name__: ["first"] for model in WRITTEN}


@pytest.mark.parametrize("in_one_group", [True, False])
def test_only_what_a_later_donation_changes(in_one_group: bool) -> None:
    moved = {
        **first(),
        "message_id": "second",
        "gateway_txn_id": "X2",
        "order_id": "9.9",
        "street_address": "1 Other Road",
        "recurring": "",
        "contact_id": "",
    }
    for group in [[first(), moved]] if in_one_group else [[first()], [moved]]:
        import_group(*group)
    assert (ids(Contact), ids(Email), ids(Address)) == (["first"], ["first"], ["second"])
    assert ids(Contribution) == ["first", "second"]


def test_a_message_without_an_id_is_known_by_its_bytes() -> None:
    item = import_one(donation())
    assert ids(Contact) == ids(Email) == [item.digest]


def test_the_pages_tell_the_hops(admin_client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    hops = {
        "origin_name": "DonationInterface",
        "origin_host": "payments1001",
        "origin_enqueued_time": 1772366400,
        "source_name": "SmashPig",
        "source_type": "job-runner",
    }
    import_one({**first(), **hops})
    mark = InboxMark.objects.get()
    contact, contribution = Contact.objects.exclude(message_id="").get(), Contribution.objects.get()
    for row in (contact, contribution):
        url = reverse(f"admin:crm_{row._meta.model_name}_change", args=[row.pk])
        text = admin_client.get(url).content.decode()
        for told in (
            "donations",
            "DonationInterface, payments1001, 2026-03-01 12:00:00 UTC",
            "SmashPig, job-runner",
            f"{mark.received_at:%Y-%m-%d %H:%M:%S} UTC",
            f"{mark.imported_at:%Y-%m-%d %H:%M:%S} UTC",
        ):
            assert told in text


def test_a_row_whose_mark_is_gone_still_tells_the_message(
    admin_client: Client, settings: Settings
) -> None:
    settings.SECURE_SSL_REDIRECT = False
    contact = Contact.objects.create(message_id="old-one", modified_at=timezone.now())
    url = reverse("admin:crm_contact_change", args=[contact.pk])
    text = admin_client.get(url).content.decode()
    assert "old-one" in text
    assert "older than those that are kept" in text
