"""The message that a notification of PayPal becomes: plain functions of its form.

Domain section 10.3. Amounts and currencies go on as PayPal wrote them.
"""

from datetime import datetime
from typing import Any

from fundraising.gateways.paypal.form import Form
from queues.outcomes import Damaged, Drop

PAYPAL = "paypal"
EXPRESS_CHECKOUT = "paypal_ec"

Message = dict[str, Any]

_PAYMENTS = frozenset(
    {"cart", "send_money", "web_accept", "express_checkout", "masspay", "virtual_terminal"}
)
_REFUNDS = frozenset({"adjustment", "refund"})
# Disputes that are not decided yet, and what Braintree does through the same account.
_IGNORED = frozenset(
    {"new_case", "subscr_modify", "merch_pmt", "mp_signup", "mp_notification", "mp_cancel"}
)
# Agreements by express checkout, and what we call each.
_RECURRING = {
    "recurring_payment": "subscr_payment",
    "recurring_payment_outstanding_payment": "subscr_payment",
    "recurring_payment_profile_created": "subscr_signup",
    "recurring_payment_profile_cancel": "subscr_cancel",
    "recurring_payment_expired": "subscr_eot",
    "recurring_payment_failed": "subscr_failed",
    "recurring_payment_outstanding_payment_failed": "subscr_failed",
    "recurring_payment_skipped": "subscr_failed",
    "recurring_payment_suspended": "subscr_failed",
    "recurring_payment_suspended_due_to_max_failed_payment": "subscr_failed",
}
# Agreements of the old kind, which PayPal calls as we do.
_SUBSCRIPTIONS = frozenset(
    {"subscr_payment", "subscr_signup", "subscr_cancel", "subscr_failed", "subscr_eot"}
)
# Money may have moved; in every other state it has not, or has not yet.
_MOVED = frozenset({"Completed", "Reversed"})
_TAKEN_BACK = frozenset({"Refunded", "Reversed"})
# Reasons for which the donor, or PayPal for them, asked the money back without a bank.
_REFUND_REASONS = frozenset(
    {
        "refund",
        "buyer_complaint",
        "other",
        "unauthorized_spoof",
        "unauthorized_claim",
        "admin_fraud_reversal",
    }
)

# PayPal's fields and ours. Of several for one of ours the last that is not blank counts.
_FIELDS = (
    ("txn_type", "txn_type"),
    ("txn_id", "gateway_txn_id"),
    ("parent_txn_id", "gateway_parent_id"),
    ("recurring_payment_id", "subscr_id"),
    ("subscr_id", "subscr_id"),
    # An agreement that was moved is known to us by its old id.
    ("old_subscr_id", "subscr_id"),
    ("recur_times", "installments"),
    ("mc_currency", "currency"),
    ("currency_code", "currency"),
    ("reason_code", "type"),
    ("custom", "order_id"),
    ("rp_invoice_id", "order_id"),
    ("payer_email", "email"),
    ("first_name", "first_name"),
    ("last_name", "last_name"),
    ("address_street", "street_address"),
    ("address_name", "supplemental_address_1"),
    ("address_city", "city"),
    ("address_state", "state_province"),
    ("address_zip", "postal_code"),
    ("address_country_code", "country"),
    ("residence_country", "country"),
    ("amount_per_cycle", "gross"),
    ("mc_gross", "gross"),
    ("mc_amount3", "gross"),
    ("amount3", "gross"),
    ("mc_fee", "fee"),
)
_CYCLES = {"monthly": "month", "yearly": "year"}
_UNITS = {"d": "day", "w": "week", "m": "month", "y": "year"}

# The order id of our own form is a number; Gravy's is a long name.
_LONGEST_CUSTOM = 20
GIVE_LIVELY = "GiveLively"


def translate(form: Form, heard_at: datetime) -> tuple[str, Message]:
    """The queue that a notification is for, and its message.

    ``heard_at`` dates what PayPal does not date. Raises ``Drop`` for what is not for us and
    ``Damaged`` for what is nothing we know.
    """
    txn_type = _txn_type(form)
    if txn_type in _PAYMENTS:
        return "donations", _donation(form, txn_type, heard_at)
    if txn_type in _RECURRING:
        return "recurring", _recurring(form, EXPRESS_CHECKOUT, _RECURRING[txn_type], heard_at)
    if txn_type in _SUBSCRIPTIONS:
        return "recurring", _recurring(form, PAYPAL, txn_type, heard_at)
    if txn_type in _REFUNDS:
        return "refund", _refund(form, txn_type, heard_at)
    raise Damaged("INVALID_MESSAGE", "is no type of a notification", "payload.txn_type")


