"""Whoever gives, as a message tells it: all that is needed to find or make the contact."""

from dataclasses import dataclass
from datetime import datetime

from fundraising.crm import gift
from fundraising.crm.contacts import details, languages, names
from fundraising.crm.contacts.addresses import Address
from fundraising.crm.contacts.details import ContactHint, Provenance
from fundraising.crm.contacts.names import Names
from fundraising.crm.contacts.phones import Phone
from fundraising.crm.gift import ExternalIdentifier
from fundraising.crm.messages import DonationMessage

LEGAL_IDENTIFIER_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DonorDetails:
    """A donor. Text is ``""`` when unknown; ``received`` (aware UTC) is when this was true.

    ``is_known_recurring``: the message belongs to a recurring contribution that exists.
    """

    gateway: str
    payment_method: str
    received: datetime
    is_known_recurring: bool
    contact: ContactHint
    names: Names
    email: str
    billing_email: str
    phone: Phone | None
    address: Address
    preferred_language: str
    opt_in: bool | None
    employer: str
    employer_id: str
    legal_identifier: str
    external_identifier: ExternalIdentifier | None
    user_ip: str
    provenance: Provenance


def donor_details(
    message: DonationMessage, received: datetime, *, is_known_recurring: bool
) -> DonorDetails:
    """The donor that a message tells of. Raises ``Damaged`` for a recipient_id nobody can read."""
    return DonorDetails(
        gateway=message.gateway,
        payment_method=message.payment_method,
        received=received,
        is_known_recurring=is_known_recurring,
        contact=details.contact_hint(message),
        names=details.donor_names(message),
        email=message.email,
        billing_email=message.billing_email,
        phone=details.phone(message),
        address=details.address(message),
        preferred_language=languages.preferred(message.language, message.country),
        opt_in=message.opt_in,
        employer=names.clean(message.employer, 255),
        employer_id=message.employer_id,
        legal_identifier=names.clean(message.fiscal_number, LEGAL_IDENTIFIER_LENGTH),
        external_identifier=gift.external_identifier(
            message.gateway, message.payment_method, message.external_identifier
        ),
        user_ip=details.user_ip(message),
        provenance=details.provenance(message),
    )
