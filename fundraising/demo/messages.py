"""What the demo pushes about donations: good, odd and bad messages, in three waves."""

import time
import uuid
from collections.abc import Callable, Iterator
from itertools import count

from fundraising.demo import other_queues
from fundraising.demo.samples import (
    DONATIONS,
    PENDING,
    REUSED,
    TRACKING,
    Fields,
    Sample,
    as_php,
    donation,
    php,
    pushed,
)

# The numbers of the visits that the demo tells of.
FIRST_VISIT = 910_000_001
LAST_VISIT = 919_999_999


def waves() -> tuple[list[Sample], list[Sample], list[Sample]]:
    """All samples in three waves; what must come after something else is in a later one."""
    numbers = count(FIRST_VISIT)
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
        *other_queues.around(numbers, good),
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
        yield pushed("donation, by push", DONATIONS, donation(next(numbers)))
    for _ in range(60):
        yield as_php("donation, by RPUSH", DONATIONS, donation(next(numbers)))
    for _ in range(10):
        # An id in a message of PHP: the last sample of the third wave uses one again.
        fields = donation(next(numbers)) | {"message_id": uuid.uuid4().hex}
        yield as_php("donation, by RPUSH with an id", DONATIONS, fields)
    for number in (next(numbers) for _ in range(10)):
        monthly = {"recurring": "1", "recurring_payment_token": f"token-{number}"}
        yield as_php("first monthly donation", DONATIONS, donation(number) | monthly)


class _Checkout:
    """One payment as it is told of in two messages: what the donor entered, and that it is paid."""

    def __init__(self, number: int) -> None:
        self._fields = donation(number)

    def pending(self, kind: str) -> Sample:
        """Before the payment is certain; its processor's id is not known yet."""
        fields = self._fields | {"gateway_txn_id": False}
        return as_php(kind, PENDING, fields)

    def sparse(self, kind: str) -> Sample:
        """Paid: only what the processor tells."""
        names = ("gateway", "gateway_txn_id", "order_id", "contribution_tracking_id")
        fields = {name: self._fields[name] for name in (*names, "currency", "gross", "date")}
        marker = f"{self._fields['gateway']}-{self._fields['order_id']}"
        return as_php(kind, DONATIONS, fields | {"completion_message_id": marker})

    def whole(self, kind: str) -> Sample:
        """Paid, with everything in one message."""
        return as_php(kind, DONATIONS, self._fields)


def _visit(number: int, campaign: str, seconds: int) -> Sample:
    """A data point about a visit, ``seconds`` after the others of it."""
    fields = {"id": number, "utm_campaign": campaign, "utm_medium": "email", "country": "FR"}
    moment = {"source_enqueued_time": int(time.time()) - 3600 + seconds}
    return as_php(f"tracking, the {campaign} data point", TRACKING, fields | moment)


def _again(sample: Sample) -> Sample:
    """The same payment told once more, as by a webhook after the front end: another message."""
    fields = dict(sample.fields or {}) | {"message_id": uuid.uuid4().hex}
    return Sample("the same payment again", DONATIONS, fields=fields, payment=sample.payment)


def _same_bytes(sample: Sample) -> Sample:
    return Sample("the same bytes again", DONATIONS, raw=sample.raw, payment=sample.payment)


def _reused_id(good: list[Sample]) -> Sample:
    """A producer that gives an id twice: another payment under the id of an imported one."""
    used = next(sample for sample in good if sample.kind == "donation, by RPUSH with an id")
    fields = donation(LAST_VISIT) | {"message_id": used.key}
    return as_php("an id used twice", DONATIONS, fields, damage=REUSED)


def _damaged(numbers: Iterator[int]) -> Iterator[Sample]:
    """What cannot be imported, by the code that it should get; two of each."""
    spoilt: tuple[tuple[str, str, Callable[[Fields], bytes]], ...] = (
        ("no currency", "CIVI_REQ_FIELD", lambda one: php(_without(one, "currency"))),
        ("a negative amount", "CIVI_REQ_FIELD", lambda one: php(one | {"gross": "-5.00"})),
        ("an unknown currency", "INVALID_MESSAGE", lambda one: php(one | {"currency": "XQQ"})),
        ("an amount that is no number", "INVALID_MESSAGE", lambda one: php(one | {"gross": "?"})),
        ("an amount of NaN", "INVALID_JSON", lambda one: php(one | {"gross": float("nan")})),
        ("a card number", "CARD_DATA", lambda one: php(one | {"comment": "4111 1111 1111 1111"})),
        ("bytes that are no text", "INVALID_JSON", lambda one: php(one) + b"\xff\xfe"),
        ("half a message", "INVALID_JSON", lambda one: php(one)[:100]),
        ("a list", "INVALID_JSON", lambda one: php([one["order_id"]])),
        ("more than 1 MiB", "INVALID_JSON", lambda one: php(one | {"comment": "x" * 2**20})),
    )
    for kind, code, spoil in spoilt:
        for _ in range(2):
            yield Sample(kind, DONATIONS, raw=spoil(donation(next(numbers))), damage=code)
    yield Sample("an empty message", DONATIONS, raw=b"", damage="INVALID_JSON")
    fields = donation(next(numbers)) | {"order_id": "", "gateway_txn_id": ""}
    yield as_php("pending without an id", PENDING, fields, damage="INVALID_MESSAGE")
    fields = {"utm_campaign": "demo", "country": "FR"}
    yield as_php("tracking without an id", TRACKING, fields, damage="CONTRIBUTION_TRACKING")


def _without(fields: Fields, name: str) -> Fields:
    return {key: value for key, value in fields.items() if key != name}
