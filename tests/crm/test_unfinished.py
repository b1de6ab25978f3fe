"""Refunds of payments for which no donation came."""

from datetime import UTC, datetime

import pytest

from fundraising.pending.models import PendingTransaction
from queues.models import DamagedMessage, InboxMark
from queues.outcomes import SetAside
from queues.routes import routes
from tests.crm.consuming import consume, judge, refund
from tests.crm.imports import DATE, Message, contribution, donation, import_one

pytestmark = pytest.mark.django_db

TRIES = routes()["refund"].retry.attempts


@pytest.fixture
def begun() -> Message:
    """A bank payment that a donor began, and nobody finished."""
    gift = donation(payment_method="rtbt", payment_submethod="rtbt_ideal")
    pending(gift)
    return gift


def pending(gift: Message, **fields: object) -> PendingTransaction:
    return PendingTransaction.objects.create(
        **{
            "gateway": gift["gateway"],
            "order_id": gift["order_id"],
            "date": datetime.fromtimestamp(DATE, UTC),
            "message": gift,
            **fields,
        }
    )


def told(gift: Message, **fields: object) -> Message:
    return refund(
        gift,
        **{
            "message_id": "told",
            "order_id": gift["order_id"],
            "payment_method": "rtbt_ideal",
            **fields,
        },
    )


def tried(times: int) -> None:
    """The message of :func:`told` was parked so often."""
    DamagedMessage.objects.create(
        original_queue="refund",
        original_date=datetime.fromtimestamp(DATE, UTC),
        message_id="told",
        status=DamagedMessage.Status.RESENT,
        attempts=times,
        message=b"{}",
    )


def code(verdict: SetAside | None) -> str:
    return verdict.code if verdict else ""


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"payment_method": "sepadirectdebit"},
        {"payment_method": "", "backend_processor": "Trustly"},
        {"order_id": "", "invoice_id": "4711.1"},
    ],
)
def test_it_ends_when_no_donation_came_in_all_its_tries(begun: Message, fields: Message) -> None:
    row = pending(begun, order_id="4711.1") if "invoice_id" in fields else None
    tried(TRIES)
    assert judge("refund", told(begun, **fields)) is None
    resolved = row or PendingTransaction.objects.get()
    resolved.refresh_from_db()
    assert resolved.is_resolved
    assert InboxMark.objects.filter(queue="refund", key="told").exists()


def test_until_then_the_donation_is_waited_for(begun: Message) -> None:
    tried(TRIES - 1)
    assert code(judge("refund", told(begun))) == "MISSING_PREDECESSOR"
    assert not PendingTransaction.objects.get().is_resolved
    import_one(begun)
    assert consume("refund", told(begun)) == [""]
    assert contribution(begun).contribution_status == "Refunded"


def test_a_refund_of_another_method_is_for_a_person(begun: Message) -> None:
    tried(TRIES)
    assert code(judge("refund", told(begun, payment_method="cc"))) == "MISSING_PREDECESSOR"


def test_a_refund_of_what_nobody_began_is_for_a_person(begun: Message) -> None:
    tried(TRIES)
    assert code(judge("refund", told(donation()))) == "MISSING_PREDECESSOR"


def test_a_donation_that_is_to_be_repaired_is_waited_for(begun: Message) -> None:
    tried(TRIES)
    DamagedMessage.objects.create(
        original_queue="donations",
        original_date=datetime.fromtimestamp(DATE, UTC),
        message_id="donation",
        gateway=begun["gateway"],
        gateway_txn_id=begun["gateway_txn_id"],
        message=b"{}",
    )
    assert code(judge("refund", told(begun))) == "MISSING_PREDECESSOR"
    assert not PendingTransaction.objects.get().is_resolved
