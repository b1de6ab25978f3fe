"""The consumer of ``verify-email``."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial

from django.db.models import Q

from fundraising.crm.contacts import checksums, confidence
from fundraising.crm.contacts.activities import note_once
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.models import Activity, Email
from fundraising.pending.personal import mask_email
from fundraising.preferences import double_opt_in
from fundraising.preferences.messages import VerifyEmailMessage
from fundraising.preferences.named import EMAIL_PREFERENCE, NamedContacts
from queues import effects, locks
from queues.consumer import Received, group_consumer

# Where the donor's own word stands, which a newer one replaces.
_OWN_WORD = frozenset({confidence.HOME, EMAIL_PREFERENCE})

Item = Received[VerifyEmailMessage]


@group_consumer("verify-email")
def verify_email(group: Sequence[Item]) -> None:
    """Donors who followed the link in a mail to their new address: it is the primary one now."""
    locks.take(("donor", item.message.email.lower()) for item in group)
    contacts = NamedContacts.load(item.message.contact_id for item in group)
    effects.each_received(partial(_verify, contacts))(group)
    contacts.write()


def _verify(contacts: NamedContacts, item: Item) -> None:
    message = item.message
    # The link was good when it was followed, however long the message then waited.
    at = message.pushed_at or item.received_at

    def is_proven(contact_id: int, contact_hash: str) -> bool:
        return checksums.verifies(message.checksum, contact_id, contact_hash, at, message.email)

    profile = contacts.proven(message.contact_id, is_proven, item.key)
    details = mask_email(message.email.lower())
    is_newest = not _has_newer(profile, at, details)
    note_once(
        Activity(
            contact=profile.contact,
            activity_type=Activity.Type.VERIFY_EMAIL,
            activity_date=at,
            details=details,
            message_id=item.key,
        )
    )
    if is_newest:
        _make_primary(profile, message.email.lower())
    double_opt_in.note(profile)


def _has_newer(profile: Profile, at: datetime, details: str) -> bool:
    """Whether the donor has verified another address since."""
    later = Q(activity_date__gt=at) | Q(activity_date=at, details__gt=details)
    known = Activity.objects.filter(
        contact=profile.contact, activity_type=Activity.Type.VERIFY_EMAIL
    )
    return known.exclude(message_id="").filter(later).exists()


def _make_primary(profile: Profile, email: str) -> None:
    """What the donor gave us before is replaced; what a wallet told stays beside it."""
    primary = row = profile.primary_email
    if primary is None or (
        primary.email.lower() != email and primary.location_type not in _OWN_WORD
    ):
        row = next((row for row in profile.emails if row.location_type == EMAIL_PREFERENCE), None)
    if row is None:
        row = Email(contact=profile.contact, location_type=EMAIL_PREFERENCE)
        profile.emails.append(row)
    if primary is not None and primary is not row:
        # Until when the donor wants no mail goes with the primary address.
        profile.put(row, snooze_date=primary.snooze_date)
        profile.put(primary, is_primary=False, snooze_date=None)
    profile.put(row, email=email, is_primary=True, on_hold=False)
