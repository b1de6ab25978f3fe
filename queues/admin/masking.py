"""Showing a message without telling who the donor is.

By names that are known to be harmless, not by those known to be personal: a field that
a producer adds tomorrow is hidden until somebody lists it here.
"""

import re

from queues.wire import Json

HIDDEN = "•••"

#: Most characters of bytes that cannot be read as a message.
MAX_SHOWN = 4000

_SHOWN = frozenset(
    "amount amount_in_minor_units amount_in_usd_cents anonymous appeal attempt "  # noqa: SIM905
    "auth_decline backend_processor banner blocked_by_filter campaign can_retry captured "
    "channel class contribution-id contribution_status country create_date currency date "
    "direct_mail_appeal effort_id failure_count fee financial_type "
    "fraud_flagged_by_processor frequency_interval frequency_unit gateway gateway_account "
    "gateway_status gift_data.appeal gift_data.campaign gift_data.channel gift_data.fund "
    "gift_data.package gift_source gross gross_currency installments invoice_id "
    "is_autorescue is_daf is_matching_gift is_recurring is_successful_autorescue "
    "is_suspected_fraud language leadgen_source medium message_id method net next_sched "
    "next_sched_contribution_date no_thank_you opt_in optout original_currency "
    "original_fee_amount original_gross payment_instrument payment_method payment_status "
    "payment_submethod payments_final_status payments_form_variant period premium_language "
    "process processor_name raw_payment_instrument reason_code recurring refund_type "
    "rescue_reference restrictions risk_score score_breakdown server settled_currency "
    "settled_date settled_fee_amount settled_net_amount settled_total_amount "
    "settlement_batch_reference size sms_opt_in start_date status subscr_date "
    "tracking_date ts txn_type type url_country utm_campaign utm_key utm_medium utm_source "
    "validation_action".split()
)
# Ids that are a person's own: at a processor, a messenger or a wallet, of a device, of an office.
_HIDDEN_IDS = frozenset(
    "app_install_id banner_history_log_id buyer_id customer_id employer_id fiscal_id legal_id "  # noqa: SIM905
    "payer_id paypal_payer_id processor_contact_id recipient_id shopper_id user_id".split()
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,63}")
_ODD = re.compile(r"[@\n]")
_LETTER = re.compile(r"[^\W\d_]")
_DIGIT = re.compile(r"\d")


def without_personal_data(value: Json, name: str = "") -> Json:
    """A value of a message with all hidden that could be personal; its structure stays."""
    match value:
        case dict():
            return {
                shown_name(key): without_personal_data(item, key) for key, item in value.items()
            }
        case list():
            return [without_personal_data(item, name) for item in value]
        case None | bool() | "":
            return value
    return value if _is_shown(name) and not _ODD.search(str(value)) else HIDDEN


def shown_name(name: str) -> str:
    """The name of a field; what is no plain name may be anything, and is hidden."""
    return name if _PLAIN_NAME.fullmatch(name) else HIDDEN


def shape(body: bytes) -> str:
    """Bytes that cannot be read: their punctuation, with x for letters and 0 for digits."""
    text = _DIGIT.sub("0", _LETTER.sub("x", body[:MAX_SHOWN].decode("utf-8", "replace")))
    return _escaped(text)


def legible(body: bytes) -> str:
    """Bytes that cannot be read, with escapes for those that are no text."""
    return _escaped(body[:MAX_SHOWN].decode("utf-8", "backslashreplace"))


def _escaped(text: str) -> str:
    return "".join(
        char if char.isprintable() or char == "\n" else char.encode("unicode_escape").decode()
        for char in text
    )


def _is_shown(name: str) -> bool:
    lower = name.lower()
    if lower in _SHOWN or lower.startswith(("source_", "origin_")):
        return True
    return lower.endswith(("_id", "_txn_id")) and lower not in _HIDDEN_IDS
