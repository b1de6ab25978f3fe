"""Pending transactions in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from fundraising.pending.models import PendingTransaction
from fundraising.pending.personal import HIDDEN, mask_email, without_personal_data
from queues.wire import Json
from tests.pending.contributions import contribute
from tests.pending.messages import store_group

LIST = "admin:pending_pendingtransaction_changelist"
DETAIL = "admin:pending_pendingtransaction_change"


@pytest.fixture(autouse=True)
def without_tls(settings: Settings) -> None:
    """The test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def staff() -> User:
    """Somebody who may look at pending transactions."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_pendingtransaction"))
    return user


@pytest.fixture
def browser(client: Client, staff: User) -> Client:
    client.force_login(staff)
    return client


@pytest.fixture
def rows() -> list[PendingTransaction]:
    """One that waits for two days, and one that is done."""
    now = int(timezone.now().timestamp())
    store_group(
        {
            "date": now - 2 * 86400,
            "order_id": "119223.1",
            "gateway_txn_id": "T1",
            "contribution_tracking_id": "119223",
            "email": "Secret.Donor@example.org",
            "first_name": "Leocadia",
            "user_ip": "198.51.100.7",
            "gross": "20.00",
        },
        {
            "date": now,
            "order_id": "200.1",
            "gateway_txn_id": "T2",
            "gateway": "dlocal",
            "backend_processor_txn_id": "B2",
        },
    )
    PendingTransaction.objects.filter(order_id="200.1").update(is_resolved=True)
    return list(PendingTransaction.objects.order_by("order_id"))


def listed(browser: Client, **query: str) -> list[str]:
    """The order ids that a list shows."""
    response = browser.get(reverse(LIST), query)
    assert response.status_code == 200
    return [row.order_id for row in response.context["cl"].result_list]


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
class TestList:
    @pytest.mark.parametrize(
        "term",
        ["119223.1", "119223", "T1", "secret.donor@example.org", " Secret.Donor@Example.org "],
    )
    def test_search(self, browser: Client, term: str) -> None:
        assert listed(browser, q=term) == ["119223.1"]

    def test_search_by_what_the_gateway_stands_before(self, browser: Client) -> None:
        assert listed(browser, q="B2") == ["200.1"]
        assert listed(browser, q="nothing") == []

    def test_filters(self, browser: Client) -> None:
        assert listed(browser, is_resolved__exact="0") == ["119223.1"]
        assert listed(browser, gateway="dlocal") == ["200.1"]
        assert listed(browser, age="week") == ["119223.1"]
        assert listed(browser, age="hour") == ["200.1"]
        assert listed(browser, age="nonsense") == ["200.1", "119223.1"]

    def test_no_personal_data(self, browser: Client) -> None:
        page = browser.get(reverse(LIST)).content.decode()
        assert "ecret.Donor" not in page
        assert "ecret.donor" not in page
        assert "Leocadia" not in page
        assert f"s{HIDDEN}@example.org" in page


@pytest.mark.django_db
class TestDetail:
    def test_personal_data_is_hidden(self, browser: Client, rows: list[PendingTransaction]) -> None:
        page = browser.get(reverse(DETAIL, args=[rows[0].pk])).content.decode()
        assert "20.00" in page
        for secret in ("Leocadia", "ecret.Donor", "ecret.donor", "198.51.100.7"):
            assert secret not in page

    def test_who_may_see_it_sees_it(
        self, browser: Client, staff: User, rows: list[PendingTransaction]
    ) -> None:
        permission = Permission.objects.get(codename="reveal_pendingtransaction")
        staff.user_permissions.add(permission)
        page = browser.get(reverse(DETAIL, args=[rows[0].pk])).content.decode()
        assert "Leocadia" in page
        assert "Secret.Donor@example.org" in page

    def test_markup_in_a_message_is_text(self, browser: Client) -> None:
        store_group({"note": "<script>alert(1)</script>"})
        row = PendingTransaction.objects.get()
        page = browser.get(reverse(DETAIL, args=[row.pk])).content.decode()
        assert "<script>alert(1)" not in page
        assert "alert(1)" in page

    def test_nothing_can_be_changed(self, browser: Client, rows: list[PendingTransaction]) -> None:
        url = reverse(DETAIL, args=[rows[0].pk])
        assert browser.post(url, {"order_id": "x"}).status_code == 403
        delete = reverse("admin:pending_pendingtransaction_delete", args=[rows[0].pk])
        assert browser.post(delete, {"post": "yes"}).status_code == 403
        assert PendingTransaction.objects.count() == 2

    def test_who_may_not_look(self, client: Client, rows: list[PendingTransaction]) -> None:
        client.force_login(User.objects.create_user("other", is_staff=True))
        assert client.get(reverse(DETAIL, args=[rows[0].pk])).status_code == 403


@pytest.mark.django_db
def test_the_contribution_is_shown(admin_client: Client, rows: list[PendingTransaction]) -> None:
    contribution = contribute(gateway="dlocal", order_id="200.1", trxn_id="DLOCAL T2")
    page = admin_client.get(reverse(DETAIL, args=[rows[1].pk])).content.decode()
    assert str(contribution) in page
    page = admin_client.get(reverse(DETAIL, args=[rows[0].pk])).content.decode()
    assert str(contribution) not in page


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        ("donor@example.org", f"d{HIDDEN}@example.org"),
        ("no address", f"{HIDDEN}no address"),
        ("", ""),
    ],
)
def test_mask_email(address: str, masked: str) -> None:
    assert mask_email(address) == masked


@pytest.mark.parametrize("field", ["Email", "billing_email", "first_name", "user_ip", "nested"])
def test_who_the_donor_is_is_hidden(field: str) -> None:
    value: Json = {"city": "Köln"} if field == "nested" else "Köln"
    assert without_personal_data({field: value, "gross": "1.00", "phone": ""}) == {
        field: HIDDEN,
        "gross": "1.00",
        "phone": "",
    }