def _txn_type(form: Form) -> str:
    txn_type, status = form.text("txn_type"), form.text("payment_status")
    custom = form.text("custom")
    if len(custom) > _LONGEST_CUSTOM and not _is_number(custom):
        raise Drop("NOT_OURS", "is a payment through Gravy, which tells us of it")
    if txn_type in _IGNORED:
        raise Drop("NOT_OURS", "notifications of this type are not for us")
    if txn_type in _PAYMENTS and status and status not in _MOVED:
        raise Drop("NO_PAYMENT", "no money was moved")
    if not txn_type and status in _TAKEN_BACK:
        return "refund"
    if not txn_type:
        raise Damaged("INVALID_MESSAGE", "is missing", "payload.txn_type")
    return txn_type


def _donation(form: Form, txn_type: str, heard_at: datetime) -> Message:
    is_express = txn_type == "express_checkout" or (
        txn_type == "cart" and form.text("payment_type") == "instant"
    )
    message = _mapped(form)
    message["gateway"] = EXPRESS_CHECKOUT if is_express else PAYPAL
    message["date"] = _unix(form.moment("payment_date") or heard_at)
    if txn_type == "cart" and not form.text("custom"):
        # Their platform sends carts without an order of ours, and thanks by itself.
        message["direct_mail_appeal"] = message["no_thank_you"] = GIVE_LIVELY
    return message


def _refund(form: Form, txn_type: str, heard_at: datetime) -> Message:
    is_express = form.text("invoice") or form.text("rp_invoice_id")
    message = _mapped(form)
    message["gateway"] = EXPRESS_CHECKOUT if is_express else PAYPAL
    message["date"] = _unix(form.moment("payment_date") or heard_at)
    message["gateway_refund_id"] = form.text("txn_id")
    message["gross_currency"] = form.text("mc_currency")
    if txn_type == "adjustment":
        message["type"] = "chargeback"
    elif form.text("reason_code") in _REFUND_REASONS:
        message["type"] = "refund"
    return message


def _recurring(form: Form, gateway: str, kind: str, heard_at: datetime) -> Message:
    message = {**_mapped(form), "gateway": gateway, "txn_type": kind, "recurring": "1"}
    # Of most that happens to an agreement, PayPal dates only the agreement.
    happened = heard_at
    if kind == "subscr_payment":
        happened = form.moment("payment_date") or heard_at
    elif kind == "subscr_signup":
        happened = form.moment("time_created", "subscr_date") or heard_at
        message["create_date"] = message["start_date"] = _unix(happened)
        message.update(_frequency(form))
        message.setdefault("installments", 0)
    elif kind == "subscr_cancel":
        happened = form.moment("subscr_date") or heard_at
        message["cancel_date"] = _unix(happened)
    elif kind == "subscr_failed":
        retry = form.moment("next_payment_date", "retry_at", "failure_retry_date")
        if retry is not None:
            message["failure_retry_date"] = _unix(retry)
    message["date"] = _unix(happened)
    if kind in ("subscr_payment", "subscr_signup"):
        message["middle_name"] = ""
    return message


def _mapped(form: Form) -> Message:
    message: Message = {}
    for theirs, ours in _FIELDS:
        if form.has(theirs) and (form.text(theirs) or ours not in message):
            message[ours] = form.text(theirs)
    tracking_id = message.get("order_id", "").partition(".")[0]
    if tracking_id.isascii() and tracking_id.isdigit():
        message["contribution_tracking_id"] = tracking_id
    payer = f"{form.text('first_name')} {form.text('last_name')}"
    if message.get("supplemental_address_1") == payer:
        # Who receives letters there is no part of the address.
        del message["supplemental_address_1"]
    street = form.lines("address_street")
    if len(street) > 1:
        message["street_address"], message["supplemental_address_1"] = street[0], street[1]
    return message


def _frequency(form: Form) -> Message:
    """How often an agreement pays: ``Monthly``, or ``1 M`` in the old kind."""
    cycle = form.text("payment_cycle").lower()
    if cycle:
        return {"frequency_interval": "1", "frequency_unit": _CYCLES.get(cycle, cycle)}
    interval, _, unit = form.text("period3").partition(" ")
    if not unit:
        return {}
    return {
        "frequency_interval": interval,
        "frequency_unit": _UNITS.get(unit.strip().lower(), unit.strip()),
    }


def _is_number(text: str) -> bool:
    return text.isascii() and text.replace(".", "", 1).isdigit()


def _unix(moment: datetime) -> int:
    return int(moment.timestamp())
