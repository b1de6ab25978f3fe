"""``email-preferences``: what donors choose in the preference centre."""

import json
from datetime import date, timedelta
from itertools import permutations

import pytest
from django.core import mail
from django.db import transaction
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Activity, Address, Contact, Contribution, Email
from fundraising.mails.models import OutgoingMail
from tests.deliveries import Message, Told
from tests.pending.contributions import contribute
from tests.preferences.donors import (
    DAY,
    MAY,
    WHEN,
    contents,
    faults,
    known,
    old_checksum,
    preferences,
    told,
    told_each,
    verification,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("frqueue")]

QUEUE = "email-preferences"
Type = Activity.Type


def fresh(contact: Contact) -> Contact:
    return Contact.objects.get(pk=contact.pk)


def test_all_that_a_donor_may_choose() -> None:
    contact = known(opt_in=None)
    message = preferences(
        contact,
        message_id="m1",
        country="FR",
        language="fr_FR",
        send_email="true",
        snooze_date="2026-06-15",
    )
    assert told(QUEUE, message) == []
    contact = fresh(contact)
    assert (contact.opt_in, contact.is_opt_out) == (True, False)
    assert (contact.preferred_language, contact.message_id) == ("fr_FR", "m1")
    address = contact.addresses.get()
    assert (address.country, address.location_type) == ("FR", "EmailPreference")
    assert (address.is_primary, address.message_id) == (True, "m1")
    email = contact.emails.get()
    assert (email.email, email.snooze_date) == ("ana@example.org", date(2026, 6, 15))
    assert email.message_id == "m1"
    notes = contact.activities.values_list("activity_type", "activity_date", "message_id")
    assert set(notes) == {(Type.OPT_IN, WHEN, "m1"), (Type.EMAIL_PREFERENCES, WHEN, "m1")}
    assert json.loads(contact.activities.get(activity_type=Type.EMAIL_PREFERENCES).details) == {
        "country": "FR",
        "language": "fr_FR",
        "send_email": True,
        "snooze_date": "2026-06-15",
    }


def test_what_is_not_said_stays() -> None:
    contact = known(opt_in=True, preferred_language="es_MX")
    Address.objects.create(contact=contact, country="MX", is_primary=True)
    before = Contact.objects.values().get()
    assert told(QUEUE, preferences(contact, language="", country="", snooze_date="")) == []
    assert Contact.objects.values().get() == before
    assert contact.addresses.get().location_type == "Home"
    assert contact.activities.get().activity_type == Type.EMAIL_PREFERENCES
    assert not OutgoingMail.objects.exists()


@pytest.mark.parametrize("said", ["false", False, "0", 0])
def test_no_is_no(said: object) -> None:
    contact = known(opt_in=True)
    told(QUEUE, preferences(contact, send_email=said))
    contact = fresh(contact)
    assert (contact.opt_in, contact.is_opt_out) == (False, True)
    assert contact.activities.filter(activity_type=Type.UNSUBSCRIBE).count() == 1


def test_yes_clears_an_earlier_no() -> None:
    contact = known(opt_in=False, is_opt_out=True)
    told(QUEUE, preferences(contact, send_email="true"))
    contact = fresh(contact)
    assert (contact.opt_in, contact.is_opt_out) == (True, False)


class TestSnooze:
    @pytest.mark.parametrize(
        ("was", "is_now"), [("2026-08-01", "2026-05-02"), ("2026-05-01", "2026-05-01")]
    )
    def test_yes_ends_a_longer_one_on_the_next_day(self, was: str, is_now: str) -> None:
        contact = known(opt_in=True)
        contact.emails.update(snooze_date=was)
        told(QUEUE, preferences(contact, send_email="true"))
        assert contact.emails.get().snooze_date == date.fromisoformat(is_now)

    def test_no_leaves_it(self) -> None:
        contact = known()
        contact.emails.update(snooze_date="2026-08-01")
        told(QUEUE, preferences(contact, send_email="false"))
        assert contact.emails.get().snooze_date == date(2026, 8, 1)

    def test_it_is_of_the_primary_address(self) -> None:
        contact = known()
        Email.objects.create(contact=contact, email="w@example.org", location_type="paypal")
        told(QUEUE, preferences(contact, snooze_date="2026-08-01"))
        assert set(contact.emails.values_list("email", "snooze_date")) == {
            ("ana@example.org", date(2026, 8, 1)),
            ("w@example.org", None),
        }


