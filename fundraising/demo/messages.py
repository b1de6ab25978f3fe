"""What the demo pushes: messages as payment front ends write them, good, odd and bad.

The donors are made up. Every sample knows the payment it tells of, so that the accounting
can ask the database what became of it.
"""

import json
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from queues.wire import digest

DONATIONS = "donations"
PENDING = "pending"
TRACKING = "contribution-tracking"

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


def waves() -> tuple[list[Sample], list[Sample], list[Sample]]:
    """All samples in three waves; what must come after something else is in a later one."""
    numbers = count(910_000_001)
    good = list(_good(numbers))
    early = [_Checkout(next(numbers)) for _ in range(15)]
    in_order = [_Checkout(next(numbers)) for _ in range(25)]
    afterthought = [_Checkout(next(numbers)) for _ in range(10)]
    visits = [next(numbers) for _ in range(40)]
    first = [
        *good,
        *(one.sparse("sparse, before its pending") for one in early),
        *(one.pending("pending") for one in in_order),
        *(one.whole("donation, before its pending") for one in afterthought),
        *(_visit(visit, "newer", 60) for visit in visits),
        *_damaged(numbers),
    ]
    second = [
        *(one.sparse("sparse, after its pending") for one in in_order),
        *(_again(sample) for sample in good[:20]),
        *(_same_bytes(sample) for sample in good if sample.raw is not None),
        *(one.pending("pending, after its donation") for one in afterthought),
        *(_visit(visit, "older", 0) for visit in visits),
    ]
    third = [
        *(one.pending("pending, after its sparse one") for one in early),
        _reused_id(good),
    ]
    return _mixed(first), _mixed(second), third


def _mixed(samples: list[Sample]) -> list[Sample]:
    """All kinds side by side, the same in each run."""
    stride = 7
    return [sample for start in range(stride) for sample in samples[start::stride]]


def _good(numbers: Iterator[int]) -> Iterator[Sample]:
    """Donations of all forms, one half by our own push, the other as PHP writes them."""
    for _ in range(80):
        yield _pushed("donation, by push", DONATIONS, _donation(next(numbers)))
    for _ in range(60):
        yield _as_php("donation, by RPUSH", DONATIONS, _donation(next(numbers)))
    for _ in range(10):
        # An id in a message of PHP: the last sample of the third wave uses one again.
        fields = _donation(next(numbers)) | {"message_id": uuid.uuid4().hex}
        yield _as_php("donation, by RPUSH with an id", DONATIONS, fields)
    for number in (next(numbers) for _ in range(10)):
        monthly = {"recurring": "1", "recurring_payment_token": f"token-{number}"}
        yield _as_php("first monthly donation", DONATIONS, _donation(number) | monthly)


def _donation(number: int) -> Fields:
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


class _Checkout:
    """One payment as it is told of in two messages: what the donor entered, and that it is paid."""

    def __init__(self, number: int) -> None:
        self._fields = _donation(number)

    def pending(self, kind: str) -> Sample:
        """Before the payment is certain; its processor's id is not known yet."""
        fields = self._fields | {"gateway_txn_id": False}
        return _as_php(kind, PENDING, fields)

    def sparse(self, kind: str) -> Sample:
        """Paid: only what the processor tells."""
        names = ("gateway", "gateway_txn_id", "order_id", "contribution_tracking_id")
        fields = {name: self._fields[name] for name in (*names, "currency", "gross", "date")}
        marker = f"{self._fields['gateway']}-{self._fields['order_id']}"
        return _as_php(kind, DONATIONS, fields | {"completion_message_id": marker})

    def whole(self, kind: str) -> Sample:
        """Paid, with everything in one message."""
        return _as_php(kind, DONATIONS, self._fields)


def _visit(number: int, campaign: str, seconds: int) -> Sample:
    """A data point about a visit, ``seconds`` after the others of it."""
    fields = {"id": number, "utm_campaign": campaign, "utm_medium": "email", "country": "FR"}
    pushed = {"source_enqueued_time": int(time.time()) - 3600 + seconds}
    return _as_php(f"tracking, the {campaign} data point", TRACKING, fields | pushed)


