"""Erasing a donor: nothing personal stays in any table, and no money goes."""

import json
from typing import Any

import pytest
import redis
from django.utils import timezone

from fundraising.crm.contacts.checksums import checksum, is_valid
from fundraising.crm.models import (
    Contact,
    Contribution,
    Email,
    RecurringContribution,
    RecurringEvent,
    TokenDeletion,
)
from fundraising.mails.models import OutgoingMail
from fundraising.pending.models import PendingTransaction
from fundraising.privacy.erasure import Refused, erase, plan
from fundraising.privacy.holdings import HOLDINGS
from fundraising.privacy.models import Erasure
from fundraising.tracking import log
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues.models import DamagedMessage, OutboxMessage
from tests.crm.imports import donation
from tests.deliveries import deliver
from tests.privacy import donors
from tests.queues.damage import damage

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(frqueue: redis.Redis) -> Contact:
    return donors.donor(frqueue)


def erased(contact: Contact) -> Erasure:
    return erase(contact.pk, by="ana", reason="request 118")


def money() -> list[dict[str, Any]]:
    """All that is known of the money."""
    rows = [
        *Contribution.objects.order_by("pk").values(),
        *RecurringContribution.objects.order_by("pk").values(),
    ]
    return [
        {name: value for name, value in row.items() if name != "processor_contact_id"}
        for row in rows
    ]


def test_nothing_personal_stays_in_any_table(contact: Contact) -> None:
    # The donor of the tests is in every table that the erasure knows of.
    assert {where.rpartition(".")[0] for where, _ in donors.secrets()} == {
        holding.model._meta.label for holding in HOLDINGS
    }
    assert {secret for _, secret in donors.secrets()} == set(donors.SECRETS)
    erased(contact)
    assert donors.secrets() == set()


def test_the_record_of_the_money_stays(contact: Contact) -> None:
    before = money()
    erased(contact)
    assert money() == before
    contribution = Contribution.objects.get()
    assert contribution.contact == contact
    assert (contribution.gateway_txn_id, contribution.order_id) == (donors.PAYMENT, donors.ORDER)


def test_what_tells_of_the_money_stays_in_raw_messages(contact: Contact) -> None:
    erased(contact)
    kept = {"gateway": "paypal", "order_id": donors.ORDER, "gross": "12.00", "currency": "USD"}
    row = PendingTransaction.objects.get()
    assert kept.items() <= row.message.items()
    damaged = DamagedMessage.objects.get(original_queue="refund")
    assert {**kept, "gross": "x", "message_id": "repaired"}.items() <= json.loads(
        damaged.body
    ).items()
    broken = DamagedMessage.objects.get(original_queue="donations")
    assert json.loads(broken.body) == {"order_id": donors.ORDER, "message_id": broken.message_id}
    (point,) = TrackingDataPoint.objects.all()
    assert {"utm_campaign": "C25", "country": "NL"}.items() <= point.message.items()


def test_the_audit_trail_names_nobody(contact: Contact) -> None:
    done = erased(contact)
    assert (done.contact, done.by, done.reason) == (contact, "ana", "request 118")
    assert done.counts["emails"] == 1
    assert done.counts["damaged messages"] == 3
    assert list(Erasure.objects.all()) == [done]


def test_the_plan_counts_what_is_erased_and_changes_nothing(contact: Contact) -> None:
    before = list(donors.everything())
    planned = plan(contact.pk)
    assert list(donors.everything()) == before
    assert (planned.obstacles, planned.counts) == ([], erased(contact).counts)


def test_erasing_again_finds_nothing_more(contact: Contact) -> None:
    erased(contact)
    assert plan(contact.pk).counts == {"contacts": 1}
    assert erased(contact).counts == {"contacts": 1}


def test_old_links_of_the_donor_are_dead(contact: Contact) -> None:
    now = timezone.now()
    link = checksum(contact.pk, contact.hash, now, None)
    erased(contact)
    contact.refresh_from_db()
    assert not is_valid(link, contact.pk, contact.hash, now)


def test_summaries_made_anew_stay_without_the_visitor(contact: Contact) -> None:
    erased(contact)
    before = list(ContributionTracking.objects.values())
    log.refold([donors.VISIT])
    assert list(ContributionTracking.objects.values()) == before
    assert before[0]["utm_campaign"] == "C25"


def test_recurring_state_made_anew_stays_without_the_donor(contact: Contact) -> None:
    erased(contact)
    for event in RecurringEvent.objects.all():
        assert "processor_contact_id" not in event.details


def test_a_mail_that_waits_is_not_sent(contact: Contact) -> None:
    sent = OutgoingMail.objects.create(
        contact=contact, template="verify_email", key="k", status="sent", recipient=donors.EMAIL
    )
    erased(contact)
    assert OutgoingMail.objects.get(pk=sent.pk).status == "sent"
    waiting = OutgoingMail.objects.exclude(pk=sent.pk).get()
    assert (waiting.status, waiting.recipient, waiting.context) == ("withheld", "", {})


