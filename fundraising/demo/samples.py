"""Messages for the demo, as payment front ends write them.

The donors are made up. Every sample knows the payment it tells of, so that the accounting
can ask the database what became of it.
"""

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from queues.wire import digest

DONATIONS = "donations"
PENDING = "pending"
TRACKING = "contribution-tracking"
# The queues whose messages become contributions.
PAYING = frozenset({DONATIONS, "recurring", "upi-donations"})

# Its code, for the sample whose id another payment has.
REUSED = "MESSAGE_ID_REUSED"

Fields = dict[str, Any]
Payment = tuple[str, str]

# gateway, method, submethod, currency, amount, country, language
FORMS = (
    ("adyen", "cc", "visa", "EUR", "25.00", "FR", "fr"),
    ("adyen", "rtbt", "rtbt_ideal", "EUR", "10.50", "NL", "nl"),
    ("adyen", "google", "mc", "JPY", "1500", "JP", "ja"),
    ("gravy", "cc", "amex", "USD", "2.75", "US", "en"),
    ("gravy", "apple", "visa", "GBP", "5.00", "GB", "en"),
    ("dlocal", "cc", "mc", "BRL", "20.00", "BR", "pt"),
    ("dlocal", "bt", "upi", "INR", "300.00", "IN", "hi"),
    ("paypal", "paypal", "", "CAD", "15.25", "CA", "en"),
    ("braintree", "venmo", "", "USD", "3.10", "US", "es"),
    ("amazon", "amazon", "", "USD", "1,000.00", "US", "en"),
)
DONORS = (
    ("Amélie", "Dubois"),
    ("Jørgen", "Åkesson"),
    ("花子", "山田"),
    ("Ольга", "Смирнова"),
    ("María José", "García Márquez"),
    ("Chidi", "Okonkwo"),
    ("Priya", "Raman"),
)


@dataclass(frozen=True)
class Sample:
    """One push. Either ``fields``, given to ``queues.push``, or ``raw`` bytes for RPUSH.

    ``payment`` is the gateway and gateway_txn_id of a donation, the gateway and order_id of
    a pending message.
    """

    kind: str
    queue: str
    fields: Fields | None = None
    raw: bytes | None = None
    payment: Payment | None = None
    damage: str = ""

    @property
    def key(self) -> str:
        """The identity of the message: its message_id, else the digest of its bytes."""
        if self.fields is not None:
            return str(self.fields["message_id"])
        body = self.raw or b""
        try:
            value = json.loads(body)
        except ValueError:
            return digest(body)
        message_id = value.get("message_id") if isinstance(value, dict) else None
        return message_id if isinstance(message_id, str) else digest(body)


def donation(number: int) -> Fields:
    """A donation with all that its front end knows."""
    gateway, method, submethod, currency, amount, country, language = FORMS[number % len(FORMS)]
    first_name, last_name = DONORS[number % len(DONORS)]
    return {
        "gateway": gateway,
        "gateway_txn_id": f"demo-{number}",
        "gateway_account": "default",
        "order_id": f"{number}.1",
        "contribution_tracking_id": str(number),
        "currency": currency,
        "gross": amount,
        "fee": "0",
        "date": int(time.time()),
        "payment_method": method,
        "payment_submethod": submethod,
        "first_name": first_name,
        "last_name": last_name,
        "email": f"donor{number}@example.org",
        "street_address": "1 Example Street",
        "city": "Example",
        "postal_code": "12345",
        "country": country,
        "language": language,
        "user_ip": "198.51.100.7",
        "utm_source": f"B26_1121_{language}_dsk_p1_lg..{method}",
        "utm_medium": "sitenotice",
        "utm_campaign": "demo",
    }


def pushed(kind: str, queue: str, fields: Fields) -> Sample:
    fields = fields | {"message_id": uuid.uuid4().hex}
    return Sample(kind, queue, fields=fields, payment=_payment(queue, fields))


def as_php(kind: str, queue: str, fields: Fields, damage: str = "") -> Sample:
    envelope = {
        "source_name": "DonationInterface",
        "source_type": "payments",
        "source_host": "payments.example.org",
        "source_run_id": 4711,
        "source_version": "unknown",
        "source_enqueued_time": int(time.time()),
    }
    return Sample(
        kind,
        queue,
        raw=php(envelope | fields),
        payment=_payment(queue, fields),
        damage=damage,
    )


def php(value: object) -> bytes:
    """JSON as PHP's json_encode writes it: ASCII, with slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", r"\/").encode()


def _payment(queue: str, fields: Mapping[str, Any]) -> Payment | None:
    if queue in PAYING:
        return fields["gateway"], fields["gateway_txn_id"]
    if queue == PENDING:
        return fields["gateway"], fields["order_id"]
    return None
