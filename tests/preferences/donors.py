"""A donor who follows the links in our mails, and the messages that come of it."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.db.models import Model

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Activity, Address, Contact, Email
from queues import instances
from queues.deadletter import DeadLetter
from queues.routes import routes
from tests.deliveries import Message, Told, deliver

# 2026-05-01 00:00:00 UTC
MAY = 1777593600
DAY = 86400
WHEN = datetime.fromtimestamp(MAY, UTC)

# Numbers, secrets and the times of the import may differ; of rows that several messages
# wrote, which one is named.
_OWN = {"id", "hash", "created_at", "modified_at", "updated_at", "message_id"}


def known(email: str = "ana@example.org", **fields: object) -> Contact:
    """A contact with a primary e-mail address, none for ``""``."""
    contact = Contact.objects.create(
        **{"first_name": "Ana", "preferred_language": "en_US", "hash": "5" * 32} | fields
    )
    if email:
        Email.objects.create(contact=contact, email=email, is_primary=True)
    return contact


def old_checksum(contact: Contact, *, hours: int | None = 168, issued: int = MAY) -> str:
    """As the links that are out there carry it."""
    moment = datetime.fromtimestamp(issued, UTC)
    return checksums.checksum(contact.pk, contact.hash, moment, hours)


def preferences(contact: Contact, **fields: object) -> Message:
    """As the preference centre pushes it."""
    return {
        "checksum": old_checksum(contact),
        "contact_id": str(contact.pk),
        "email": "ana@example.org",
        **_envelope(),
        **fields,
    }


def verification(contact: Contact, **fields: object) -> Message:
    """As the page pushes it that the link in a mail to a new address leads to."""
    return {
        "contact_id": contact.pk,
        "email": "new@example.org",
        "checksum": old_checksum(contact, hours=None),
        **_envelope(),
        **fields,
    }


def wish(**fields: object) -> Message:
    """As a page pushes it whose visitor's link has expired."""
    return {"email": "ana@example.org", "page": "DonorPortal", **_envelope(), **fields}


def told(queue: str, *messages: Message) -> list[DeadLetter]:
    """Bring messages to the consumer of their queue, as one group; those that it set aside."""
    return deliver(instances.client(routes()[queue].instance), queue, *messages)


def faults(letters: Iterable[DeadLetter]) -> list[tuple[str, str]]:
    """The code and the field of each."""
    return [(letter.code, letter.field) for letter in letters]


def told_each(messages: Iterable[Told]) -> None:
    """Bring messages of any queues to their consumers, one by one; none may be set aside."""
    for queue, message in messages:
        assert told(queue, message) == []


def contents() -> list[object]:
    """What is known of contacts, apart from numbers and times of the import."""
    return sorted(
        (
            _values(contact),
            *(
                sorted(_values(row) for row in model.objects.filter(contact=contact))
                for model in (Email, Address, Activity)
            ),
        )
        for contact in Contact.objects.all()
    )


def _values(row: Model) -> tuple[str, ...]:
    return tuple(
        str(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.name not in _OWN and not field.is_relation
    )


def _envelope() -> Message:
    return {
        "source_name": "DonationInterface",
        "source_type": "emailpreferences",
        "source_host": "host.example",
        "source_run_id": 4242,
        "source_version": "unknown",
        "source_enqueued_time": MAY,
    }
