"""A donor with rows in every table that can hold one, as messages make them."""

import json
from collections.abc import Iterator
from typing import Any

import redis
from django.apps import apps
from django.utils import timezone

from fundraising.crm.models import (
    Activity,
    Contact,
    Contribution,
    RecurringContribution,
    TokenDeletion,
)
from fundraising.mails.models import OutgoingMail
from fundraising.staff.groups import is_ours
from queues.models import DamagedMessage, InboxMark
from tests.crm.imports import donation
from tests.deliveries import deliver
from tests.queues.damage import damage

VISIT = 441
ORDER = f"{VISIT}.1"
PAYMENT = "PAYMENT441"
EMAIL = "Leocadia.Quuxmoor@example.org"
#: No row of any table may hold these once the donor is erased, in any case of letters.
SECRETS = (
    "leocadia",
    "quuxmoor",
    "11 elm lane",
    "oudewater",
    "3421ab",
    "+31612345678",
    "198.51.100.7",
    "nl123456789b01",
    "quux industries",
    "payer-of-leo",
    "token-of-leo",
    "install-of-leo",
    "0123456789abcdef",
    "localpart-of-leo",
    "bin-of-leo",
)

Message = dict[str, Any]


def gift(**fields: object) -> Message:
    """The donor's first instalment, with all that a donation can tell of its donor."""
    return donation(
        **{
            "message_id": "gift",
            "gateway": "paypal",
            "gateway_txn_id": PAYMENT,
            "order_id": ORDER,
            "contribution_tracking_id": str(VISIT),
            "payment_method": "paypal",
            "email": EMAIL,
            "first_name": "Leocadia",
            "last_name": "Quuxmoor",
            "street_address": "11 Elm Lane",
            "city": "Oudewater",
            "postal_code": "3421AB",
            "country": "NL",
            "user_ip": "198.51.100.7",
            "fiscal_number": "NL123456789B01",
            "employer": "Quux Industries",
            "external_identifier": "payer-of-leo",
            "recurring": "1",
            "subscr_id": "I-441",
            "recurring_payment_token": "token-of-leo",
            "processor_contact_id": "payer-of-leo",
            "phone": "+31612345678",
            **fields,
        }
    )


def give(client: redis.Redis, *messages: Message) -> Contact:
    """Import donations; the contact of the first."""
    assert deliver(client, "donations", *messages) == []
    payment = messages[0]["gateway_txn_id"]
    return Contribution.objects.get(gateway_txn_id=payment, is_payment=True).contact


def donor(client: redis.Redis) -> Contact:
    """The donor, of whom nothing stands against being erased."""
    for queue, message in TOLD:
        assert deliver(client, queue, message) == []
    contact = Contribution.objects.get(gateway_txn_id=PAYMENT).contact
    RecurringContribution.objects.filter(contact=contact).update(
        status=RecurringContribution.Status.CANCELLED
    )
    contact.phones.create(phone="+31612345678")
    gone = {"deleted_at": timezone.now(), "asked_at": timezone.now(), "order_id": ORDER}
    TokenDeletion.objects.create(gateway="paypal", token="token-of-leo-2", **gone)
    Activity.objects.create(
        contact=contact,
        activity_type=Activity.Type.REFUND,
        subject="Leocadia's refund",
        details="to 11 Elm Lane",
    )
    OutgoingMail.objects.create(
        contact=contact,
        template="double_opt_in",
        key="opt-in",
        recipient=EMAIL,
        context={"page": "for Leocadia"},
    )
    imported_after_repair()
    discarded()
    return contact


def visit(**fields: object) -> Message:
    """A visit to the donation form."""
    return {
        "message_id": "visit",
        "id": VISIT,
        "utm_source": "B25_x_dsk_lg_cnt.lp.cc",
        "utm_campaign": "C25",
        "country": "NL",
        "referrer": f"https://mail.example.org/?for={EMAIL}",
        "banner_history_log_id": "0123456789abcdef",
        "app_install_id": "install-of-leo",
        "note": "from Leocadia",
        "source_enqueued_time": 1772366300,
        **fields,
    }


def fraud(**fields: object) -> Message:
    """A fraud score of the payment."""
    return {
        "message_id": "fraud",
        "contribution_tracking_id": VISIT,
        "order_id": ORDER,
        "gateway": "paypal",
        "validation_action": "process",
        "risk_score": "30.5",
        "score_breakdown": {"initial": 0},
        "user_ip": "198.51.100.7",
        "payment_method": "cc",
        "server": "payments1001",
        "date": 1772366400,
        **fields,
    }


def attempt(**fields: object) -> Message:
    """The attempt to pay."""
    return {
        "message_id": "attempt",
        "order_id": ORDER,
        "email_localpart": "localpart-of-leo",
        "email_domain": "leocadia.example",
        "first_name": "Leocadia",
        "last_name": "Quuxmoor",
        "postal_code": "3421AB",
        "street_address": "11 Elm Lane",
        "referrer": "https://leocadia.example/",
        "bin_hash": "bin-of-leo",
        "user_ip": "198.51.100.7",
        "country": "NL",
        **fields,
    }


#: What front ends and fraud filters told of the donor, in the order in which they did.
TOLD: tuple[tuple[str, Message], ...] = (
    ("contribution-tracking", visit()),
    ("pending", gift(message_id="entered")),
    ("payments-antifraud", fraud()),
    ("payment-attempts", attempt()),
    ("donations", gift()),
)


def imported_after_repair() -> DamagedMessage:
    """A message of the donor that was damaged, edited, sent again and imported."""
    row = damage({**gift(message_id="repaired"), "gross": "x"}, queue="refund")
    row.status = DamagedMessage.Status.RESENT
    row.save()
    row.events.create(action="edited", before=row.body, after=json.dumps(gift()).encode())
    InboxMark.objects.create(queue=row.original_queue, key=row.message_id, digest="d")
    return row


def discarded() -> list[DamagedMessage]:
    """What was given up: a message with the donor deep inside, and bytes that are no message."""
    nested = {
        "class": "Job",
        "payload": {"custom": "1", "payer": {"email": EMAIL, "n": "Leocadia"}},
    }
    broken = f'{{"order_id": "{ORDER}", "email": "{EMAIL}", "first_name": "Leocadia"'.encode()
    rows = [damage(nested, queue="jobs-paypal"), damage(broken, queue="donations")]
    for row in rows:
        row.status = DamagedMessage.Status.DISCARDED
        row.save()
    return rows


def everything() -> Iterator[tuple[str, str]]:
    """Every value of every row of our tables as text, lower case, with where it stands."""
    for config in filter(is_ours, apps.get_app_configs()):
        for model in config.get_models():
            for row in model._default_manager.values():
                for name, value in row.items():
                    text = bytes(value).decode("utf-8", "replace") if _is_bytes(value) else value
                    yield f"{model._meta.label}.{name}", str(text).lower()


def secrets() -> set[tuple[str, str]]:
    """Where which of the donor's secrets stand."""
    return {(where, secret) for where, text in everything() for secret in SECRETS if secret in text}


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes | memoryview)
