"""The ``email-preferences`` message: what a donor chose in the preference centre."""

from fundraising.crm.messages.fields import Choice, Id
from fundraising.preferences.messages.fields import (
    Checksum,
    ContactId,
    Country,
    Day,
    Language,
    Mailbox,
)
from queues.messages import Message


class EmailPreferencesMessage(Message):
    """A donor's choices; what is ``""`` or None they said nothing of.

    ``email_checksum`` is there when the donor wants another address; it says no more.
    """

    contact_id: ContactId
    checksum: Checksum
    email: Mailbox
    country: Country = ""
    language: Language = ""
    send_email: Choice = None
    snooze_date: Day = None
    email_checksum: Id = ""
