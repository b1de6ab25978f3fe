"""The consumer of ``opt-in``."""

import logging
from collections.abc import Sequence
from datetime import datetime

from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.donor import DonorDetails
from fundraising.crm.contacts.profiles import OPT_IN_SOURCE, Profile
from fundraising.preferences import consent, subscribers
from fundraising.preferences.messages import OptInMessage
from queues import effects, locks
from queues.consumer import Received, group_consumer

log = logging.getLogger(__name__)


@group_consumer("opt-in")
def opt_in(group: Sequence[Received[OptInMessage]]) -> None:
    """Donors who want our e-mail although no donation came of their visit."""
    locks.take(("donor", item.message.email.lower()) for item in group if item.message.email)
    effects.each_received(_opt_in)(group)


def _opt_in(item: Received[OptInMessage]) -> None:
    message = item.message
    subscribers.require_email(message.email, "UNSUBSCRIBE")
    at = message.pushed_at or item.received_at
    donor = subscribers.subscriber(message, at)
    directory = Directory.load([donor], [])
    profiles = _profiles(directory, donor, at, item.key)
    if not profiles:
        log.info("opt-in: no contact has it as primary address, message_id=%s", item.key)
    directory.write()
    for profile in profiles:
        consent.opt_in(
            profile.contact,
            at,
            message_id=item.key,
            campaign=message.utm_campaign,
            medium=message.utm_medium,
            source=message.utm_source,
        )


def _profiles(
    directory: Directory, donor: DonorDetails, at: datetime, message_id: str
) -> list[Profile]:
    """Whom to opt in: who proves who they are, else who has the address, else a new contact.

    Nobody when the address is only the second one of contacts, and the donor gives no name
    to tell them from those.
    """
    named, _ = directory.hinted(donor, at)
    is_proven = bool(donor.contact.contact_hash or donor.contact.checksum)
    if named is not None and is_proven:
        subscribers.revise(directory, donor, named, message_id)
        return [named]
    known = subscribers.known(directory, donor, message_id)
    if known:
        return known
    if directory.with_email(donor.email) and not donor.names.last_name:
        return []
    return [subscribers.new(directory, donor, message_id, OPT_IN_SOURCE)]
