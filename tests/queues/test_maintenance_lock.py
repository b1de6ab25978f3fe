"""While a window is open nobody enqueues by hand, and everybody can read."""

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt
from pytest_django.fixtures import Settings

from fundraising.urls import urlpatterns as of_project
from queues import maintenance
from queues.models import DamagedMessage, MaintenanceWindow, OutboxMessage
from tests.queues.conftest import gift
from tests.queues.damage import damage

LIST = reverse("admin:queues_damagedmessage_changelist")
RESEND = reverse("admin:queues_damagedmessage_resend")
WINDOWS = reverse("admin:queues_maintenancewindow_changelist")

#: Of the banner.
SINCE = "Maintenance since"

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("gift_routes", "frqueue")]


@csrf_exempt
def webhook(_request: HttpRequest) -> HttpResponse:
    return HttpResponse("taken")


urlpatterns = [
    *of_project,
    path("webhook", webhook),
    path("webhook/outbox", maintenance.exempt(csrf_exempt(lambda request: webhook(request)))),
]


@pytest.fixture(autouse=True)
def plain_http(settings: Settings) -> None:
    """The test client speaks no TLS; processors call it too."""
    settings.SECURE_SSL_REDIRECT = False
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def staff(client: Client) -> Client:
    """Somebody who may do everything with damaged messages."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(
        Permission.objects.filter(content_type__app_label="queues")
        | Permission.objects.filter(codename__startswith="view_")
    )
    client.force_login(user)
    return client


@pytest.fixture
def superuser() -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    return client


@pytest.fixture
def window() -> MaintenanceWindow:
    return maintenance.begin(reason="new disk", by="ada@ops")


def resend(client: Client, row: DamagedMessage) -> int:
    """The status of the answer."""
    data = {"pk": [row.pk], "reason": "again"}
    response = client.post(RESEND, data)
    if response.status_code == 503:
        page = response.content.decode()
        assert response["Retry-After"]
        assert all(part in page for part in ("new disk", "ada@ops", "can be read", SINCE))
    return response.status_code


@pytest.mark.usefixtures("window")
def test_staff_cannot_send_and_nothing_is_enqueued(staff: Client, frqueue: redis.Redis) -> None:
    row = damage(gift(1, gross="-1"))
    assert resend(staff, row) == 503
    row.refresh_from_db()
    assert row.status == DamagedMessage.Status.DAMAGED
    assert not OutboxMessage.objects.exists()
    assert not frqueue.exists("gifts")


@pytest.mark.usefixtures("window")
@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("queues_damagedmessage_changelist", []),
        ("queues_damagedmessage_discard", []),
        ("queues_damagedmessage_open", [1]),
        ("queues_bulkresend_change", [1]),
        ("mails_outgoingmail_changelist", []),
        ("crm_contact_change", [1]),
    ],
)
def test_whatever_changes_something_is_locked(
    staff: Client, name: str, arguments: list[int]
) -> None:
    assert staff.post(reverse(f"admin:{name}", args=arguments)).status_code == 503


@pytest.mark.usefixtures("window")
def test_staff_can_read_and_is_told(staff: Client) -> None:
    row = damage(gift(1, gross="-1"))
    detail = reverse("admin:queues_damagedmessage_change", args=[row.pk])
    for url in (reverse("admin:index"), LIST, detail, reverse("trace"), WINDOWS):
        response = staff.get(url)
        assert response.status_code == 200
        assert SINCE in response.content.decode()
    assert "new disk" in staff.get(WINDOWS).content.decode()


def test_the_lock_ends_with_the_window(staff: Client, window: MaintenanceWindow) -> None:
    row = damage(gift(1))
    assert resend(staff, row) == 503
    maintenance.end(by="ada@ops")
    assert SINCE not in staff.get(LIST).content.decode()
    assert resend(staff, row) == 302
    row.refresh_from_db()
    assert row.status == DamagedMessage.Status.RESENT


@pytest.mark.usefixtures("window")
def test_superusers_go_on_and_are_told(superuser: Client) -> None:
    row = damage(gift(1))
    assert SINCE in superuser.get(LIST).content.decode()
    assert resend(superuser, row) == 302
    row.refresh_from_db()
    assert row.status == DamagedMessage.Status.RESENT


@pytest.mark.usefixtures("window")
def test_everybody_can_log_in_and_out(client: Client) -> None:
    User.objects.create_user("staff", is_staff=True, password="correct horse")
    entry = {"username": "staff", "password": "correct horse"}
    assert client.post(reverse("admin:login"), entry).status_code == 302
    assert client.get(reverse("admin:index")).status_code == 200
    assert client.post(reverse("admin:logout")).status_code == 200
    # Whoever is not logged in learns nothing.
    response = client.post(RESEND)
    assert response.status_code == 503
    assert b"new disk" not in response.content


def test_webhooks_are_told_to_try_again(client: Client, window: MaintenanceWindow) -> None:
    response = client.post("/webhook")
    assert response.status_code == 503
    assert int(response["Retry-After"]) > 0
    assert b"new disk" not in response.content
    assert client.get("/healthz").status_code == 200
    assert client.post("/webhook/outbox").content == b"taken"
    maintenance.end(by="ada@ops")
    assert client.post("/webhook").content == b"taken"
