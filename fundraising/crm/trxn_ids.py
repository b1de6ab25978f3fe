"""The identifiers of a contribution: trxn_id and invoice_id."""

import re
from dataclasses import dataclass
from datetime import datetime

REFUND = "RFD"
RECURRING = "RECURRING"
ADJUSTMENT = "ADJUSTMENT"
KINDS = (
    "CHARGEBACK",
    "REVERSAL",
    "CHARGEBACK_REVERSAL",
    "REFUND_REVERSAL",
    "REVERSAL_REVERSAL",
)
MAX_LENGTH = 255

_BY_TYPE = {
    "refund": (True, ""),
    "chargeback": (True, "CHARGEBACK"),
    "reversal": (True, "REVERSAL"),
    "chargeback_reversed": (False, "CHARGEBACK_REVERSAL"),
    "refund_reversed": (False, "REFUND_REVERSAL"),
    "reversal_reversed": (False, "REVERSAL_REVERSAL"),
}
# How old ids begin instead of RFD.
_REFUND_WORDS = (REFUND, "REFUND")
_RESERVED = frozenset({*_REFUND_WORDS, RECURRING, ADJUSTMENT, *KINDS})
_GATEWAY = re.compile(r"[a-z0-9_-]+", re.ASCII)
_DIGITS = re.compile(r"\d+", re.ASCII)


class InvalidTrxnId(ValueError):
    """The parts make no trxn_id, or the text is none; the text of the error holds no value."""

    def __init__(self, text: str, field: str = "gateway_txn_id") -> None:
        super().__init__(text)
        self.field = field


@dataclass(frozen=True, slots=True)
class TrxnId:
    """The name of one movement of money; ``str()`` of it is unique among contributions.

    ``kind`` is one of :data:`KINDS` or empty; ``gateway`` is lower case here and upper case
    in text, and empty in some old ids; ``timestamp`` (digits) stands in some old ids only.
    Raises ``InvalidTrxnId`` for parts that would read back as others, such as ids with spaces.
    """

    gateway: str
    gateway_txn_id: str
    is_refund: bool = False
    kind: str = ""
    recurring: bool = False
    adjustment: bool = False
    timestamp: str = ""

    def __post_init__(self) -> None:
        _check(self.gateway, self.gateway_txn_id)
        if self.kind and self.kind not in KINDS:
            raise InvalidTrxnId("the kind of reversal is unknown")
        if self.timestamp and not (self.gateway and _DIGITS.fullmatch(self.timestamp)):
            raise InvalidTrxnId("the timestamp is not digits behind gateway and id")
        if len(str(self)) > MAX_LENGTH:
            raise InvalidTrxnId(f"gateway_txn_id makes a trxn_id of over {MAX_LENGTH} characters")

    def __str__(self) -> str:
        words = (
            REFUND if self.is_refund else "",
            self.kind,
            RECURRING if self.recurring else "",
            ADJUSTMENT if self.adjustment else "",
            self.gateway.upper(),
            self.gateway_txn_id,
            self.timestamp,
        )
        return " ".join(word for word in words if word)


def parse(text: str) -> TrxnId:
    """The opposite of ``str()``. Raises ``InvalidTrxnId``."""
    words = text.split()
    is_refund = _take(words, _REFUND_WORDS) != ""
    kind = _take(words, KINDS)
    flags = [_take(words, (RECURRING, ADJUSTMENT)) for _ in range(2)]
    if flags[0] and flags[0] == flags[1]:
        raise InvalidTrxnId("a word stands twice")
    gateway, gateway_txn_id, timestamp = _identify(words)
    return TrxnId(
        gateway=gateway,
        gateway_txn_id=gateway_txn_id,
        is_refund=is_refund,
        kind=kind,
        recurring=RECURRING in flags,
        adjustment=ADJUSTMENT in flags,
        timestamp=timestamp,
    )


def for_payment(
    gateway: str, gateway_txn_id: str, *, message_type: str = "", recurring: bool = False
) -> TrxnId:
    """Of a donation, refund or reversal message.

    ``message_type`` as on the wire (``refund``, ``chargeback_reversed`` ...); others make a plain
    donation. Raises ``InvalidTrxnId``, also when gateway or id is missing.
    """
    if not gateway:
        raise InvalidTrxnId("gateway is missing", "gateway")
    is_refund, kind = _BY_TYPE.get(message_type, (False, ""))
    return TrxnId(gateway, gateway_txn_id, is_refund=is_refund, kind=kind, recurring=recurring)


def recurring_invoice_id(order_id: str, received: datetime) -> str:
    """``<order_id>|recur-<unixtime>``: instalments share the order of the first donation.

    The time is the payment's, so that a message has the same invoice_id at every attempt.
    """
    return f"{order_id}|recur-{int(received.timestamp())}"


def duplicate_invoice_id(invoice_id: str, now: datetime) -> str:
    """``<invoice_id>|dup-<unixtime>``, when another contribution has the invoice_id."""
    return f"{invoice_id.partition('|dup-')[0]}|dup-{int(now.timestamp())}"


def _check(gateway: str, gateway_txn_id: str) -> None:
    if not gateway_txn_id:
        raise InvalidTrxnId("gateway_txn_id is missing")
    if gateway_txn_id.split() != [gateway_txn_id]:
        raise InvalidTrxnId("gateway_txn_id holds a space")
    if gateway and (not _GATEWAY.fullmatch(gateway) or gateway.upper() in _RESERVED):
        raise InvalidTrxnId("gateway is not a gateway code", "gateway")
    if not gateway and gateway_txn_id in _RESERVED:
        raise InvalidTrxnId("gateway_txn_id is a word of the grammar")


def _take(words: list[str], expected: tuple[str, ...]) -> str:
    """The first word, removed, if it is one of those; else empty."""
    return words.pop(0) if words and words[0] in expected else ""


def _identify(words: list[str]) -> tuple[str, str, str]:
    """Gateway, id and timestamp of what is left when the leading words are gone."""
    match words:
        case [gateway_txn_id]:
            return "", gateway_txn_id, ""
        case [gateway, gateway_txn_id]:
            return gateway.lower(), gateway_txn_id, ""
        case [gateway, gateway_txn_id, timestamp]:
            return gateway.lower(), gateway_txn_id, timestamp
        case _:
            raise InvalidTrxnId("has no id, or too many words")
