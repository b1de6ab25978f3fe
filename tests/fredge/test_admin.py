"""Fraud scores and payment attempts in the admin."""

from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.fredge.models import (
    PaymentAttempt,
    PaymentAttemptLabel,
    PaymentsFraud,
    PaymentsFraudBreakdown,
    PaymentsInit,
)
from queues.admin.masking import HIDDEN
from tests.deliveries import tell
from tests.fredge.messages import attempt, fraud, init, outcome

pytestmark = pytest.mark.django_db

MODELS = (
    PaymentsInit,
    PaymentsFraud,
    PaymentsFraudBreakdown,
    PaymentAttempt,
    PaymentAttemptLabel,
)
PERSONAL = {
    "email_localpart": "leocadia.secret",
    "first_name": "Leocadia",
    "last_name": "Secretova",
    "street_address": "7 Hidden Lane",
    "postal_code": "ZZ9 8YX",
    "user_ip": "2001:db8::7",
    "referrer": "https://example.org/?email=leocadia.secret@example.org",
}


@pytest.fixture(autouse=True)
def told(frqueue: redis.Redis, settings: Settings) -> None:
    """An attempt of which all is known, and another."""
    settings.SECURE_SSL_REDIRECT = False
    messages = [
        init(gateway_txn_id="T1"),
        init(order_id="200.1", contribution_tracking_id="200", gateway="gravy"),
        fraud(user_ip="198.51.100.7"),
        fraud(order_id="200.1", contribution_tracking_id="200", gateway="gravy", risk_score=126),
        attempt(
            contribution_tracking_id="119223",
            gateway="ingenico",
            ts="2026-03-01 12:00:00",
            email_domain="example.org",
            currency="JPY",
            amount_in_minor_units=1200,
            user_ip_repeat=3,
            **PERSONAL,
        ),
        attempt(order_id="200.1", contribution_tracking_id="200", gateway="gravy"),
        outcome(order_id="200.1", auth_decline=True),
    ]
    assert not tell(frqueue, [messages])
    PaymentAttemptLabel.objects.create(order_id="200.1", is_fraud=True)


@pytest.fixture
def staff(client: Client) -> User:
    """Somebody who is logged in and may look."""
    user = User.objects.create_user("staff", is_staff=True)
    for model in MODELS:
        grant(user, f"view_{model._meta.model_name}")
    client.force_login(user)
    return user


def grant(user: User, codename: str) -> None:
    user.user_permissions.add(Permission.objects.get(codename=codename))


def page(model: Any, kind: str, *args: Any) -> str:
    """The address of a page."""
    return reverse(f"admin:fredge_{model._meta.model_name}_{kind}", args=args)


def listed(client: Client, model: Any, **query: str) -> list[str]:
    """The order ids that a list shows."""
    response = client.get(page(model, "changelist"), query)
    assert response.status_code == 200
    return sorted(row.order_id for row in response.context["cl"].result_list)


@pytest.mark.usefixtures("staff")
@pytest.mark.parametrize("model", [PaymentsInit, PaymentsFraud, PaymentAttempt])
class TestLists:
    @pytest.mark.parametrize("term", ["119223.1", " 119223 "])
    def test_search(self, client: Client, model: Any, term: str) -> None:
        assert listed(client, model, q=term) == ["119223.1"]

    def test_search_for_nothing(self, client: Client, model: Any) -> None:
        assert listed(client, model, q="9.9") == []
        assert len(listed(client, model, q=" ")) == 2

    def test_by_gateway(self, client: Client, model: Any) -> None:
        assert listed(client, model, gateway="gravy") == ["200.1"]
        assert len(listed(client, model)) == 2

    def test_no_personal_data(self, client: Client, model: Any) -> None:
        row = model.objects.get(order_id="119223.1")
        for url in (page(model, "changelist"), page(model, "change", row.pk)):
            text = client.get(url).content.decode()
            for secret in (*PERSONAL.values(), "leocadia", "198.51.100.7"):
                assert secret not in text

    def test_nothing_can_be_changed(self, client: Client, model: Any) -> None:
        row = model.objects.first()
        assert client.post(page(model, "change", row.pk), {"order_id": "x"}).status_code == 403
        assert client.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
        assert client.get(page(model, "add")).status_code == 403


