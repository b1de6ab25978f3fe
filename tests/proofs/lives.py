"""The life of one donor, told in messages to all queues, and what the database says of it."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.apps import apps
from django.db.models import ForeignKey, Model

from fundraising.staff.groups import is_ours
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from queues import wire

Told = tuple[str, dict[str, Any]]

# Each life has numbers of its own, all of the same length, so that one can stand for another.
FIRST = 300_000_000
SUBSCRIPTION = 500_000_000

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Keys and moments of this database, and who told a row last: they depend on the order.
_PASSING = frozenset(
    {
        "id",
        "hash",
        "message_id",
        "message_key",
        "digest",
        "created_at",
        "modified_at",
        "updated_at",
        "received_at",
        "imported_at",
        "sent_at",
        "next_try_at",
        "source_host",
        "source_run_id",
        "source_enqueued_time",
        # A mail says what is so when it is written.
        "context",
        # These name rows by their keys.
        "source_record_id",
        "contribution_id",
    }
)
# What tells of messages, not of the donor.
_TABLES_OF_MESSAGES = frozenset({"queues"})


@dataclass(frozen=True)
class Life:
    """One donor: who gives once, has it refunded, and gives monthly for a while."""

    number: int

    @property
    def visit(self) -> int:
        """The tracking id of the one-time donation."""
        return FIRST + self.number

    @property
    def subscription(self) -> int:
        """The tracking id of the monthly one."""
        return SUBSCRIPTION + self.number

    def messages(self) -> list[Told]:
        """What is told, in the order in which it happens; each message has an id."""
        told = [*self._gift(), *self._monthly(), *self._token(), *self._bank()]
        return [
            (queue, {"message_id": f"life-{self.visit}-{place}", **message})
            for place, (queue, message) in enumerate(told)
        ]

    def _gift(self) -> Iterator[Told]:
        """A visit, its fraud score, a payment, and its refund."""
        visit, order = self.visit, f"{self.visit}.1"
        ids = {"contribution_tracking_id": str(visit), "order_id": order, "gateway": "adyen"}
        yield "contribution-tracking", self._point(visit, 0, utm_source="B26_x_dsk_p1_lg..cc")
        yield "contribution-tracking", self._point(visit, 1, amount="12.00", currency="EUR")
        yield (
            "pending",
            {**ids, **self._donor(), **self._money("12.00", "EUR"), "date": _unix(minutes=2)},
        )
        yield "payments-antifraud", {**ids, **self._score(3, initial=10, getCVVResult=0)}
        yield (
            "payments-antifraud",
            {**ids, **self._score(4, initial=10, getCVVResult=0, minfraud_filter="2.5")},
        )
        yield (
            "payments-init",
            {
                **ids,
                "gateway_txn_id": f"TXN{visit}",
                "validation_action": "process",
                "payments_final_status": "complete",
                "payment_method": "cc",
                "payment_submethod": "visa",
                "country": "FR",
                "amount": "12.00",
                "currency": "EUR",
                "server": "payments1",
                "date": _unix(minutes=5),
            },
        )
        yield (
            "donations",
            {
                **ids,
                "completion_message_id": order,
                "gateway_txn_id": f"TXN{visit}",
                "date": _unix(minutes=6),
            },
        )
        yield (
            "refund",
            {
                "gateway": "adyen",
                "type": "refund",
                "gross": "12.00",
                "gross_currency": "EUR",
                "gateway_parent_id": f"TXN{visit}",
                "gateway_refund_id": f"RFD{visit}",
                "date": _unix(days=2),
            },
        )
        yield (
            "opt-in",
            {
                "email": self._donor()["email"],
                "process": "opt_in",
                "source_enqueued_time": _unix(days=3),
            },
        )

    def _monthly(self) -> Iterator[Told]:
        """A PayPal subscription: paid twice, failed once, raised, charged back, cancelled."""
        ids = {
            "gateway": "paypal_ec",
            "subscr_id": f"I-{self.subscription}",
            "contribution_tracking_id": str(self.subscription),
            "order_id": f"{self.subscription}.1",
            **self._donor(),
            "gross": "5.00",
            "currency": "CAD",
            "recurring": "1",
        }
        schedule = {"frequency_unit": "month", "frequency_interval": "1", "installments": 0}
        yield "contribution-tracking", self._point(self.subscription, 10, utm_source="B26..paypal")
        began = {"date": _unix(days=5), "start_date": _unix(days=5), "create_date": _unix(days=5)}
        yield "recurring", {**ids, **schedule, **began, "txn_type": "subscr_signup"}
        for month in (1, 2):
            paid = {"gateway_txn_id": f"PP{month}{self.subscription}", "payment_method": "paypal"}
            yield (
                "recurring",
                {**ids, **paid, "txn_type": "subscr_payment", "date": _unix(days=5 + 31 * month)},
            )
        yield "recurring", {**ids, "txn_type": "subscr_failed", "date": _unix(days=80)}
        yield (
            "recurring-modify",
            {
                "txn_type": "recurring_upgrade",
                "gateway": "paypal_ec",
                "subscr_id": f"I-{self.subscription}",
                "amount": "7.50",
                "currency": "CAD",
                "source_enqueued_time": _unix(days=90),
            },
        )
        yield (
            "refund",
            {
                "gateway": "paypal_ec",
                "type": "chargeback",
                "gross": "5.00",
                "gross_currency": "CAD",
                "gateway_parent_id": f"PP2{self.subscription}",
                "gateway_refund_id": f"CB{self.subscription}",
                "date": _unix(days=100),
            },
        )
        ended = {"date": _unix(days=110), "cancel_date": _unix(days=110)}
        yield "recurring", {**ids, **ended, "txn_type": "subscr_cancel"}

    def _token(self) -> Iterator[Told]:
        """A monthly donation that we charge, paused for two months."""
        yield (
            "donations",
            {
                "gateway": "adyen",
                "gateway_txn_id": f"REC{self.visit}",
                "order_id": f"{self.visit}.2",
                "contribution_tracking_id": str(self.visit),
                **self._donor(),
                **self._money("3.00", "EUR"),
                "recurring": "1",
                "recurring_payment_token": f"TOKEN{self.visit}",
                "date": _unix(days=20),
            },
        )
        yield (
            "recurring-modify",
            {
                "txn_type": "recurring_paused",
                "gateway": "adyen",
                "trxn_id": f"REC{self.visit}",
                "duration": "60 days",
                "source_enqueued_time": _unix(days=21),
            },
        )

    def _bank(self) -> Iterator[Told]:
        """A bank transfer that the bank took back."""
        payment = {
            "gateway": "gravy",
            "gateway_txn_id": f"ACH{self.visit}",
            "order_id": f"{self.visit}.3",
        }
        yield (
            "donations",
            {
                **payment,
                "contribution_tracking_id": str(self.visit),
                **self._donor(),
                "gross": "25.00",
                "currency": "USD",
                "payment_method": "dd",
                "payment_submethod": "ach",
                "date": _unix(days=30),
            },
        )
        yield (
            "donations-modify",
            {
                **payment,
                "contribution_status_id:name": "Cancelled",
                "reason": "insufficient_funds",
                "can_retry": True,
                "date": _unix(days=33),
            },
        )

    def _donor(self) -> dict[str, Any]:
        return {
            "email": f"donor{self.visit}@example.org",
            "first_name": "Ana",
            "last_name": f"Donor{self.visit}",
            "street_address": "1 Rue de la Paix",
            "city": "Paris",
            "postal_code": "75002",
            "country": "FR",
            "language": "fr",
        }

    def _money(self, gross: str, currency: str) -> dict[str, Any]:
        return {
            "gross": gross,
            "currency": currency,
            "payment_method": "cc",
            "payment_submethod": "visa",
        }

    def _point(self, visit: int, minute: int, **told: Any) -> dict[str, Any]:
        moment = BEGAN + timedelta(minutes=minute)
        when = {"ts": f"{moment:%Y%m%d%H%M%S}", "source_enqueued_time": _unix(minutes=minute)}
        return {"id": str(visit), "country": "FR", **when, **told}

    def _score(self, minute: int, **breakdown: Any) -> dict[str, Any]:
        return {
            "validation_action": "process",
            "risk_score": str(minute),
            "score_breakdown": breakdown,
            "user_ip": "2001:db8::7",
            "payment_method": "cc",
            "server": "payments1",
            "date": _unix(minutes=minute),
        }


def shuffled(life: Life, dice: random.Random) -> list[Told]:
    """The life in any order, some of it told again and again."""
    told = life.messages()
    again = dice.choices(told, k=dice.randrange(2, 7))
    return dice.sample(told + again, k=len(told) + len(again))


def content(lives: Sequence[Life]) -> dict[int, list[str]]:
    """What the tables of all apps hold of each life, without what order and time decide.

    By number of the life; its own numbers are written as those of life 0. Raises
    AssertionError for a row that is of no life.
    """
    naming = _Naming(len(lives))
    found: dict[int, list[str]] = {life.number: [] for life in lives}
    for model in _models():
        for row in model._default_manager.all():
            if not _is_our_own(row):
                owner, text = naming.text(row)
                assert owner is not None, f"{model.__name__}: a row of no life"
                found[owner].append(text)
    return {number: sorted(rows) for number, rows in found.items()}


def _is_our_own(row: Model) -> bool:
    """A data point that the import told of a contribution: how often, the order decides."""
    return isinstance(row, TrackingDataPoint) and row.source_name == "fundraising"


def _models() -> list[type[Model]]:
    return [
        model
        for model in apps.get_models()
        if is_ours(model._meta.app_config) and model._meta.app_label not in _TABLES_OF_MESSAGES
    ]


class _Naming:
    """Rows as texts, with the rows they refer to by the digests of theirs, not by keys."""

    def __init__(self, lives: int) -> None:
        numbers = range(lives)
        self._owners = {str(base + one): one for base in (FIRST, SUBSCRIPTION) for one in numbers}
        self._known: dict[tuple[type[Model], Any], tuple[int | None, str]] = {}

    def text(self, row: Model) -> tuple[int | None, str]:
        """Whose row it is, and all that it says."""
        columns: dict[str, Any] = {}
        owners: set[int | None] = set()
        for field in row._meta.concrete_fields:
            value = getattr(row, field.attname)
            if isinstance(field, ForeignKey) and value is not None:
                owner, columns[field.name] = self._named(field.related_model, value)
                owners.add(owner)
            elif field.name not in _PASSING:
                columns[field.name] = self._plain(value)
        if isinstance(row, ContributionTracking):
            columns["id"] = row.pk  # no key of the database's, but the visit's number
        text = f"{row._meta.label} {json.dumps(columns, default=str, sort_keys=True)}"
        owners |= {self._owners[word] for word in _numbers(text) if word in self._owners}
        owner = next(iter(owners - {None}), None)
        if owner is not None:
            text = text.replace(str(FIRST + owner), str(FIRST))
            text = text.replace(str(SUBSCRIPTION + owner), str(SUBSCRIPTION))
        return owner, text

    def _named(self, model: Any, key: Any) -> tuple[int | None, str]:
        if (model, key) not in self._known:
            row = model._default_manager.filter(pk=key).first()
            owner, text = self.text(row) if row is not None else (None, "gone")
            self._known[model, key] = owner, f"{model._meta.label} {wire.digest(text.encode())}"
        return self._known[model, key]

    def _plain(self, value: Any) -> Any:
        """A value; of a JSON one what does not depend on this database."""
        if not isinstance(value, dict):
            return value
        kept = {name: item for name, item in value.items() if name not in _PASSING}
        return {name: item for name, item in kept.items() if not name.startswith("source_")}


def _numbers(text: str) -> Iterator[str]:
    """The runs of nine digits that numbers of lives are."""
    for start in range(len(text) - 8):
        word = text[start : start + 9]
        if word.isdigit():
            yield word


def _unix(**since: int) -> int:
    return int((BEGAN + timedelta(**since)).timestamp())
