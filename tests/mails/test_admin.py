"""Mails in the admin."""

import pytest
from django.contrib.auth.models import Permission, User
from django.core import mail
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.mails.models import OutgoingMail
from fundraising.mails.tasks import send_due
from tests.mails.donors import donor

pytestmark = pytest.mark.django_db

LIST = "admin:mails_outgoingmail_changelist"
PAGE = "admin:mails_outgoingmail_change"
Status = OutgoingMail.Status


@pytest.fixture(autouse=True)
def without_tls(settings: Settings) -> None:
    """The test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def row() -> OutgoingMail:
    """A mail that failed for good."""
    return OutgoingMail.objects.create(
        template="recurring_failed",
        key="m-1",
        contact=donor("very.private@example.org", last_name="Leocadia"),
        recipient="very.private@example.org",
        context={"amount": "5.00", "currency": "EUR"},
        status=Status.FAILED,
        attempts=11,
        error="SMTPRecipientsRefused 550",
    )


def browser(client: Client, *permissions: str) -> Client:
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client.force_login(user)
    return client


def send_again(browser: Client, row: OutgoingMail) -> None:
    browser.post(reverse(LIST), {"action": "send_again", "_selected_action": [row.pk]})
    row.refresh_from_db()


def test_who_a_mail_is_for_is_not_shown(client: Client, row: OutgoingMail) -> None:
    staff = browser(client, "view_outgoingmail")
    for url in (reverse(LIST), reverse(PAGE, args=[row.pk])):
        page = staff.get(url).content.decode()
        assert "SMTPRecipientsRefused 550" in page
        assert "•••@example.org" in page
        assert "private" not in page
        assert "Leocadia" not in page


@pytest.mark.parametrize("term", ["m-1", "Very.Private@example.org", "contact"])
def test_a_mail_is_found_by_what_people_have_at_hand(
    client: Client, row: OutgoingMail, term: str
) -> None:
    OutgoingMail.objects.create(template="verify_email", key="m-2", contact=donor("b@example.org"))
    term = str(row.contact_id) if term == "contact" else term
    response = browser(client, "view_outgoingmail").get(reverse(LIST), {"q": term})
    assert list(response.context["cl"].result_list) == [row]


def test_a_failed_mail_can_be_sent_again(client: Client, row: OutgoingMail) -> None:
    send_again(browser(client, "view_outgoingmail", "resend_outgoingmail"), row)
    assert (row.status, row.attempts) == (Status.WAITING, 0)
    send_due()
    assert len(mail.outbox) == 1


def test_a_sent_mail_cannot(client: Client, row: OutgoingMail) -> None:
    OutgoingMail.objects.update(status=Status.SENT)
    send_again(browser(client, "view_outgoingmail", "resend_outgoingmail"), row)
    assert row.status == Status.SENT


def test_only_who_may_sends_again(client: Client, row: OutgoingMail) -> None:
    send_again(browser(client, "view_outgoingmail"), row)
    assert row.status == Status.FAILED
