"""The links in our mails: a donor's page, with the proof that we wrote to them."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.conf import settings

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Contact
from fundraising.mails.kinds import VERIFY_EMAIL

LIFE = timedelta(days=7)
# Whoever confirms an address may be away for some time.
LIFE_TO_VERIFY = timedelta(days=30)


def link(page: str, contact: Contact, recipient: str, now: datetime) -> str:
    """The address of a contact's page, good for a while from ``now`` (aware) on.

    That of the page VerifyEmail proves only who reads the recipient's mailbox; the others
    let in whoever has them. Raises ``KeyError`` for a page that there is not.
    """
    url = settings.DONOR_PAGES[page]
    query: dict[str, object] = {"contact_id": contact.pk}
    if page == VERIFY_EMAIL:
        until = now + LIFE_TO_VERIFY
        query["email"] = recipient
        query["checksum"] = checksums.signed(contact.pk, contact.hash, until, recipient)
    else:
        query["checksum"] = checksums.signed(contact.pk, contact.hash, now + LIFE)
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}"
