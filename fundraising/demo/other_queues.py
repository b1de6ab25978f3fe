"""What the demo pushes besides: a few messages of every other queue.

``around`` needs nothing but the payments of the demo; ``afterwards`` tells of contacts and
contributions by the numbers that the import gave them.
"""

import time
from collections.abc import Iterator

from django.utils import timezone

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Contribution
from fundraising.demo.samples import DONATIONS, PENDING, Fields, Sample, donation, pushed
from queues.routes import routes

# How many of each kind.
FEW = 4


def around(numbers: Iterator[int], good: list[Sample]) -> Iterator[Sample]:
    """What processors, fraud filters and forms tell of payments."""
    paid = [sample.fields for sample in good if sample.fields is not None]
    for fields in paid[:FEW]:
        yield pushed("outcome of a payment", "payments-init", _outcome(fields))
        yield pushed("fraud score", "payments-antifraud", _score(fields))
        yield pushed("attempt to pay", "payment-attempts", _attempt(fields))
        yield pushed("visit with its banners", "banner-history", _banners(fields))
    for fields in paid[FEW : 2 * FEW]:
        yield pushed("refund", "refund", _refund(fields, "refund"))
    yield pushed("chargeback", "refund", _refund(paid[2 * FEW], "chargeback"))
    for _ in range(FEW):
        number = next(numbers)
        for kind in ("subscr_signup", "subscr_payment", "subscr_failed", "subscr_cancel"):
            yield pushed(f"subscription: {kind}", "recurring", _subscription(number, kind))
        yield pushed("subscription: raised", "recurring-modify", _raise(number))
    for number in (next(numbers) for _ in range(FEW)):
        first = donation(number) | {"gateway": "dlocal", "gateway_status": "PAID"}
        token = {"recurring": "1", "recurring_payment_token": f"upi-{number}"}
        yield pushed("monthly donation by UPI", "upi-donations", first | token)
    for number in (next(numbers) for _ in range(FEW)):
        fields = donation(number)
        wire = {"gateway": "gravy", "gateway_txn_id": fields["gateway_txn_id"]}
        reason = {"contribution_status_id:name": "Cancelled", "reason": "Account Closed"}
        yield pushed("bank transfer", DONATIONS, fields | {"gateway": "gravy"})
        yield pushed("bank transfer taken back", "donations-modify", wire | reason | _FINAL)
    for number in (next(numbers) for _ in range(FEW)):
        email = {"email": f"donor{number}@example.org"}
        yield pushed("opt in", "opt-in", email | {"process": "opt_in", "last_name": "Demo"})
        yield pushed("sign-up", "lead-generation", email | {"leadgen_source": "demo"})
    for queue in (name for name in routes() if name.startswith("jobs-")):
        begun = donation(next(numbers)) | {"gateway": queue.removeprefix("jobs-")}
        yield pushed("payment begun", PENDING, begun | {"gateway_txn_id": False})
        yield pushed("notification of a processor", queue, _job(begun))


_FINAL: Fields = {"can_retry": False}


def afterwards() -> Iterator[Sample]:
    """What donors and auditors do later, with the numbers of what is imported."""
    gifts = Contribution.objects.filter(is_payment=True, contribution_status="Completed")
    for gift in gifts.select_related("contact").order_by("pk")[:FEW]:
        contact = gift.contact
        email = contact.emails.get(is_primary=True).email
        proof = checksums.checksum(contact.pk, contact.hash, timezone.now(), hours=24)
        mine = {"contact_id": str(contact.pk), "checksum": proof, "email": email}
        yield pushed("settlement", "settle", _settlement(gift))
        yield pushed("unsubscribe", "unsubscribe", {"email": email, "contribution-id": gift.pk})
        yield pushed("preferences", "email-preferences", mine | {"language": "fr_FR"})
        yield pushed(
            "link asked for", "new-checksum-link", {"contactID": contact.pk, "page": "DonorPortal"}
        )
        for_ever = checksums.checksum(contact.pk, contact.hash, timezone.now(), hours=None)
        changed = {"email": f"new-{email}", "checksum": for_ever}
        yield pushed("new e-mail address", "verify-email", mine | changed)


def _outcome(payment: Fields) -> Fields:
    return {
        "contribution_tracking_id": payment["contribution_tracking_id"],
        "gateway": payment["gateway"],
        "order_id": payment["order_id"],
        "gateway_txn_id": payment["gateway_txn_id"],
        "validation_action": "process",
        "payments_final_status": "complete",
        "payment_method": payment["payment_method"],
        "payment_submethod": payment["payment_submethod"],
        "country": payment["country"],
        "amount": payment["gross"],
        "currency": payment["currency"],
        "server": "payments1",
        "date": payment["date"],
    }


def _score(payment: Fields) -> Fields:
    return {
        "contribution_tracking_id": payment["contribution_tracking_id"],
        "order_id": payment["order_id"],
        "gateway": payment["gateway"],
        "validation_action": "process",
        "risk_score": "12.5",
        "score_breakdown": {"initial": 0, "getCVVResult": 0, "minfraud_filter": "12.5"},
        "user_ip": "2001:db8::7",
        "payment_method": payment["payment_method"],
        "server": "payments1",
        "date": payment["date"],
    }


def _attempt(payment: Fields) -> Fields:
    names = ("order_id", "contribution_tracking_id", "gateway", "payment_method", "currency")
    return {name: payment[name] for name in names} | {"amount_in_minor_units": 250}


def _banners(payment: Fields) -> Fields:
    visit = payment["contribution_tracking_id"]
    return {"banner_history_id": f"{int(visit):012x}", "contribution_tracking_id": visit}


def _refund(payment: Fields, kind: str) -> Fields:
    return {
        "gateway": payment["gateway"],
        "type": kind,
        "gross": payment["gross"],
        "gross_currency": payment["currency"],
        "gateway_parent_id": payment["gateway_txn_id"],
        "gateway_refund_id": f"{payment['gateway_txn_id']}-back",
        "date": int(time.time()),
    }


def _subscription(number: int, kind: str) -> Fields:
    told = donation(number) | {"gateway": "paypal_ec", "payment_method": "paypal"}
    told |= {"txn_type": kind, "subscr_id": f"I-{number}", "recurring": "1", "currency": "CAD"}
    return told | {"gross": "5.00", "frequency_unit": "month", "frequency_interval": "1"}


def _raise(number: int) -> Fields:
    return {
        "txn_type": "recurring_upgrade",
        "gateway": "paypal_ec",
        "subscr_id": f"I-{number}",
        "amount": "7.50",
        "currency": "CAD",
    }


def _settlement(gift: Contribution) -> Fields:
    return {
        "contribution_id": gift.pk,
        "settled_date": int(time.time()),
        "settled_currency": gift.currency,
        "settled_total_amount": str(gift.total_amount),
        "settled_fee_amount": "-0.10",
        "settlement_batch_reference": "demo_batch",
    }


def _job(begun: Fields) -> Fields:
    """The payment will not come."""
    order = {name: begun[name] for name in ("gateway", "order_id")}
    return {"class": r"SmashPig\Core\Jobs\DeletePendingJob", "payload": order}
