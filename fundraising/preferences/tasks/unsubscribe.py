"""The consumer of ``unsubscribe``."""

import logging
from collections.abc import Sequence

from django.db.models import Q

from fundraising.crm.contacts.directory import Directory
from fundraising.crm.models import Email
from fundraising.preferences import consent
from fundraising.preferences.messages import UnsubscribeMessage
from queues import locks
from queues.consumer import Received, group_consumer
from queues.outcomes import Damaged, Park, SetAside

log = logging.getLogger(__name__)


@group_consumer("unsubscribe")
def unsubscribe(group: Sequence[Received[UnsubscribeMessage]]) -> None:
    """Donors who want no more e-mail: whoever has any of their addresses gets none.

    A contribution that is not known tells no further addresses, but the wish stands: front
    ends know an id only after the import. Where nobody has the address, who is about to get
    it may still be on their way.
    """
    asked = []
    for item in group:
        try:
            asked.append((item, _emails(item.message)))
        except SetAside as reason:
            item.set_aside(reason)
    locks.take(("donor", email) for _, emails in asked for email in emails)
    for item, emails in asked:
        try:
            _opt_out(item, emails)
        except SetAside as reason:
            item.set_aside(reason)


def _emails(message: UnsubscribeMessage) -> set[str]:
    """The address of the message, and those of the donor whose contribution it names."""
    contribution = message.contribution_id
    if not message.email:
        raise Damaged("UNSUBSCRIBE", "is missing", "email")
    if contribution is None:
        raise Damaged("UNSUBSCRIBE", "is missing", "contribution-id")
    of_donor = Q(contact__contributions=contribution) | Q(
        contact__merged__contributions=contribution
    )
    found = set(Email.objects.filter(of_donor).values_list("email", flat=True))
    if not found:
        log.info("unsubscribe: no addresses by contribution_id %d", contribution)
    return found | {message.email.lower()}


def _opt_out(item: Received[UnsubscribeMessage], emails: set[str]) -> None:
    at = item.message.pushed_at or item.received_at
    rows = Email.objects.filter(email__in=emails)
    ids = set(rows.values_list("contact_id", flat=True))
    directory = Directory.load([], ids)
    contacts = {
        profile.contact.pk: profile.contact
        for number in sorted(ids)
        if (profile := directory.by_id(number)) is not None
    }
    if not contacts:
        raise Park("MISSING_PREDECESSOR", "no contact has the address", "email")
    for contact in contacts.values():
        consent.opt_out(contact, at, message_id=item.key)
