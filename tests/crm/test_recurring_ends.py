"""How subscriptions fare and end: failures, cancellations, rescues given up, tokens declined."""

from decimal import Decimal

import pytest

from fundraising.crm.models import (
    Activity,
    Contact,
    RecurringContribution,
    RecurringEvent,
    TokenDeletion,
)
from fundraising.crm.recurring import history
from fundraising.mails.models import OutgoingMail
from tests.crm.imports import DATE, Message, contribution, donation, import_one
from tests.crm.subscriptions import (
    ADDRESS,
    DAY,
    WAITS,
    WHEN,
    Item,
    cancel,
    day,
    failed,
    payment,
    receive,
    record,
    refused,
    relay,
    rescued_record,
    signup,
    tell,
    told,
    verdict,
)

pytestmark = pytest.mark.django_db

Status = RecurringContribution.Status


def test_a_cancellation_ends_the_record_and_is_noted() -> None:
    tell(signup(), cancel(5, cancel_reason="too much mail"))
    row = record()
    assert (row.status, row.cancel_reason) == (Status.CANCELLED, "too much mail")
    assert (row.cancel_date, row.end_date) == (day(5), day(5))
    activity = Activity.objects.get()
    assert (activity.activity_type, activity.contact, activity.source_record_id) == (
        "Cancel Recurring Contribution",
        row.contact,
        row.pk,
    )
    assert (activity.activity_date, activity.subject) == (day(5), "too much mail")
    assert OutgoingMail.objects.count() == 0


def test_a_cancellation_without_a_reason_is_the_donors() -> None:
    tell(signup(), cancel())
    assert record().cancel_reason == "(auto) User Cancelled via Gateway"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_cancellation_told_twice_is_noted_once_as_the_earlier(order: tuple[int, int]) -> None:
    tell(signup())
    twice = [cancel(5, cancel_reason="first"), cancel(6, cancel_reason="second")]
    for at in order:
        tell(twice[at])
    assert (record().cancel_reason, record().cancel_date) == ("first", day(5))
    activity = Activity.objects.get()
    assert (activity.subject, activity.activity_date) == ("first", day(5))


def test_a_payment_that_comes_to_light_between_two_ends_makes_them_two() -> None:
    tell(signup(), cancel(5), cancel(9))
    assert Activity.objects.count() == 1
    tell(payment(7))
    ends = Activity.objects.order_by("activity_date").values_list("activity_date", flat=True)
    assert list(ends) == [day(5), day(9)]
    assert record().cancel_date == day(9)


def test_the_status_of_an_end_may_be_given() -> None:
    tell(signup(), cancel(5, **{"contribution_status_id:name": "Failed"}))
    assert record().status == Status.FAILED
    nonsense = cancel(6, **{"contribution_status_id:name": "In Progress"})
    assert verdict(nonsense) == refused("INVALID_RECURRING")


def test_a_record_is_ended_by_its_number() -> None:
    tell(signup())
    by_number = {"txn_type": "subscr_cancel", "contribution_recur_id": record().pk}
    assert verdict({**by_number, "gateway": "paypal", "date": DATE}) == ("done", "")
    assert record().status == Status.CANCELLED


def test_all_agreements_by_a_deleted_token_end() -> None:
    wallet = {"recurring": "1", "recurring_payment_token": "WALLET"}
    import_one(donation(**wallet))
    import_one(donation(**wallet))
    message = {"txn_type": "subscr_cancel", "recurring_payment_token": "WALLET", "date": DATE + DAY}
    assert verdict({**message, "gateway": "dlocal"}) == WAITS
    assert verdict({**message, "gateway": "adyen"}) == ("done", "")
    statuses = RecurringContribution.objects.values_list("status", flat=True)
    assert list(statuses) == [Status.CANCELLED] * 2
    assert Activity.objects.count() == 2


def give_up(**fields: object) -> Message:
    """As Adyen's listener tells it: without a date."""
    return {
        "txn_type": "subscr_cancel",
        "gateway": "adyen",
        "rescue_reference": "R1",
        "is_autorescue": True,
        "cancel_reason": "Payment cannot be rescued: maximum failures reached",
        "source_enqueued_time": DATE + 40 * DAY,
        **fields,
    }