def _again(sample: Sample) -> Sample:
    """The same payment told once more, as by a webhook after the front end: another message."""
    fields = dict(sample.fields or {}) | {"message_id": uuid.uuid4().hex}
    return Sample("the same payment again", DONATIONS, fields=fields, payment=sample.payment)


def _same_bytes(sample: Sample) -> Sample:
    return Sample("the same bytes again", DONATIONS, raw=sample.raw, payment=sample.payment)


def _reused_id(good: list[Sample]) -> Sample:
    """A producer that gives an id twice: another payment under the id of an imported one."""
    used = next(sample for sample in good if sample.kind == "donation, by RPUSH with an id")
    fields = _donation(919_999_999) | {"message_id": used.key}
    return _as_php("an id used twice", DONATIONS, fields, damage=REUSED)


def _damaged(numbers: Iterator[int]) -> Iterator[Sample]:
    """What cannot be imported, by the code that it should get; two of each."""
    spoilt: tuple[tuple[str, str, Callable[[Fields], bytes]], ...] = (
        ("no currency", "CIVI_REQ_FIELD", lambda one: _php(_without(one, "currency"))),
        ("a negative amount", "CIVI_REQ_FIELD", lambda one: _php(one | {"gross": "-5.00"})),
        ("an unknown currency", "INVALID_MESSAGE", lambda one: _php(one | {"currency": "XQQ"})),
        ("an amount that is no number", "INVALID_MESSAGE", lambda one: _php(one | {"gross": "?"})),
        ("an amount of NaN", "INVALID_JSON", lambda one: _php(one | {"gross": float("nan")})),
        ("a card number", "CARD_DATA", lambda one: _php(one | {"comment": "4111 1111 1111 1111"})),
        ("bytes that are no text", "INVALID_JSON", lambda one: _php(one) + b"\xff\xfe"),
        ("half a message", "INVALID_JSON", lambda one: _php(one)[:100]),
        ("a list", "INVALID_JSON", lambda one: _php([one["order_id"]])),
        ("more than 1 MiB", "INVALID_JSON", lambda one: _php(one | {"comment": "x" * 2**20})),
    )
    for kind, code, spoil in spoilt:
        for _ in range(2):
            yield Sample(kind, DONATIONS, raw=spoil(_donation(next(numbers))), damage=code)
    yield Sample("an empty message", DONATIONS, raw=b"", damage="INVALID_JSON")
    fields = _donation(next(numbers)) | {"order_id": "", "gateway_txn_id": ""}
    yield _as_php("pending without an id", PENDING, fields, damage="INVALID_MESSAGE")
    fields = {"utm_campaign": "demo", "country": "FR"}
    yield _as_php("tracking without an id", TRACKING, fields, damage="CONTRIBUTION_TRACKING")


def _without(fields: Fields, name: str) -> Fields:
    return {key: value for key, value in fields.items() if key != name}


def _pushed(kind: str, queue: str, fields: Fields) -> Sample:
    fields = fields | {"message_id": uuid.uuid4().hex}
    return Sample(kind, queue, fields=fields, payment=_payment(queue, fields))


def _as_php(kind: str, queue: str, fields: Fields, damage: str = "") -> Sample:
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
        raw=_php(envelope | fields),
        payment=_payment(queue, fields),
        damage=damage,
    )


def _php(value: object) -> bytes:
    """JSON as PHP's json_encode writes it: ASCII, with slashes escaped."""
    return json.dumps(value, separators=(",", ":")).replace("/", r"\/").encode()


def _payment(queue: str, fields: Mapping[str, Any]) -> Payment | None:
    if queue == DONATIONS:
        return fields["gateway"], fields["gateway_txn_id"]
    if queue == PENDING:
        return fields["gateway"], fields["order_id"]
    return None
