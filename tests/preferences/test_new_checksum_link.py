"""``new-checksum-link``: donors whose link has expired ask for another."""

import logging
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core import mail
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks
from pytest_django.fixtures import Settings

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Contact, Email
from fundraising.mails.models import OutgoingMail
from tests.deliveries import Message
from tests.preferences.donors import faults, known, told, wish

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frqueue")]

QUEUE = "new-checksum-link"


def mailed() -> list[tuple[int, str]]:
    return list(OutgoingMail.objects.order_by("pk").values_list("contact", "recipient"))


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ({"page": "DonorPortal"}, "https://portal.example/"),
        ({"page": "RecurUpgrade"}, "https://upgrade.example/"),
        ({"page": "EmailPreferences"}, "https://preferences.example/"),
        ({"page": "EmailPreferences", "subpage": ""}, "https://preferences.example/"),
        ({"page": "EmailPreferences", "subpage": "optIn"}, "https://yes.example/"),
    ],
)
def test_the_donor_gets_a_link_to_the_page(
    fields: Message,
    start: str,
    settings: Settings,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    settings.DONOR_PAGES = {
        "DonorPortal": "https://portal.example/",
        "RecurUpgrade": "https://upgrade.example/",
        "EmailPreferences": "https://preferences.example/",
        "OptIn": "https://yes.example/",
    }
    contact = known(preferred_language="fr_FR")
    with django_capture_on_commit_callbacks(execute=True):
        assert told(QUEUE, wish(email="Ana@Example.org", **fields)) == []
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["ana@example.org"], "Votre lien personnel")
    (link,) = [line for line in sent.body.splitlines() if line.startswith(start)][:1]
    (checksum,) = parse_qs(urlsplit(link).query)["checksum"]
    assert checksums.is_valid(checksum, contact.pk, contact.hash, timezone.now())


def test_one_mail_for_one_message() -> None:
    contact = known()
    message = wish(message_id="m1")
    told(QUEUE, message)
    told(QUEUE, message)
    told(QUEUE, wish(message_id="m2"))
    assert mailed() == [(contact.pk, "ana@example.org")] * 2
    assert list(OutgoingMail.objects.order_by("pk").values_list("key", flat=True)) == ["m1", "m2"]


class TestWho:
    def test_by_contact_id_it_goes_to_the_address_that_we_have(self) -> None:
        contact = known()
        told(QUEUE, wish(contactID=str(contact.pk), email="somebody.else@example.org"))
        assert mailed() == [(contact.pk, "ana@example.org")]

    def test_by_contact_id_alone(self) -> None:
        contact = known()
        told(QUEUE, wish(contactID=contact.pk, email=""))
        assert mailed() == [(contact.pk, "ana@example.org")]

    def test_a_merged_contact_is_followed(self) -> None:
        contact = known()
        old = known("old@example.org", is_deleted=True, merged_into=contact)
        told(QUEUE, wish(contactID=old.pk))
        assert mailed() == [(contact.pk, "ana@example.org")]

    def test_of_several_the_one_that_changed_last(self) -> None:
        contacts = [known(), known(), known()]
        later = timezone.now() + timedelta(days=1)
        Contact.objects.filter(pk=contacts[1].pk).update(modified_at=later)
        told(QUEUE, wish())
        assert mailed() == [(contacts[1].pk, "ana@example.org")]


class TestUnknown:
    @pytest.fixture(autouse=True)
    def nothing_is_sent_and_nobody_told(self, caplog: pytest.LogCaptureFixture) -> object:
        caplog.set_level(logging.DEBUG)
        yield
        assert not OutgoingMail.objects.exists()
        lines = [record.getMessage() for record in caplog.get_records("call")]
        assert "new-checksum-link: no such contact, message_id=m1" in lines
        assert not any("example.org" in line for line in lines)

    def test_an_address_nobody_has(self) -> None:
        assert told(QUEUE, wish(message_id="m1")) == []

    def test_the_second_address_of_somebody(self) -> None:
        Email.objects.create(
            contact=known("bo@example.org"), email="ana@example.org", location_type="paypal"
        )
        assert told(QUEUE, wish(message_id="m1")) == []

    def test_a_deleted_contact(self) -> None:
        contact = known(is_deleted=True)
        assert told(QUEUE, wish(message_id="m1", contactID=contact.pk)) == []

    def test_an_id_nobody_has(self) -> None:
        assert told(QUEUE, wish(message_id="m1", contactID="4711", email=None)) == []


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"email": ""}, "email"),
        ({"email": "", "contactID": ""}, "email"),
        ({"contactID": "12x"}, "contactID"),
        ({"page": ""}, "page"),
        ({"page": "//evil.example"}, "page"),
        ({"page": "OptIn"}, "page"),
        ({"subpage": "optIn"}, "subpage"),
        ({"page": "EmailPreferences", "subpage": "../x"}, "subpage"),
    ],
)
def test_what_cannot_be_names_its_field(fields: Message, field: str) -> None:
    known()
    assert faults(told(QUEUE, wish(**fields))) == [("INVALID_MESSAGE", field)]
    assert not OutgoingMail.objects.exists()
