"""The ``verify-email`` message: the link in a mail to a new address was followed."""

from fundraising.preferences.messages.fields import Checksum, ContactId, Mailbox
from queues.messages import Message


class VerifyEmailMessage(Message):
    """Whose address it is; the checksum is that of the link."""

    contact_id: ContactId
    email: Mailbox
    checksum: Checksum
