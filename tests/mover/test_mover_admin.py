"""Queue movers in the admin."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from queues.models import MoverState

LIST = "admin:queues_moverstate_changelist"
DETAIL = "admin:queues_moverstate_change"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_tls(settings: Settings) -> None:
    """The test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def browser(client: Client) -> Client:
    """Somebody who may look at movers."""
    staff = User.objects.create_user("staff", is_staff=True)
    staff.user_permissions.add(Permission.objects.get(codename="view_moverstate"))
    client.force_login(staff)
    return client


def mover(job_name: str, **columns: object) -> MoverState:
    now = timezone.now()
    told: dict[str, object] = {
        "source": "sourcedb@db1:5432 gifts",
        "target": "targetdb@db2:5432 donations",
        "consumer": job_name,
        "seen_at": now,
        "moved_at": now,
        "batch_events": 500,
        "lag_seconds": 0.25,
        "events_per_second": 10.0,
    }
    return MoverState.objects.create(job_name=job_name, **{**told, **columns})


def test_the_list_tells_how_each_gets_on(browser: Client) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    mover("runs")
    mover("ended", stopped_at=timezone.now())
    mover("died", seen_at=long_ago)
    mover("stuck", failing=True, error="targetdb@db2: OperationalError", error_at=timezone.now())
    mover("new", moved_at=None, lag_seconds=None, events_per_second=None)
    page = browser.get(reverse(LIST))
    changes = page.context["cl"]
    states = {row.job_name: changes.model_admin.state(row) for row in changes.result_list}
    assert states == {
        "runs": "moves",
        "ended": "stopped",
        "died": "silent",
        "stuck": "failing",
        "new": "moves",
    }
    for text in ("sourcedb@db1:5432 gifts → targetdb@db2:5432 donations", "0.2 s", "10.0/s"):
        assert text in page.content.decode()
    assert "targetdb@db2: OperationalError" in page.content.decode()


def test_the_page_of_one(browser: Client) -> None:
    row = mover("runs", position="17@2026-01-01")
    page = browser.get(reverse(DETAIL, args=[row.pk]))
    assert page.status_code == 200
    assert "17@2026-01-01" in page.content.decode()


def test_nobody_changes_it(browser: Client) -> None:
    row = mover("runs")
    assert browser.post(reverse(DETAIL, args=[row.pk]), {"job_name": "x"}).status_code == 403
    assert browser.get(reverse("admin:queues_moverstate_add")).status_code == 403


def test_who_may_not_look_does_not(client: Client) -> None:
    client.force_login(User.objects.create_user("other", is_staff=True))
    assert client.get(reverse(LIST)).status_code == 403
