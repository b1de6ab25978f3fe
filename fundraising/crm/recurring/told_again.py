"""What a message of a subscription tells of a donor whom its other messages have told of.

Messages of a subscription repeat what the processor has on file. The donor's address and
e-mail address are as the earliest that has them tells, the names as the latest does; and
what else the donor told us stands before all of them. By the dates of the messages, so that
the order of arrival makes no difference.
"""

from collections.abc import Iterable

from fundraising.crm.contacts import addresses
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.donor import donor_details
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.messages import DonationMessage
from fundraising.crm.models import RecurringContribution, RecurringEvent
from fundraising.crm.recurring.state import Event

Kind = RecurringEvent.Kind

EMAIL = frozenset({"email", "billing_email"})
ADDRESS = frozenset(
    {
        "street_address",
        "supplemental_address_1",
        "supplemental_address_2",
        "city",
        "state_province",
        "postal_code",
    }
)
NAMES = frozenset({"first_name", "middle_name", "last_name", "full_name"})
FIELDS = EMAIL | ADDRESS | NAMES

_OF_DONORS = frozenset({Kind.SIGNUP, Kind.CREATED, Kind.PAYMENT})


def revise(
    record: RecurringContribution,
    message: DonationMessage,
    this: Event,
    events: Iterable[Event],
) -> bool:
    """Bring the contact of a record up to date; whether there is one, which may be deleted.

    ``this`` is the event that the message tells, ``events`` are those of the record, which
    is locked.
    """
    told = donor_details(message, this.at, is_known_recurring=True)
    directory = Directory.load([told], [record.contact_id])
    profile = directory.owner(record)
    if profile is None:
        return False
    blank = dict.fromkeys(superfluous(message, this, events, profile), "")
    news = donor_details(message.model_copy(update=blank), this.at, is_known_recurring=True)
    directory.save(news, profile, this.message_id)
    directory.write()
    return True


def superfluous(
    message: DonationMessage, this: Event, events: Iterable[Event], profile: Profile
) -> frozenset[str]:
    """The fields of a message that are to be left out for a known donor."""
    later = {
        event.message_id
        for event in events
        if event.kind in _OF_DONORS and event.order > this.order
    }
    left_out: frozenset[str] = frozenset()
    if profile.emails and not any(row.message_id in later for row in profile.emails):
        left_out |= EMAIL
    country = addresses.valid_country(message.country)
    if profile.addresses and not any(
        row.message_id in later or (row.country == country and not row.street_address)
        for row in profile.addresses
    ):
        left_out |= ADDRESS
    if later and (profile.contact.first_name or profile.contact.last_name):
        left_out |= NAMES
    return left_out
