"""Messages of fraud scores and attempts for tests, of one attempt unless they say otherwise."""

from typing import Any

from tests.deliveries import Message, Told

ORDER = "119223.1"
# 2026-03-01 12:00:00 UTC
DATE = 1772366400


def init(**fields: Any) -> Told:
    """How the attempt ended."""
    return "payments-init", {
        "contribution_tracking_id": "119223",
        "order_id": ORDER,
        "gateway": "ingenico",
        "gateway_txn_id": False,
        "validation_action": "process",
        "payments_final_status": "failed",
        "payment_method": "cc",
        "payment_submethod": "visa",
        "country": "FR",
        "amount": "12.50",
        "currency": "EUR",
        "server": "payments1001",
        "date": DATE,
        **fields,
    }


def partial(**fields: Any) -> Told:
    """A fraud score as it is told of an attempt that is known."""
    return "payments-antifraud", {
        "contribution_tracking_id": "119223",
        "order_id": ORDER,
        "gateway": "ingenico",
        "date": DATE,
        **fields,
    }


def fraud(**fields: Any) -> Told:
    """A complete fraud score."""
    return partial(
        **{
            "validation_action": "process",
            "risk_score": "30.5",
            "score_breakdown": {"initial": 0, "minfraud_filter": "30.5"},
            "user_ip": "198.51.100.7",
            "payment_method": "cc",
            "server": "payments1001",
            **fields,
        }
    )


def attempt(**fields: Any) -> Told:
    """An attempt to pay."""
    return "payment-attempts", {"order_id": ORDER, **fields}


def outcome(**fields: Any) -> Told:
    """What became of it."""
    return attempt(type="outcome", **fields)


def pending(**fields: Any) -> Told:
    """What the donor entered."""
    return "pending", {"order_id": ORDER, "gateway": "ingenico", "date": DATE, **fields}


def without(told: Told, *names: str) -> Message:
    """The message, without some fields."""
    return {name: value for name, value in told[1].items() if name not in names}
