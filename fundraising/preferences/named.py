"""The contacts that messages name, and the proof that the message is theirs."""

from collections.abc import Callable, Iterable
from typing import Self

from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.models import Contact
from queues.outcomes import Damaged

INVALID = "INVALID_MESSAGE"

#: The location type of what donors tell in the preference centre.
EMAIL_PREFERENCE = "EmailPreference"

# Of a contact's id and hash.
Proof = Callable[[int, str], bool]


class NamedContacts:
    """The contacts of a group of messages, locked until the commit."""

    def __init__(self, directory: Directory, hashes: dict[int, str]) -> None:
        self._directory = directory
        self._hashes = hashes

    @classmethod
    def load(cls, contact_ids: Iterable[int]) -> Self:
        """Those of these ids, and those they were merged into."""
        ids = set(contact_ids)
        directory = Directory.load([], ids)
        hashes = Contact.objects.filter(pk__in=ids).values_list("pk", "hash")
        return cls(directory, dict(hashes))

    def proven(self, contact_id: int, is_proven: Proof, message_id: str) -> Profile:
        """The contact of that id, or the one it was merged into, to be changed by the message.

        Raises ``Damaged`` when there is none, or the checksum was not made for the one named.
        """
        contact_hash = self._hashes.get(contact_id)
        if contact_hash is None:
            raise Damaged(INVALID, "is of no contact", "contact_id")
        if not is_proven(contact_id, contact_hash):
            raise Damaged(INVALID, "does not prove that the donor is the contact", "checksum")
        profile = self._directory.by_id(contact_id)
        if profile is None:
            raise Damaged(INVALID, "is of a deleted contact", "contact_id")
        profile.message_id = message_id
        return profile

    def write(self) -> None:
        """Write what was changed of the profiles."""
        self._directory.write()
