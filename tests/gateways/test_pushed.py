"""What jobs push on is what the consumers of those queues read, and donations import."""

from decimal import Decimal
from typing import Any

import pytest

from fundraising.crm.models import Contribution
from fundraising.pending.models import PendingTransaction
from queues.models import OutboxMessage
from queues.received import Received, Refused, read
from queues.routes import routes
from tests.crm.imports import import_one, verdicts
from tests.gateways.jobs import Message, begin, do_one, job
from tests.gateways.notifications import (
    ADYEN,
    DLOCAL,
    GRAVY,
    PAYPAL,
    cancellation,
    capture,
    contract,
    dlocal,
    express_checkout,
    form,
    gravy,
    instalment,
    profile,
    refund,
    web_accept,
)
from tests.gateways.test_dlocal import WALLET

pytestmark = pytest.mark.django_db

AMOUNTS = {
    "adyen": Decimal(10),
    "dlocal": Decimal(505),
    "gravy": Decimal(10),
    "paypal": Decimal(7),
    "paypal_ec": Decimal(7),
}
IDEAL: Message = {"recurring": "1", "payment_method": "rtbt", "payment_submethod": "rtbt_ideal"}
TOKEN: Message = {"recurring": "1", "recurring_payment_token": "TOKEN1"}

# What the donor began (None: not on our form), the queue and the job.
DONATIONS: dict[str, tuple[Message | None, str, Message]] = {
    "adyen": ({}, "jobs-adyen", job(rf"{ADYEN}\RecordCaptureJob", capture())),
    "adyen, recurring": (TOKEN, "jobs-adyen", job(rf"{ADYEN}\RecordCaptureJob", capture())),
    "adyen, by bank": (
        IDEAL,
        "jobs-adyen",
        job(rf"{ADYEN}\RecurringContractJob", contract(paymentMethod="ideal")),
    ),
    "dlocal": (
        {"gateway": "dlocal"},
        "jobs-dlocal",
        job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID")),
    ),
    "gravy": ({"gateway": "gravy"}, "jobs-gravy", job(rf"{GRAVY}\RecordCaptureJob", gravy())),
    "gravy, recurring": (
        {"gateway": "gravy", "recurring": "1"},
        "jobs-gravy",
        job(rf"{GRAVY}\RecordCaptureJob", gravy(recurring_payment_token="TOKEN2")),
    ),
    "paypal, by our form": (
        {"gateway": "paypal_ec", "payment_method": "paypal", "payment_submethod": ""},
        "jobs-paypal",
        job(PAYPAL, express_checkout()),
    ),
    "paypal, by a button": (None, "jobs-paypal", job(PAYPAL, web_accept())),
    "paypal, by Give Lively": (
        None,
        "jobs-paypal",
        job(PAYPAL, web_accept(txn_type="cart", custom="")),
    ),
}
# To which queue, from which, and the job.
OTHERS: dict[str, tuple[str, str, Message]] = {
    "wallet": (
        "upi-donations",
        "jobs-dlocal",
        job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID", **WALLET)),
    ),
    "wallet disabled": (
        "upi-donations",
        "jobs-dlocal",
        job(rf"{DLOCAL}\RejectedMessageJob", dlocal("REJECTED", gateway_status_code=322, **WALLET)),
    ),
    "cancellation": (
        "recurring",
        "jobs-gravy",
        job(rf"{GRAVY}\RecurringCancellationJob", cancellation()),
    ),
    "refund": ("refund", "jobs-paypal", job(PAYPAL, refund())),
    "chargeback": ("refund", "jobs-paypal", job(PAYPAL, refund(txn_type="adjustment"))),
}
AGREEMENTS = [
    instalment(),
    profile("recurring_payment_profile_created"),
    profile("recurring_payment_profile_cancel"),
    profile("recurring_payment_failed", next_payment_date="03:00:00 Mar 08, 2026 PST"),
    profile("recurring_payment_suspended"),
    profile("recurring_payment_expired"),
    form(txn_type="subscr_signup", subscr_id="S-1", period3="1 M", mc_amount3="5.00"),
    form(txn_type="subscr_payment", subscr_id="S-1", txn_id="T1", mc_gross="5.00"),
    form(txn_type="subscr_cancel", subscr_id="S-1"),
    form(txn_type="subscr_failed", subscr_id="S-1"),
    form(txn_type="subscr_eot", subscr_id="S-1"),
]
for agreement in AGREEMENTS:
    OTHERS[agreement["txn_type"]] = ("recurring", "jobs-paypal", job(PAYPAL, agreement))


def push(job_queue: str, message: Message) -> tuple[str, bytes]:
    """Do a job; the only message that it pushes: the queue and the bytes."""
    assert do_one(job_queue, message) == ""
    row = OutboxMessage.objects.get()
    row.delete()
    return row.queue, bytes(row.body)


@pytest.mark.parametrize("name", DONATIONS)
def test_a_donation_is_imported(name: str) -> None:
    begun, job_queue, message = DONATIONS[name]
    if begun is not None:
        begin(**begun)
    queue, body = push(job_queue, message)
    assert queue == "donations"
    assert verdicts([import_one(body)]) == [""]
    contribution = Contribution.objects.get()
    assert contribution.original_amount == AMOUNTS[contribution.gateway]
    assert (contribution.contribution_recur is not None) == ("recurring" in (begun or {}))
    assert not PendingTransaction.objects.unresolved().exists()


@pytest.mark.parametrize("name", OTHERS)
def test_other_messages_fit_their_queue(name: str) -> None:
    queue, job_queue, message = OTHERS[name]
    begin(gateway="dlocal", recurring="1")
    begin(gateway="paypal_ec")
    where, body = push(job_queue, message)
    assert where == queue
    received: Received[Any] | Refused = read(routes()[queue], body)
    assert isinstance(received, Received), received.reason
