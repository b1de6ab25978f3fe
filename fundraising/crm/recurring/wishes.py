"""The recurring contributions that donors want changed: found, and theirs."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from fundraising.crm.contacts import checksums, details
from fundraising.crm.contacts.directory import Directory
from fundraising.crm.currencies import money
from fundraising.crm.messages import RecurringModifyMessage
from fundraising.crm.models import Contact, RecurringContribution
from fundraising.crm.recurring.records import Records
from queues import locks
from queues.outcomes import Damaged, Park

CODE = "INVALID_RECURRING"


def load(messages: Sequence[RecurringModifyMessage], now: datetime) -> Records:
    """The records that messages name, and their donors, locked as the import of donations does."""
    records = Records.load((_named(message) for message in messages), now)
    locks.take(("donor", message.email.lower()) for message in messages if message.email)
    return records


def find(message: RecurringModifyMessage, records: Records) -> RecurringContribution:
    """The record that a message names.

    Raises ``Park`` for an unknown subscription, which may be on its way; an id of ours is told
    by nobody before there is the record, so for one that is unknown ``Damaged``.
    """
    named = _named(message)
    record = records.find(named)
    if record is not None:
        return record
    if message.contribution_recur_id:
        raise Damaged(CODE, "no such record", "contribution_recur_id")
    if not named.subscr_id:
        raise Damaged(CODE, "is missing", "contribution_recur_id")
    if not message.gateway:
        raise Damaged(CODE, "is missing", "gateway")
    raise Park("MISSING_PREDECESSOR", "no recurring record has the subscr_id", "subscr_id")


def verify(message: RecurringModifyMessage, record: RecurringContribution) -> None:
    """Where the message says whose it is, it must be of the donor of the record.

    Contacts may have been merged since. Whether a checksum still lives is for the page to
    say that took it. Raises ``Damaged``.
    """
    if not (message.contact_id or message.checksum):
        return
    number = details.contact_hint(message).contact_id if message.contact_id else record.contact_id
    named = Contact.objects.filter(pk=number).first() if number is not None else None
    if named is None:
        raise Damaged(CODE, "is of no contact", "contact_id")
    directory = Directory.load([], [named.pk, record.contact_id])
    if directory.by_id(named.pk) is not directory.by_id(record.contact_id):
        raise Damaged(CODE, "is not the donor of the record", "contact_id")
    if message.checksum and not checksums.is_of(message.checksum, named.pk, named.hash):
        raise Damaged(CODE, "does not prove that the donor is the contact", "checksum")


def amount(message: RecurringModifyMessage, record: RecurringContribution) -> Decimal:
    """The new amount, in the currency of the record. Raises ``Damaged``."""
    if message.currency not in ("", record.currency):
        raise Damaged(CODE, "is not that of the record", "currency")
    if message.amount is None:
        raise Damaged(CODE, "is missing", "amount")
    rounded = money.rounded(message.amount, record.currency)
    if rounded <= 0:
        raise Damaged(CODE, "is not positive", "amount")
    return rounded


def _named(message: RecurringModifyMessage) -> RecurringModifyMessage:
    """A subscription may be named by the record's trxn_id too."""
    return message.model_copy(update={"subscr_id": message.subscr_id or message.trxn_id})
