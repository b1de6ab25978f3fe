"""Erasing from a contact's page."""

import pytest
import redis
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.crm.models import Contact, RecurringContribution
from fundraising.privacy.models import Erasure
from fundraising.staff.groups import AUDITOR, DONOR_SERVICES, ENGINEER
from tests.privacy import donors

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(frqueue: redis.Redis, settings: Settings) -> Contact:
    # The test client speaks no TLS.
    settings.SECURE_SSL_REDIRECT = False
    return donors.donor(frqueue)


def member(name: str) -> Client:
    """A browser of somebody in a group of staff."""
    user = User.objects.create_user("ana", is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    client = Client()
    client.force_login(user)
    return client


def page(contact: Contact) -> str:
    return reverse("admin:crm_contact_change", args=[contact.pk])


def erase(contact: Contact) -> str:
    return reverse("admin:crm_contact_erase", args=[contact.pk])


def test_an_engineer_sees_what_would_go_and_erases(contact: Contact) -> None:
    browser = member(ENGINEER)
    assert erase(contact) in browser.get(page(contact)).content.decode()
    shown = browser.get(erase(contact))
    assert shown.context["plan"].counts["emails"] == 1
    assert "Emails" in shown.content.decode()
    assert donors.secrets()
    done = browser.post(erase(contact), {"reason": "request 118"}, follow=True)
    assert done.redirect_chain == [(page(contact), 302)]
    assert "request 118" in done.content.decode()
    assert donors.secrets() == set()
    assert Erasure.objects.get().by == "ana"
    kept = browser.get(reverse("admin:privacy_erasure_changelist")).content.decode()
    assert "request 118" in kept


@pytest.mark.parametrize("name", [DONOR_SERVICES, AUDITOR])
def test_nobody_else_does(contact: Contact, name: str) -> None:
    browser = member(name)
    assert erase(contact) not in browser.get(page(contact)).content.decode()
    assert browser.get(erase(contact)).status_code == 403
    assert browser.post(erase(contact), {"reason": "request 118"}).status_code == 403
    assert not Erasure.objects.exists()


def test_a_reason_is_needed(admin_client: Client, contact: Contact) -> None:
    shown = admin_client.post(erase(contact), {"reason": " "})
    assert "This field is required." in shown.content.decode()
    assert donors.secrets()


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_stands_against_it_is_told(
    admin_client: Client, contact: Contact, method: str
) -> None:
    RecurringContribution.objects.update(status=RecurringContribution.Status.IN_PROGRESS)
    send = {"get": admin_client.get, "post": admin_client.post}[method]
    text = send(erase(contact), {"reason": "request 118"}).content.decode()
    assert "is In Progress: cancel it first" in text
    assert "Erase for ever" not in text
    assert donors.secrets()


def test_no_such_contact(admin_client: Client, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    url = reverse("admin:crm_contact_erase", args=[4711])
    assert admin_client.get(url).status_code == 404
