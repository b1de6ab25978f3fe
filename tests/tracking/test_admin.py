"""Contribution tracking in the admin."""

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.tracking.models import ContributionTracking
from tests.tracking.test_log import append

LIST = "admin:tracking_contributiontracking_changelist"
DETAIL = "admin:tracking_contributiontracking_change"

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(admin_client: Client, settings: Settings) -> Client:
    """An administrator's; the test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False
    return admin_client


@pytest.fixture(autouse=True)
def visits() -> None:
    """One that led to a contribution, one with a conflict, one without."""
    append(
        {"id": 11, "contribution_id": 5, "utm_campaign": "C26", "payment_method": "cc"},
        {"id": 11, "banner_history_log_id": "0123456789abcdef"},
        {"id": 12, "contribution_id": 6, "utm_source": "B26_x_dsk_lg.Landing.cc"},
        {"id": 12, "contribution_id": 7},
        {"id": 13, "referrer": "<script>alert(1)</script>"},
    )


def listed(browser: Client, **query: str) -> list[int]:
    """The visits that a list shows."""
    response = browser.get(reverse(LIST), query)
    assert response.status_code == 200
    return [row.pk for row in response.context["cl"].result_list]


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ("11", [11]),
        ("5", [11]),
        ("C26", [11]),
        ("0123456789ABCDEF", [11]),
        ("B26_x_dsk_lg", [12]),
        ("nothing", []),
        ("9" * 30, []),
    ],
)
def test_search(browser: Client, term: str, found: list[int]) -> None:
    assert listed(browser, q=term) == found


def test_filters(browser: Client) -> None:
    assert listed(browser, linked="yes") == [12, 11]
    assert listed(browser, linked="no") == [13]
    assert listed(browser, linked="conflict") == [12]
    assert listed(browser, payment_method="Credit Card") == [11]
    assert listed(browser, device_type="Desktop") == [12]


def test_the_data_points_are_shown_as_text(browser: Client) -> None:
    page = browser.get(reverse(DETAIL, args=[13])).content.decode()
    assert "alert(1)" in page
    assert "<script>alert(1)" not in page


def test_nothing_can_be_changed(browser: Client) -> None:
    assert browser.post(reverse(DETAIL, args=[11]), {"country": "XX"}).status_code == 403
    delete = reverse("admin:tracking_contributiontracking_delete", args=[11])
    assert browser.post(delete, {"post": "yes"}).status_code == 403
    assert ContributionTracking.objects.count() == 3
