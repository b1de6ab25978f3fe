"""The consumer of ``new-checksum-link``."""

import logging
from collections.abc import Sequence

from fundraising.crm.contacts.directory import Directory
from fundraising.crm.models import Contact
from fundraising.mails.outgoing import send_later
from fundraising.preferences.messages import NewChecksumLinkMessage
from queues.consumer import Received, group_consumer

log = logging.getLogger(__name__)


@group_consumer("new-checksum-link")
def new_checksum_link(group: Sequence[Received[NewChecksumLinkMessage]]) -> None:
    """Donors who ask for a link get it at the address that we have, one mail a message.

    Whoever is not known gets nothing, and nobody is told: anybody can ask, for any address.
    """
    ids = (item.message.contact_id for item in group)
    directory = Directory.load([], {number for number in ids if number is not None})
    for item in group:
        contact = _contact(item.message, directory)
        if contact is None:
            log.info("new-checksum-link: no such contact, message_id=%s", item.key)
            continue
        context = {"page": item.message.target}
        send_later("new_checksum_link", contact, key=item.key, context=context)


def _contact(message: NewChecksumLinkMessage, directory: Directory) -> Contact | None:
    """By contact id; else whoever has the primary address, the last changed when several."""
    profile = directory.by_id(message.contact_id)
    if profile is not None:
        return profile.contact
    if not message.email:
        return None
    found = Contact.objects.filter(
        emails__email=message.email.lower(), emails__is_primary=True, is_deleted=False
    )
    return found.order_by("-modified_at", "-pk").first()
