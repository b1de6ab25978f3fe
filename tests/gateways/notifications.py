"""Payloads of jobs, in the shapes of the listeners."""

from typing import Any

from tests.gateways.jobs import HEARD, Message

ADYEN = r"SmashPig\PaymentProviders\Adyen\Jobs"
DLOCAL = r"\SmashPig\PaymentProviders\dlocal\Jobs"
GRAVY = r"SmashPig\PaymentProviders\Gravy\Jobs"
PAYPAL = r"SmashPig\PaymentProviders\PayPal\Job"

ORDER = "119223.1"
TXN = "PSP0000000000001"


def capture(**fields: Any) -> Message:
    """Adyen took the money."""
    return {
        "account": "ExampleCOM",
        "currency": "EUR",
        "amount": 10,
        "gatewayTxnId": TXN,
        "merchantReference": ORDER,
        "eventDate": "2026-03-01T13:00:05+01:00",
        "propertiesExcludedFromExport": [],
        **fields,
    }


def contract(**fields: Any) -> Message:
    """Adyen may charge the donor again."""
    return {
        "gatewayTxnId": TXN,
        "merchantReference": ORDER,
        "eventDate": "2026-03-01T13:00:09+01:00",
        "recurringPaymentToken": "TOKEN00000000001",
        "processorContactId": ORDER,
        "paymentMethod": "visa",
        **fields,
    }


def dlocal(status: str, **fields: Any) -> Message:
    """DLocal tells of a payment; its listener has put it in our words."""
    return {
        "gateway": "dlocal",
        "order_id": ORDER,
        "contribution_tracking_id": "119223",
        "gateway_txn_id": "F-1-1",
        "full_name": "Ana Donor",
        "email": "ana@example.org",
        "currency": "INR",
        "country": "IN",
        "gross": 505,
        "date": HEARD - 5,
        "gateway_status": status,
        "dlocal_payment_method": "CARD",
        "payment_method": "cc",
        "payment_submethod": "visa",
        **fields,
    }


def gravy(**fields: Any) -> Message:
    """Gravy's answer on a payment that is complete."""
    return {
        "eventDate": "2026-03-01T12:00:05.906614+00:00",
        "is_successful": True,
        "gateway_txn_id": "b332ca0a-0000-4000-8000-000000000001",
        "amount": 10,
        "currency": "EUR",
        "order_id": ORDER,
        "status": "complete",
        "payment_method": "cc",
        "payment_submethod": "visa",
        "backend_processor": "adyen",
        "backend_processor_transaction_id": "CAPTURE1",
        "payment_orchestrator_reconciliation_id": "5S8puSJHjzWXtSEbjHoiP9",
        "donor_details": {
            "first_name": "Anna",
            "last_name": "Donor",
            "email_address": "anna@example.org",
            "address": {"address_line1": "Street 1", "city": "Utrecht", "country": "NL"},
        },
        **fields,
    }


def cancellation(**fields: Any) -> Message:
    """The donor deleted a payment method at Gravy."""
    return {
        "gateway": "gravy",
        "txn_type": "subscr_cancel",
        "recurring_payment_token": "48df827f-0000-4000-8000-000000000001",
        "payment_method": "paypal",
        "date": HEARD - 60,
        "cancel_date": HEARD - 61,
        "recurring": "1",
        **fields,
    }


def form(**fields: Any) -> Message:
    """What every notification of PayPal has."""
    return {
        "business": "nobody@example.org",
        "charset": "UTF-8",
        "first_name": "Ana",
        "last_name": "Donor",
        "ipn_track_id": "86fbd5b89e3b4",
        "notify_version": "3.8",
        "payer_email": "ana@example.org",
        "payer_id": "5KWA3RQ6UH40W",
        "payer_status": "verified",
        "residence_country": "CH",
        "verify_sign": "XXXXXXXXXXXXXXXX",
        **fields,
    }


def web_accept(**fields: Any) -> Message:
    """A gift by a button."""
    return {
        **form(),
        "txn_type": "web_accept",
        "payment_status": "Completed",
        "payment_type": "instant",
        "txn_id": "3N2616476S0123456",
        "mc_gross": "7.00",
        "mc_fee": "0.44",
        "mc_currency": "USD",
        "payment_date": "04:00:05 Mar 01, 2026 PST",
        "custom": "33333333",
        "address_street": "Road 1",
        "address_city": "Zurich",
        "address_state": "",
        "address_zip": "8032",
        "address_country_code": "CH",
        "address_name": "where indeed",
        **fields,
    }


def express_checkout(**fields: Any) -> Message:
    """A gift through our own form."""
    checkout = {"txn_type": "express_checkout", "custom": ORDER, "invoice": ORDER}
    return {**web_accept(), **checkout, **fields}


def profile(txn_type: str, **fields: Any) -> Message:
    """Something happens to an agreement."""
    return {
        **form(),
        "txn_type": txn_type,
        "recurring_payment_id": "I-88J1M3DLSF0",
        "rp_invoice_id": ORDER,
        "time_created": "03:00:00 Feb 01, 2026 PST",
        "next_payment_date": "N/A",
        "payment_cycle": "Monthly",
        "period_type": " Regular",
        "amount_per_cycle": "140",
        "currency_code": "JPY",
        **fields,
    }


def instalment(**fields: Any) -> Message:
    """An agreement pays."""
    return {
        **profile("recurring_payment"),
        "payment_status": "Completed",
        "txn_id": "4XJ00000000000001",
        "mc_gross": "140",
        "mc_fee": "43",
        "mc_currency": "JPY",
        "payment_date": "04:00:05 Mar 01, 2026 PST",
        **fields,
    }


def refund(**fields: Any) -> Message:
    """Money goes back; such notifications have no type."""
    return {
        **form(),
        "payment_status": "Refunded",
        "reason_code": "refund",
        "txn_id": "1V82215816267470S",
        "parent_txn_id": "3N2616476S0123456",
        "mc_gross": "-7.00",
        "mc_fee": "-0.44",
        "mc_currency": "USD",
        "payment_date": "04:00:05 Mar 02, 2026 PST",
        "custom": "33333333",
        **fields,
    }