def test_a_rescue_that_is_given_up_fails_the_record_and_the_donor_is_told() -> None:
    row = rescued_record()
    assert verdict(give_up()) == ("done", "")
    row.refresh_from_db()
    assert (row.status, row.cancel_date, row.rescue_reference) == (Status.FAILED, day(40), "")
    mail = OutgoingMail.objects.get()
    assert (mail.template, mail.contact) == ("recurring_failed", row.contact)
    assert verdict(give_up(comment="again")) == ("done", "")
    assert (OutgoingMail.objects.count(), Activity.objects.count()) == (1, 1)


def test_a_donor_who_gives_by_another_record_is_not_told() -> None:
    row = rescued_record()
    other = RecurringContribution.objects.get()
    other.pk, other.trxn_id = None, "OTHER"
    other.rescue_reference = ""
    other.save()
    tell(give_up())
    row.refresh_from_db()
    assert (row.status, OutgoingMail.objects.count()) == (Status.FAILED, 0)


def test_a_failure_is_counted() -> None:
    tell(signup(), failed(3, failure_retry_date=DATE + 8 * DAY), failed(4), failed(4, comment="2"))
    row = record()
    assert (row.status, row.failure_count, row.failure_retry_date) == (Status.FAILING, 2, day(8))


def test_the_end_of_the_term_changes_nothing() -> None:
    tell(signup(), told("subscr_eot", date=DATE + DAY))
    assert record().status == Status.PENDING
    kinds = RecurringEvent.objects.values_list("kind", flat=True)
    assert list(kinds) == ["signup", "expired"]


@pytest.mark.parametrize("message", [cancel(), failed(), told("subscr_eot")])
def test_what_is_told_of_an_unknown_subscription_waits(message: Message) -> None:
    assert verdict(message) == WAITS


def test_one_bad_message_takes_no_other_along() -> None:
    items = tell(signup(), signup(subscr_id=""), cancel(subscr_id="I-NONE"), failed())
    codes = [item.verdict.code if item.verdict else "" for item in items]
    assert codes == ["", "INVALID_RECURRING", "MISSING_PREDECESSOR", ""]
    assert record().status == Status.FAILING


def decline(**fields: object) -> Message:
    return {
        "txn_type": "monthly_convert_decline",
        "gateway": "adyen",
        "recurring_payment_token": "TOK",
        "processor_contact_id": "P1",
        "payment_method": "cc",
        "order_id": "4300.1",
        "date": DATE,
        **fields,
    }


def test_the_wish_to_have_a_token_deleted_is_kept_once() -> None:
    assert verdict(decline()) == ("done", "")
    assert verdict(decline(comment="again")) == ("done", "")
    row = TokenDeletion.objects.get()
    assert (row.gateway, row.token, row.processor_contact_id) == ("adyen", "TOK", "P1")
    assert (row.order_id, row.asked_at, row.deleted_at) == ("4300.1", WHEN, None)


def test_a_decline_without_a_token_is_refused() -> None:
    assert verdict(decline(recurring_payment_token="")) == refused("INVALID_RECURRING")


def test_every_row_names_the_message_that_wrote_it() -> None:
    begun: list[Item] = tell(signup(**ADDRESS))
    ended = tell(cancel())
    contact = record().contact
    rows = [contact, contact.emails.get(), contact.addresses.get(), record()]
    assert {row.message_id for row in rows} == {begun[0].key}
    assert Activity.objects.get().message_id == ended[0].key


def test_messages_of_loose_types_are_read() -> None:
    loose = {"subscr_id": 2048343366, "recurring": False, "gross": 3}
    (item,) = receive("recurring", signup(**loose))
    assert (item.message.subscr_id, item.message.gross) == ("2048343366", Decimal(3))
    tell(signup(**loose), payment(**loose))
    relay()
    assert contribution(payment()).trxn_id == "RECURRING PAYPAL PAID1"


def test_events_of_a_record_that_nothing_begins_are_refused() -> None:
    contact = Contact.objects.create()
    orphan = RecurringContribution.objects.create(
        contact=contact,
        amount=1,
        currency="EUR",
        start_date=WHEN,
        create_date=WHEN,
        cycle_day=1,
        gateway="adyen",
    )
    kind = RecurringEvent.Kind.AMOUNT
    change = history.event(orphan, kind, WHEN, queue="q", message_id="1", amount=2)
    with pytest.raises(ValueError, match="no event begins"):
        history.add([change])
