"""Contacts to write to."""

from fundraising.crm.models import Contact, Email


def donor(email: str = "donor@example.org", **fields: object) -> Contact:
    """A contact with a primary e-mail address, none for ``""``."""
    contact = Contact.objects.create(
        **{"first_name": "Zoë", "preferred_language": "en_US"} | fields
    )
    if email:
        Email.objects.create(contact=contact, email=email, is_primary=True)
    return contact
