"""The contacts of those who want our e-mail: known by their address, or new."""

from dataclasses import replace
from datetime import datetime

from fundraising.crm.contacts.directory import Directory
from fundraising.crm.contacts.donor import DonorDetails, donor_details
from fundraising.crm.contacts.names import Names
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.messages import DonationMessage
from queues.outcomes import Damaged


def require_email(email: str, code: str) -> None:
    """Raises ``Damaged`` of that code for what nobody could write to."""
    if "@" not in email:
        raise Damaged(code, "is no e-mail address" if email else "is missing", "email")


def subscriber(message: DonationMessage, at: datetime) -> DonorDetails:
    """Who signs up. What they say of e-mail is kept by :mod:`fundraising.preferences.consent`.

    Raises ``Damaged`` for a recipient_id nobody can read.
    """
    donor = donor_details(message, at, is_known_recurring=False)
    # They typed it themselves, whatever they then meant to pay by.
    return replace(donor, payment_method="", gateway="", opt_in=None)


def known(directory: Directory, donor: DonorDetails, message_id: str) -> list[Profile]:
    """The contacts that have the e-mail address as their primary one, oldest first.

    Those of whom we know nothing else learn the rest; of the others anybody could say it.
    """
    email = donor.email.lower()
    found = [
        profile
        for profile in directory.with_email(email)
        if profile.primary_email is not None and profile.primary_email.email.lower() == email
    ]
    for profile in found:
        if profile.is_nameless:
            revise(directory, donor, profile, message_id)
    return found


def revise(directory: Directory, donor: DonorDetails, profile: Profile, message_id: str) -> None:
    """Bring a contact up to date; half a name says too little to change one."""
    names = donor.names
    if not (names.first_name and names.last_name):
        donor = replace(donor, names=Names())
    directory.save(donor, profile, message_id)


def new(directory: Directory, donor: DonorDetails, message_id: str, source: str) -> Profile:
    """A contact for somebody unknown; ``source`` is how we met."""
    profile = directory.save(donor, None, message_id)
    profile.put(profile.contact, source=source)
    return profile
