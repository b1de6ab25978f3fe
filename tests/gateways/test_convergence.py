"""The order in which a payment's messages come, and how often, makes no difference."""

import json
from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest
from django.db import transaction

from fundraising.gateways.models import ProcessorEvent
from fundraising.pending.models import PendingTransaction
from queues.models import DamagedMessage
from tests.gateways.jobs import HEARD, Message, do, job, pending, pushed, told
from tests.gateways.notifications import (
    ADYEN,
    DLOCAL,
    GRAVY,
    PAYPAL,
    capture,
    contract,
    dlocal,
    express_checkout,
    gravy,
    instalment,
    profile,
)
from tests.gateways.test_dlocal import WALLET
from tests.pending.messages import store_group

pytestmark = pytest.mark.django_db

PENDING = "pending"
DELETE = r"SmashPig\Core\Jobs\DeletePendingJob"
Step = tuple[str, Message]


def adyen(*names: str, **begun: Any) -> list[Step]:
    method = "ideal" if begun.get("payment_submethod") == "rtbt_ideal" else "visa"
    jobs = {
        "capture": job(rf"{ADYEN}\RecordCaptureJob", capture()),
        "captured again": job(
            rf"{ADYEN}\RecordCaptureJob", capture(), source_enqueued_time=HEARD + 1
        ),
        "contract": job(rf"{ADYEN}\RecurringContractJob", contract(paymentMethod=method)),
        "contract again": job(
            rf"{ADYEN}\RecurringContractJob",
            contract(paymentMethod=method),
            source_enqueued_time=HEARD + 1,
        ),
    }
    return [(PENDING, pending(**begun)), *(("jobs-adyen", jobs[name]) for name in names)]


def by_dlocal(**begun: Any) -> list[Step]:
    token = {"recurring_payment_token": "CID-1"}
    return [
        (PENDING, pending(gateway="dlocal", **begun)),
        ("jobs-dlocal", job(rf"{DLOCAL}\AuthorizedMessageJob", dlocal("AUTHORIZED", **token))),
        ("jobs-dlocal", job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID"))),
        ("jobs-dlocal", job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID"), source_run_id=1)),
    ]


IDEAL = {"recurring": "1", "payment_method": "rtbt", "payment_submethod": "rtbt_ideal"}
STORIES: dict[str, list[Step]] = {
    "adyen": adyen("capture", "captured again"),
    "adyen, recurring": adyen("capture", "contract", "contract again", recurring="1"),
    "adyen, token known": adyen(
        "capture", "contract", recurring="1", recurring_payment_token="TOKEN00000000001"
    ),
    "adyen, recurring by iDEAL": adyen("capture", "captured again", "contract", **IDEAL),
    "dlocal": by_dlocal(recurring_payment_token="CID-1"),
    "dlocal, recurring": by_dlocal(recurring="1"),
    "dlocal, wallet": [
        (PENDING, pending(gateway="dlocal", recurring="1")),
        ("jobs-dlocal", job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID", **WALLET))),
        (
            "jobs-dlocal",
            job(rf"{DLOCAL}\PaidMessageJob", dlocal("PAID", **WALLET), source_run_id=1),
        ),
    ],
    "gravy": [
        (PENDING, pending(gateway="gravy")),
        ("jobs-gravy", job(rf"{GRAVY}\RecordCaptureJob", gravy())),
        ("jobs-gravy", job(rf"{GRAVY}\RecordCaptureJob", gravy(), source_run_id=1)),
    ],
    "paypal": [
        (PENDING, pending(gateway="paypal_ec")),
        ("jobs-paypal", job(PAYPAL, express_checkout())),
        ("jobs-paypal", job(PAYPAL, express_checkout(resend="true"))),
    ],
    "paypal, recurring": [
        (PENDING, pending(gateway="paypal_ec", recurring="1")),
        ("jobs-paypal", job(PAYPAL, profile("recurring_payment_profile_created"))),
        ("jobs-paypal", job(PAYPAL, instalment())),
        ("jobs-paypal", job(PAYPAL, instalment(txn_id="4XJ00000000000002"))),
    ],
    "failed": [
        (PENDING, pending()),
        ("jobs-adyen", job(DELETE, {"gateway": "adyen", "order_id": "119223.1"})),
    ],
}


def settle(steps: Sequence[Step]) -> None:
    """Let the messages come in this order, and the parked ones come due until none is left."""
    left = list(steps)
    while left:
        parked = []
        for queue, message in left:
            if queue == PENDING:
                store_group(message)
            elif do(queue, message) == ["MISSING_PREDECESSOR"]:
                DamagedMessage.objects.update(status=DamagedMessage.Status.RESENT, retry_at=None)
                parked.append((queue, message))
        assert len(parked) < len(left), "the same messages wait for ever"
        left = parked


def outcome() -> Any:
    """All that is left of it: what was pushed on, and the pending rows.

    Which of two notifications of one thing was heard is told by ``origin_*`` alone.
    """
    queues = ("donations", "recurring", "refund", "upi-donations")
    return {
        "pushed": sorted(
            (queue, message["message_id"], json.dumps(told(message), sort_keys=True))
            for queue in queues
            for message in pushed(queue)
        ),
        "events": sorted(ProcessorEvent.objects.values_list("event_id", "queue", "order_id")),
        "pending": [
            (row.order_id, row.gateway_txn_id, row.is_resolved, row.details)
            for row in PendingTransaction.objects.order_by("order_id", "gateway_txn_id")
        ],
        "for a person": DamagedMessage.objects.filter(status=DamagedMessage.Status.DAMAGED).count(),
    }


def outcome_of(steps: Sequence[Step]) -> Any:
    """What these messages lead to in an empty database."""
    with transaction.atomic():
        settle(steps)
        result = outcome()
        transaction.set_rollback(True)
    return result


@pytest.mark.parametrize("story", STORIES)
def test_every_order_ends_the_same(story: str) -> None:
    steps = STORIES[story]
    expected = outcome_of(steps)
    assert expected["for a person"] == 0
    assert expected["pending"][0][2] or story.startswith("paypal")
    for order in permutations(steps):
        assert outcome_of(order) == expected
