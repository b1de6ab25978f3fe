"""A pending row keeps the id of the newest of its messages, whichever came last."""

from itertools import permutations
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.pending.models import PendingTransaction
from queues.models import InboxMark
from tests.pending.messages import key, store_group

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("in_one_group", [True, False])
@pytest.mark.parametrize(
    ("messages", "newest"),
    [
        (
            (
                {"message_id": "a", "source_enqueued_time": 9, "payment_method": "cc"},
                {"message_id": "b", "source_enqueued_time": 3, "payment_method": "ew"},
                {"message_id": "c", "source_enqueued_time": 5},
            ),
            ("a", "cc"),
        ),
        (
            (
                {"message_id": "b", "payment_method": "ew"},
                {"message_id": "a", "payment_method": "cc"},
            ),
            ("b", "ew"),
        ),
    ],
    ids=["by the time of the push", "by the id when that is the same"],
)
def test_whatever_order(
    messages: tuple[dict[str, Any], ...], newest: tuple[str, str], in_one_group: bool
) -> None:
    for order in permutations(messages):
        PendingTransaction.objects.all().delete()
        for group in [order] if in_one_group else [[message] for message in order]:
            store_group(*group)
        row = PendingTransaction.objects.get()
        assert (row.message_id, row.payment_method) == newest


def test_a_message_without_an_id_is_known_by_its_bytes() -> None:
    store_group({"email": "a@example.org"})
    assert PendingTransaction.objects.get().message_id == key(email="a@example.org")


def test_the_page_tells_the_hops(admin_client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    store_group({"message_id": "m1"})
    hop = {"name": "DonationInterface", "host": "payments1001"}
    InboxMark.objects.create(queue="pending", key="m1", digest="d", first_hop=hop, last_hop=hop)
    row = PendingTransaction.objects.get()
    url = reverse("admin:pending_pendingtransaction_change", args=[row.pk])
    text = admin_client.get(url).content.decode()
    assert "DonationInterface, payments1001" in text
