"""The checksums in links that we mail: they prove that somebody was written to by us.

Two forms are accepted. Links that are out there carry ``<md5>_<unix time>_<hours of life>``;
those that we mail carry a contact's id signed by Django, which nobody can make who knows the
database alone. Both hold the contact's hash: change it and its links are void.
"""

import hashlib
import hmac
import math
import re
from datetime import datetime

from django.core import signing

_CHECKSUM = re.compile(r"([0-9a-f]{32})_(\d{1,12})_(\d{1,6}|inf)", re.ASCII)
_SECONDS_AN_HOUR = 3600


def checksum(contact_id: int, contact_hash: str, issued: datetime, hours: int | None) -> str:
    """The old form: ``<md5>_<unix time>_<hours of life>``, ``inf`` for ``hours`` None."""
    life = "inf" if hours is None else str(hours)
    seconds = str(int(issued.timestamp()))
    return f"{_digest(contact_id, contact_hash, seconds, life)}_{seconds}_{life}"


def signed(contact_id: int, contact_hash: str, until: datetime, email: str = "") -> str:
    """The form of the links that we mail, good until ``until`` (aware).

    With ``email`` it proves that whoever has it reads that mailbox, and nothing else;
    without, that they are the contact.
    """
    value = [contact_id, int(until.timestamp())]
    return signing.dumps(value, salt=_salt(contact_hash, email))


def is_valid(text: str, contact_id: int, contact_hash: str, now: datetime) -> bool:
    """Whether it was made for this contact, with its hash, and still lives at ``now``."""
    return now.timestamp() <= _until(text, contact_id, contact_hash)


def is_of(text: str, contact_id: int, contact_hash: str) -> bool:
    """Whether it was made for this contact, with its hash; it may have expired since."""
    return _until(text, contact_id, contact_hash) > -math.inf


def verifies(text: str, contact_id: int, contact_hash: str, now: datetime, email: str) -> bool:
    """Whether it proves at ``now`` that the contact reads the mailbox.

    The old form knows no addresses: one that lives for ever was made for such links.
    """
    if _CHECKSUM.fullmatch(text):
        return text.endswith("_inf") and is_of(text, contact_id, contact_hash)
    return now.timestamp() <= _signed_until(text, contact_id, contact_hash, email)


def _until(text: str, contact_id: int, contact_hash: str) -> float:
    """The unix time until which it lives; minus infinity if it is not the contact's."""
    parts = _CHECKSUM.fullmatch(text)
    if parts is None:
        return _signed_until(text, contact_id, contact_hash, email="")
    digest, seconds, life = parts.groups()
    if not hmac.compare_digest(digest, _digest(contact_id, contact_hash, seconds, life)):
        return -math.inf
    return math.inf if life == "inf" else int(seconds) + int(life) * _SECONDS_AN_HOUR


def _signed_until(text: str, contact_id: int, contact_hash: str, email: str) -> float:
    try:
        signed_id, until = signing.loads(text, salt=_salt(contact_hash, email))
    except signing.BadSignature:  # compared in constant time
        return -math.inf
    return float(until) if signed_id == contact_id else -math.inf


def _salt(contact_hash: str, email: str) -> str:
    return f"crm.checksums:{contact_hash}:{email.lower()}"


def _digest(contact_id: int, contact_hash: str, seconds: str, life: str) -> str:
    # MD5 because the links that are out there were made with it; the secret is the hash.
    text = f"{contact_hash}_{contact_id}_{seconds}_{life}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