class TestCountry:
    def test_it_comes_before_what_was_known(self) -> None:
        contact = known()
        Address.objects.create(contact=contact, city="Lyon", country="FR", is_primary=True)
        told(QUEUE, preferences(contact, country="de"))
        assert set(contact.addresses.values_list("location_type", "country", "is_primary")) == {
            ("Home", "FR", False),
            ("EmailPreference", "DE", True),
        }

    def test_the_next_one_replaces_it(self) -> None:
        contact = known()
        told(QUEUE, preferences(contact, country="DE"))
        told(QUEUE, preferences(contact, country="FR", source_enqueued_time=MAY + DAY))
        assert contact.addresses.get().country == "FR"

    def test_one_that_there_is_not_changes_nothing(self) -> None:
        contact = known()
        assert told(QUEUE, preferences(contact, country="XX", send_email="false")) == []
        assert not contact.addresses.exists()
        assert fresh(contact).is_opt_out


class TestProof:
    def test_an_expired_checksum_will_do(self) -> None:
        contact = known()
        checksum = old_checksum(contact, hours=1, issued=MAY - 300 * DAY)
        assert told(QUEUE, preferences(contact, checksum=checksum, send_email="true")) == []
        assert fresh(contact).opt_in is True

    def test_a_signed_one_will_do(self) -> None:
        contact = known()
        until = timezone.now() - timedelta(days=1)
        checksum = checksums.signed(contact.pk, contact.hash, until)
        assert told(QUEUE, preferences(contact, checksum=checksum, send_email="true")) == []
        assert fresh(contact).opt_in is True

    def test_that_of_another_contact_will_not(self) -> None:
        contact, other = known(), known("bo@example.org", hash="6" * 32)
        message = preferences(contact, checksum=old_checksum(other), send_email="false")
        assert faults(told(QUEUE, message)) == [("INVALID_MESSAGE", "checksum")]
        assert not Activity.objects.exists()
        assert not Contact.objects.filter(is_opt_out=True).exists()

    def test_one_that_only_proves_a_mailbox_will_not(self) -> None:
        contact = known()
        until = timezone.now() + timedelta(days=1)
        checksum = checksums.signed(contact.pk, contact.hash, until, "ana@example.org")
        message = preferences(contact, checksum=checksum)
        assert faults(told(QUEUE, message)) == [("INVALID_MESSAGE", "checksum")]

    def test_a_merged_contact_is_followed(self) -> None:
        contact = known()
        old = known("", is_deleted=True, merged_into=contact)
        assert told(QUEUE, preferences(old, send_email="true")) == []
        assert fresh(contact).opt_in is True
        assert fresh(old).opt_in is None

    def test_a_deleted_contact_is_not_changed(self) -> None:
        contact = known(is_deleted=True)
        letters = told(QUEUE, preferences(contact, send_email="true"))
        assert faults(letters) == [("INVALID_MESSAGE", "contact_id")]

    def test_nobody_is_not_changed(self) -> None:
        message = preferences(Contact(pk=4711, hash="5" * 32))
        assert faults(told(QUEUE, message)) == [("INVALID_MESSAGE", "contact_id")]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("contact_id", None),
        ("contact_id", ""),
        ("contact_id", "12x"),
        ("contact_id", 0),
        ("checksum", None),
        ("checksum", ""),
        ("email", None),
        ("email", "not an address"),
        ("country", "F1"),
        ("language", "fr/FR"),
        ("send_email", "perhaps"),
        ("snooze_date", "15.01.2026"),
        ("snooze_date", "2026-02-30"),
    ],
)
def test_what_cannot_be_names_its_field(field: str, value: object) -> None:
    message = preferences(known())
    message[field] = value
    if value is None:
        del message[field]
    (letter,) = told(QUEUE, message)
    assert (letter.code, letter.field) == ("INVALID_MESSAGE", field)
    assert str(value or "?") not in letter.error
    assert not Activity.objects.exists()


def test_one_bad_message_takes_no_other_along() -> None:
    contact, other = known(), known("bo@example.org")
    letters = told(
        QUEUE,
        preferences(contact, send_email="true"),
        preferences(other, checksum="nonsense"),
        preferences(other, email="bo@example.org", language="de"),
    )
    assert faults(letters) == [("INVALID_MESSAGE", "checksum")]
    assert fresh(contact).opt_in is True
    assert fresh(other).preferred_language == "de_DE"