class TestOthers:
    """Only the donor is erased."""

    def test_another_donor_keeps_everything(self, contact: Contact, frqueue: redis.Redis) -> None:
        other = donors.give(frqueue, donation(email=f"x{donors.EMAIL}", message_id="other"))
        damage({**donation(email=f"{donors.EMAIL}.uk")}, queue="donations")
        deliver(frqueue, "pending", donation(email="other@example.org", message_id="begun"))
        kept = [
            Contact.objects.filter(pk=other.pk),
            Email.objects.filter(contact=other),
            Contribution.objects.filter(contact=other),
            PendingTransaction.objects.filter(email="other@example.org"),
            DamagedMessage.objects.filter(email=f"{donors.EMAIL}.uk".lower()),
        ]
        before = [list(rows.values()) for rows in kept]
        assert all(before)
        erased(contact)
        assert [list(rows.values()) for rows in kept] == before

    def test_contacts_merged_into_the_donor_are_the_donor(self, contact: Contact) -> None:
        duplicate = Contact.objects.create(
            first_name="Leocadia", is_deleted=True, merged_into=contact
        )
        Email.objects.create(contact=duplicate, email="leocadia@example.org")
        erased(contact)
        assert donors.secrets() == set()

    def test_a_contact_merged_into_another_is_not_erased_alone(self, contact: Contact) -> None:
        duplicate = Contact.objects.create(is_deleted=True, merged_into=contact)
        with pytest.raises(Refused, match=f"merged into contact {contact.pk}"):
            plan(duplicate.pk)
        with pytest.raises(Refused, match=f"merged into contact {contact.pk}"):
            erased(duplicate)


class TestNotAgain:
    """An erased donor does not come back by old messages; by a new one as somebody new."""

    def test_a_redelivery_is_stopped_by_the_inbox(
        self, frqueue: redis.Redis, contact: Contact
    ) -> None:
        erased(contact)
        before = list(donors.everything())
        for queue, message in donors.TOLD:
            assert deliver(frqueue, queue, message) == []
        assert list(donors.everything()) == before

    @pytest.mark.parametrize("hint", [{}, {"contact_id": True}])
    def test_a_later_donation_makes_a_new_contact(
        self, frqueue: redis.Redis, contact: Contact, hint: dict[str, bool]
    ) -> None:
        erased(contact)
        later = {"gateway_txn_id": "LATER", "order_id": "999.1", "contribution_tracking_id": "999"}
        named = {name: str(contact.pk) for name in hint}
        new = donors.give(
            frqueue,
            donors.gift(message_id="later", subscr_id="I-999", **later, **named),
        )
        assert new != contact
        contact.refresh_from_db()
        assert (contact.first_name, contact.display_name, contact.is_deleted) == ("", "", True)
        assert new.payment_tokens.get().token == "token-of-leo"


def test_a_token_stays_until_the_processor_has_deleted_it(contact: Contact) -> None:
    TokenDeletion.objects.update(deleted_at=None)
    (warning,) = plan(contact.pk).warnings
    assert "is not done at the processor" in warning
    erased(contact)
    assert TokenDeletion.objects.get().token == "token-of-leo-2"
    TokenDeletion.objects.update(deleted_at=timezone.now())
    erased(contact)
    assert donors.secrets() == set()


class TestRefusals:
    """What stands against erasing, and that it then changes nothing."""

    @staticmethod
    def refused(contact: Contact, text: str) -> None:
        before = list(donors.everything())
        assert any(text in reason for reason in plan(contact.pk).obstacles)
        with pytest.raises(Refused, match=text):
            erased(contact)
        assert list(donors.everything()) == before

    @pytest.mark.parametrize("status", ["Pending", "In Progress", "Processing", "Failing"])
    def test_an_active_recurring_contribution(self, contact: Contact, status: str) -> None:
        RecurringContribution.objects.update(status=status)
        self.refused(contact, f"is {status}: cancel it first")

    @pytest.mark.parametrize("status", ["Cancelled", "Failed", "Completed"])
    def test_not_one_that_has_ended(self, contact: Contact, status: str) -> None:
        RecurringContribution.objects.update(status=status)
        assert plan(contact.pk).obstacles == []

    @pytest.mark.parametrize(
        ("status", "text"),
        [
            ("damaged", "needs a person: repair or discard it first"),
            ("waiting", "waits for its retry"),
            ("resent", "was sent again and is not imported yet"),
        ],
    )
    @pytest.mark.parametrize("known_by", ["order_id", "gateway_txn_id", "email", "payload"])
    def test_a_message_that_is_not_imported(
        self, contact: Contact, status: str, text: str, known_by: str
    ) -> None:
        told = donors.gift(message_id="open", gateway="paypal")
        fields = {
            "payload": {"payload": {"email": donors.EMAIL}},
            "email": {"email": donors.EMAIL, "gateway": "adyen"},
        }.get(known_by) or {"gateway": "paypal", known_by: told[known_by]}
        row = damage({"message_id": "open", **fields}, queue="donations")
        DamagedMessage.objects.filter(pk=row.pk).update(status=status)
        self.refused(contact, text)

    def test_a_message_that_is_on_its_way_out(self, contact: Contact) -> None:
        body = json.dumps({"email": donors.EMAIL.upper()}).encode()
        OutboxMessage.objects.create(queue="pending", body=body, message_id="m1")
        self.refused(contact, "on its way")

    def test_a_reason_is_needed(self, contact: Contact) -> None:
        with pytest.raises(ValueError, match="reason"):
            erase(contact.pk, by="ana", reason="  ")
        assert donors.secrets()


def test_an_undecided_payment_is_told_and_keeps_its_money(
    frqueue: redis.Redis, contact: Contact
) -> None:
    begun = donors.gift(
        message_id="begun", order_id="900.1", gateway_txn_id="T900", recurring="", gross="7.00"
    )
    deliver(frqueue, "pending", begun)
    (warning,) = plan(contact.pk).warnings
    assert warning.startswith("the payment paypal 900.1 is not decided")
    erased(contact)
    assert donors.secrets() == set()
    sparse = {
        "gateway": "paypal",
        "order_id": "900.1",
        "gateway_txn_id": "T900",
        "completion_message_id": "paypal-900.1",
    }
    new = donors.give(frqueue, sparse)
    assert new != contact
    booked = Contribution.objects.get(gateway_txn_id="T900")
    assert (str(booked.original_amount), booked.contribution_tracking_id) == (
        "7.0000",
        donors.VISIT,
    )
