"""The pages of recurring contributions: what was told of them, and of tokens to delete."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.crm.models import TokenDeletion
from tests.crm.imports import DATE
from tests.crm.subscriptions import cancel, payment, record, signup, tell

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks no TLS."""
    settings.SECURE_SSL_REDIRECT = False


def test_a_record_shows_its_events_and_their_messages(admin_client: Client) -> None:
    told = [signup(), payment(), cancel(9, cancel_reason="too much mail")]
    keys = [item.key for item in tell(*told)]
    url = reverse("admin:crm_recurringcontribution_change", args=[record().pk])
    text = admin_client.get(url).content.decode()
    for words in ("signed up", "paid", "cancelled", "reason too much mail", *keys):
        assert words in text
    assert admin_client.post(url, {"status": "Completed"}).status_code == 403


def test_tokens_to_delete_are_listed(admin_client: Client) -> None:
    (item,) = tell(
        {
            "txn_type": "monthly_convert_decline",
            "gateway": "adyen",
            "recurring_payment_token": "TOK",
            "order_id": "4300.1",
            "date": DATE,
        }
    )
    listed = admin_client.get(reverse("admin:crm_tokendeletion_changelist"), {"q": "4300.1"})
    assert "4300.1" in listed.content.decode()
    row = TokenDeletion.objects.get()
    page = admin_client.get(reverse("admin:crm_tokendeletion_change", args=[row.pk]))
    assert item.key in page.content.decode()