class TestMails:
    def sent(self) -> list[tuple[str, str, str]]:
        return list(OutgoingMail.objects.values_list("template", "recipient", "language"))

    def test_another_address_is_asked_to_confirm(
        self, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
    ) -> None:
        contact = known()
        message = preferences(
            contact, email="New@example.org", email_checksum="abc", language="es-419"
        )
        with django_capture_on_commit_callbacks(execute=True):
            told(QUEUE, message)
        assert self.sent() == [("verify_email", "New@example.org", "es_MX")]
        assert mail.outbox[0].to == ["New@example.org"]
        assert contact.emails.get().email == "ana@example.org", "until it is confirmed"

    def test_one_mail_for_one_message(self) -> None:
        message = preferences(
            known(), message_id="m1", email="new@example.org", email_checksum="abc"
        )
        told(QUEUE, message)
        told(QUEUE, message)
        assert OutgoingMail.objects.get().key == "m1"

    @pytest.mark.parametrize(
        "fields",
        [{"email": "new@example.org"}, {"email": "ANA@example.org", "email_checksum": "a"}],
    )
    def test_none_where_nothing_is_to_be_confirmed(self, fields: Message) -> None:
        told(QUEUE, preferences(known(), **fields))
        assert self.sent() == []

    def test_double_opt_in_is_asked_for_where_the_law_wants_it(self) -> None:
        told(QUEUE, preferences(known(), country="DE", send_email="true"))
        assert self.sent() == [("double_opt_in", "ana@example.org", "en_US")]

    @pytest.mark.parametrize(
        "fields",
        [
            {"country": "FR", "send_email": "true"},
            {"country": "DE", "send_email": "false"},
            {"country": "DE"},
        ],
    )
    def test_and_only_there(self, fields: Message) -> None:
        told(QUEUE, preferences(known(), **fields))
        assert self.sent() == []

    def test_and_only_of_who_did_not_want_our_mail_before(self) -> None:
        told(QUEUE, preferences(known(opt_in=True), country="DE", send_email="true"))
        assert self.sent() == []

    def test_and_only_of_who_has_not_confirmed(self) -> None:
        contact = known()
        told("verify-email", verification(contact))
        message = preferences(contact, email="new@example.org", country="DE", send_email="true")
        told(QUEUE, message)
        assert self.sent() == []
        assert contact.activities.filter(activity_type=Type.DOUBLE_OPT_IN).count() == 1


def test_the_end_is_the_same_in_any_order() -> None:
    def choices(contact: Contact) -> list[Told]:
        def at(days: int, **fields: object) -> Message:
            return preferences(contact, source_enqueued_time=MAY + days * DAY, **fields)

        gift = contribute(gateway="adyen", order_id="119223.1")
        Contribution.objects.filter(pk=gift.pk).update(contact=contact)
        no = {"email": "ana@example.org", "process": "unsubscribe", "contribution-id": gift.pk}
        return [
            (QUEUE, at(0, snooze_date="2026-08-01", language="de", country="DE")),
            (QUEUE, at(1, send_email="true", language="fr", country="CH")),
            ("unsubscribe", {**no, "source_enqueued_time": MAY + 2 * DAY}),
            ("verify-email", verification(contact, source_enqueued_time=MAY + 2 * DAY)),
        ]

    ends = []
    for order in permutations(range(4)):
        with transaction.atomic():
            messages = choices(known())
            told_each(messages[number] for number in order)
            # Once more, each by another producer.
            told_each((queue, {**message, "message_id": queue}) for queue, message in messages[:1])
            ends.append(contents())
            transaction.set_rollback(True)
    assert all(end == ends[0] for end in ends)


@pytest.mark.parametrize("languages", [("de", "fr"), ("fr", "de")])
def test_of_two_choices_of_one_second_one_counts_in_any_order(languages: tuple[str, str]) -> None:
    contact = known()
    for language in languages:
        told(QUEUE, preferences(contact, language=language))
    assert fresh(contact).preferred_language == "fr_FR"


def test_what_others_wrote_on_the_record_is_no_choice() -> None:
    contact = known()
    Activity.objects.create(
        contact=contact, activity_type=Type.EMAIL_PREFERENCES, details="by hand: wants German"
    )
    assert told(QUEUE, preferences(contact, language="fr")) == []
    assert fresh(contact).preferred_language == "fr_FR"
