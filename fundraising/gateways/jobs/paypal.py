"""The job of PayPal: one for every kind of notification."""

import re

from django.conf import settings
from django.db.models import Q

from fundraising.crm.models import Contribution
from fundraising.gateways.events import pass_on
from fundraising.gateways.jobs import payments
from fundraising.gateways.jobs.job import Job, Payload
from fundraising.gateways.paypal.form import Form
from fundraising.gateways.paypal.messages import EXPRESS_CHECKOUT, Message, translate
from fundraising.pending import transactions

# The order of somebody who came through our own form: visit and attempt.
_FROM_OUR_FORM = re.compile(r"\d+\.\d+", re.ASCII)

# What tells of the donor, none of which is true of the fund that pays for many.
_DONOR = frozenset(
    {
        "first_name",
        "last_name",
        "email",
        "street_address",
        "supplemental_address_1",
        "city",
        "state_province",
        "postal_code",
        "country",
        "contact_hash",
        "checksum",
    }
)


def notification(job: Job[Payload]) -> None:
    """Push on what PayPal tells: a donation, a refund or news of an agreement."""
    form = Form(job.told)
    queue, message = translate(form, job.heard_at)
    if queue == "donations" and _is_giving_fund(message):
        message = _of_giving_fund(message)
    elif queue == "donations" or _is_begun_here(message):
        message = _completed(job, message)
    txn_type = message.get("txn_type", "")
    kind = txn_type if queue == "recurring" else queue.removesuffix("s")
    pass_on(job, queue, message, kind=kind, reference=_reference(form, message))


def _reference(form: Form, message: Message) -> str:
    """What the event happened to; the notification itself where PayPal names nothing."""
    if message.get("txn_type") == "subscr_signup" and message.get("subscr_id"):
        return str(message["subscr_id"])
    return message.get("gateway_txn_id") or form.digest()


def _is_begun_here(message: Message) -> bool:
    """Whether it may be the beginning of an agreement, of which a pending row tells more."""
    kinds = ("subscr_signup", "subscr_payment")
    return message["gateway"] == EXPRESS_CHECKOUT and message.get("txn_type") in kinds


def _completed(job: Job[Payload], message: Message) -> Message:
    """With the fields that only the pending row has. Raises ``Park`` when it may be coming."""
    gateway, order_id = message["gateway"], message.get("order_id", "")
    txn_id = message.get("gateway_txn_id", "")
    row = transactions.hold(gateway, order_id, txn_id) if order_id else None
    if row is not None:
        return {**row.details, **message}
    if _FROM_OUR_FORM.fullmatch(order_id) and not _was_paid_before(message):
        if txn_id:
            payments.refuse_imported(gateway, order_id, txn_id)
        payments.await_row(job)
    return message


def _was_paid_before(message: Message) -> bool:
    """Whether it is a later instalment: its donor was on our form long ago."""
    subscr_id = message.get("subscr_id")
    if not subscr_id:
        return False
    named = Q(contribution_recur__trxn_id=subscr_id)
    named |= Q(contribution_recur__trxn_id=f"RECURRING {message['gateway'].upper()} {subscr_id}")
    return Contribution.objects.filter(named).exists()


def _is_giving_fund(message: Message) -> bool:
    email = message.get("email", "").lower()
    return bool(settings.PAYPAL_GIVING_FUND_CONTACT) and email in settings.PAYPAL_GIVING_FUND_EMAILS


def _of_giving_fund(message: Message) -> Message:
    kept = {key: value for key, value in message.items() if key not in _DONOR}
    return {**kept, "contact_id": settings.PAYPAL_GIVING_FUND_CONTACT}
