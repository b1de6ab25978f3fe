"""The checksums in links that we mail: they prove that somebody was written to by us."""

import hashlib
import hmac
import re
from datetime import datetime, timedelta

_CHECKSUM = re.compile(r"([0-9a-f]{32})_(\d{1,12})_(\d{1,6}|inf)", re.ASCII)


def checksum(contact_id: int, contact_hash: str, issued: datetime, hours: int | None) -> str:
    """``<md5>_<unix time>_<hours of life>``, ``inf`` for ``hours`` None."""
    life = "inf" if hours is None else str(hours)
    seconds = str(int(issued.timestamp()))
    return f"{_digest(contact_id, contact_hash, seconds, life)}_{seconds}_{life}"


def is_valid(text: str, contact_id: int, contact_hash: str, now: datetime) -> bool:
    """Whether it was made for this contact, with its hash, and still lives at ``now``."""
    parts = _CHECKSUM.fullmatch(text)
    if parts is None:
        return False
    digest, seconds, life = parts.groups()
    if not hmac.compare_digest(digest, _digest(contact_id, contact_hash, seconds, life)):
        return False
    if life == "inf":
        return True
    return now.timestamp() <= int(seconds) + timedelta(hours=int(life)).total_seconds()


def _digest(contact_id: int, contact_hash: str, seconds: str, life: str) -> str:
    # MD5 because the links that are out there were made with it; the secret is the hash.
    text = f"{contact_hash}_{contact_id}_{seconds}_{life}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