@pytest.mark.usefixtures("staff")
class TestFilters:
    def test_of_the_final_status(self, client: Client) -> None:
        assert len(listed(client, PaymentsInit, payments_final_status__exact="failed")) == 2
        assert listed(client, PaymentsInit, payments_final_status__exact="complete") == []
        assert listed(client, PaymentsInit, q="T1") == ["119223.1"]

    def test_of_the_risk(self, client: Client) -> None:
        assert listed(client, PaymentsFraud, risk="reject") == ["200.1"]
        assert listed(client, PaymentsFraud, risk="process") == ["119223.1"]
        assert listed(client, PaymentsFraud, risk="review") == []
        assert len(listed(client, PaymentsFraud, risk="nonsense")) == 2

    def test_of_the_outcome_and_the_label(self, client: Client) -> None:
        assert listed(client, PaymentAttempt, auth_decline__exact="1") == ["200.1"]
        assert listed(client, PaymentAttempt, label="fraud") == ["200.1"]
        assert listed(client, PaymentAttempt, label="none") == ["119223.1"]
        assert listed(client, PaymentAttempt, label="gift") == []

    def test_labels(self, client: Client) -> None:
        assert listed(client, PaymentAttemptLabel, q="200.1") == ["200.1"]
        assert listed(client, PaymentAttemptLabel, q="200") == []


class TestDetail:
    def test_of_a_fraud_score(self, client: Client, staff: User) -> None:
        url = page(PaymentsFraud, "change", PaymentsFraud.objects.get(order_id="119223.1").pk)
        text = client.get(url).content.decode()
        assert "minfraud_filter" in text
        assert ">30.5<" in text.replace(" ", "").replace("\n", "")
        assert HIDDEN in text
        grant(staff, "reveal_paymentsfraud")
        assert "198.51.100.7" in client.get(url).content.decode()

    def test_of_an_attempt(self, client: Client, staff: User) -> None:
        url = page(PaymentAttempt, "change", PaymentAttempt.objects.get(order_id="119223.1").pk)
        text = client.get(url).content.decode()
        assert f"{HIDDEN}@example.org" in text
        assert "1200 JPY" in text
        assert "user_ip_repeat" in text
        grant(staff, "reveal_paymentattempt")
        revealed = client.get(url).content.decode()
        for secret in PERSONAL.values():
            assert secret in revealed

    @pytest.mark.usefixtures("staff")
    def test_of_a_final_status(self, client: Client) -> None:
        url = page(PaymentsInit, "change", PaymentsInit.objects.get(order_id="119223.1").pk)
        assert "12.50 EUR" in client.get(url).content.decode()


class TestLabelling:
    @staticmethod
    def label(client: Client, action: str) -> None:
        row = PaymentAttempt.objects.get(order_id="119223.1")
        chosen = {"action": action, "_selected_action": [row.pk]}
        client.post(page(PaymentAttempt, "changelist"), chosen, follow=True)

    @pytest.mark.parametrize(("action", "is_fraud"), [("fraud", True), ("gift", False)])
    def test_by_who_may(self, client: Client, staff: User, action: str, *, is_fraud: bool) -> None:
        grant(staff, "label_paymentattempt")
        self.label(client, f"label_as_{action}")
        label = PaymentAttemptLabel.objects.get(order_id="119223.1")
        assert (label.is_fraud, label.labelled_by) == (is_fraud, staff)

    @pytest.mark.usefixtures("staff")
    def test_by_who_may_not(self, client: Client) -> None:
        self.label(client, "label_as_fraud")
        assert not PaymentAttemptLabel.objects.filter(order_id="119223.1").exists()
