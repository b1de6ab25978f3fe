"""Recurring contributions from before there were events go on from where they were."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.forms import model_to_dict

from fundraising.crm.models import Contact, RecurringContribution, RecurringEvent
from fundraising.crm.recurring import history

pytestmark = pytest.mark.django_db

Status = RecurringContribution.Status
WHEN = datetime(2026, 3, 31, 9, tzinfo=UTC)
DAY = timedelta(days=1)

migration = import_module("fundraising.crm.migrations.0003_recurring_history")


def record(**fields: Any) -> RecurringContribution:
    terms = {
        "amount": Decimal("12.34"),
        "currency": "EUR",
        "frequency_unit": "year",
        "start_date": WHEN + DAY,
        "create_date": WHEN,
        "cycle_day": 31,
        "next_sched_contribution_date": WHEN + 30 * DAY,
        "gateway": "adyen",
        "payment_instrument": "Credit Card: Visa",
        "original_country": "FR",
        "message_id": "m-1",
    }
    return RecurringContribution.objects.create(
        contact=Contact.objects.create(), **{**terms, **fields}
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"status": Status.PENDING},
        {"status": Status.IN_PROGRESS, "next_sched_contribution_date": None},
        {"status": Status.FAILING, "failure_count": 2, "failure_retry_date": WHEN + 3 * DAY},
        {
            "status": Status.CANCELLED,
            "cancel_date": WHEN + 9 * DAY,
            "end_date": WHEN + 9 * DAY,
            "cancel_reason": "enough",
        },
        {"status": Status.FAILED, "cancel_date": WHEN + 9 * DAY, "end_date": WHEN + 9 * DAY},
    ],
)
def test_the_state_is_told_by_events(fields: dict[str, Any]) -> None:
    before = record(**fields)
    migration.begin(apps, None)
    row = RecurringContribution.objects.get()
    history.refold({row.pk: row})
    row.refresh_from_db()
    assert model_to_dict(row) == model_to_dict(before)
    is_ended = "cancel_date" in fields
    kinds = RecurringEvent.objects.values_list("kind", flat=True)
    assert list(kinds) == ["created", "cancelled"][: 1 + is_ended]


def test_records_with_events_are_left_alone() -> None:
    record()
    migration.begin(apps, None)
    migration.begin(apps, None)
    assert RecurringEvent.objects.count() == 1


def test_an_end_is_an_end_for_what_comes_later() -> None:
    record(gateway="paypal", status=Status.CANCELLED, cancel_date=WHEN + 9 * DAY)
    migration.begin(apps, None)
    row = RecurringContribution.objects.get()
    for number, day in enumerate((8, 10)):
        told = {"revives": True, "self_scheduled": True}
        at = WHEN + day * DAY
        kind = RecurringEvent.Kind.PAYMENT
        message_id = str(number)
        history.add([history.event(row, kind, at, queue="q", message_id=message_id, **told)])
        row.refresh_from_db()
        assert row.status == (Status.CANCELLED if day < 9 else Status.IN_PROGRESS)
