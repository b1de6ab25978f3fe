"""A contact with all that hangs on it, in memory, and what a donation changes of it.

Nothing here reads or writes the database: :mod:`fundraising.crm.contacts.directory` does.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from fundraising.crm.contacts import confidence, matching
from fundraising.crm.contacts.donor import DonorDetails
from fundraising.crm.contacts.phones import SMS_LOCATION
from fundraising.crm.models import Address, Contact, Email, Phone
from queues.models import FromMessage

SOURCE = "online donation"
OPT_IN_SOURCE = "opt-in"

# Messages of these kinds repeat what the donor told, so an employer in them is the donor's word.
_DONOR_TOLD = frozenset({"audit", "job-runner", "listener", "payments"})
_EXTERNAL_FIELDS = ("fundraiseup_id", "gravy_id", "paypal_payer_id", "venmo_user_name")
_MAIN_NAMES = ("first_name", "middle_name", "last_name")
_OTHER_NAMES = (
    "prefix",
    "suffix",
    "nick_name",
    "first_name_phonetic",
    "last_name_phonetic",
    "organization_name",
    "partner_full_name",
    "addressee",
)
_PLACE = (
    "street_address",
    "supplemental_address_1",
    "supplemental_address_2",
    "city",
    "postal_code",
    "postal_code_suffix",
    "country",
)


@dataclass(eq=False, slots=True)
class Profile:
    """A contact, its e-mail addresses, postal addresses and telephones.

    ``age`` orders contacts, the oldest being the least. ``changed`` holds those rows that
    are to be written: they are new when they have no primary key. ``message_id`` is of the
    message whose changes are being planned: each row keeps that of the last to change it.
    """

    contact: Contact
    age: int
    emails: list[Email] = field(default_factory=list)
    addresses: list[Address] = field(default_factory=list)
    phones: list[Phone] = field(default_factory=list)
    last_donation: datetime | None = None
    changed: dict[int, FromMessage] = field(default_factory=dict)
    message_id: str = ""

    @property
    def primary_email(self) -> Email | None:
        """The e-mail address to write to."""
        return next((email for email in self.emails if email.is_primary), None)

    @property
    def primary_address(self) -> Address | None:
        """The postal address to write to."""
        return next((address for address in self.addresses if address.is_primary), None)

    @property
    def is_nameless(self) -> bool:
        """Whether it is a contact without any name, of a person or an organisation."""
        contact = self.contact
        return not (contact.first_name or contact.last_name or contact.organization_name)

    def candidate(self) -> matching.Candidate:
        """What the matching rules see of it."""
        contact, address = self.contact, self.primary_address
        return matching.Candidate(
            age=self.age,
            first_name=contact.first_name,
            last_name=contact.last_name,
            emails=[
                matching.KnownEmail(row.email.lower(), row.location_type, row.is_primary)
                for row in self.emails
            ],
            external=dict(self.external_identifiers()),
            venmo_phones=[row.phone for row in self.phones if row.phone_source == matching.VENMO],
            primary_place=place_of(address) if address else matching.Place(),
            is_nameless=self.is_nameless,
        )

    def external_identifiers(self) -> Iterator[tuple[str, str]]:
        """The ids at processors that are known."""
        for name in _EXTERNAL_FIELDS:
            value = getattr(self.contact, name)
            if value:
                yield name, value

    def put(self, row: FromMessage, **values: object) -> None:
        """Set columns of a row of this profile; one that differs is to be written."""
        for name, value in values.items():
            if getattr(row, name) != value:
                setattr(row, name, value)
                self.write(row)

    def write(self, row: FromMessage) -> None:
        """The message that is being applied makes or changes this row."""
        row.message_id = self.message_id
        self.changed[id(row)] = row


def new(age: int, message_id: str = "") -> Profile:
    """The profile of a donor not known, yet without any data."""
    profile = Profile(Contact(source=SOURCE), age, message_id=message_id)
    profile.write(profile.contact)
    return profile


def gives(profile: Profile) -> None:
    """Whoever gives is met by that, whether an opt-in came first or not."""
    if profile.contact.source == OPT_IN_SOURCE:
        profile.put(profile.contact, source=SOURCE)


def place_of(address: Address) -> matching.Place:
    """What an address is compared by."""
    return matching.Place(address.street_address, address.city, address.postal_code)


def revise(profile: Profile, donor: DonorDetails, details_source: str, is_low: bool) -> None:
    """Bring a profile up to date with what a message tells of its donor.

    ``details_source`` and ``is_low`` (confidence) are of
    :mod:`fundraising.crm.contacts.confidence`.
    """
    _revise_names(profile, donor, is_low)
    _revise_choices(profile, donor)
    _revise_identifiers(profile, donor)
    if donor.email:
        revise_email(profile, donor.email.lower(), details_source)
    if donor.billing_email:
        _revise_billing_email(profile, donor.billing_email.lower())
    _revise_address(profile, donor)
    _revise_phone(profile, donor)
    if profile.last_donation is None or profile.last_donation < donor.received:
        profile.last_donation = donor.received


def revised_name(known: str, given: str, *, may_replace: bool) -> str:
    """A name after a donation that gives another.

    One that differs by case only is taken when it looks less like it was typed with the
    shift key held, or where the known one has no capitals at all.
    """
    if not given or not known:
        return given or known
    if not may_replace:
        return known
    if known.casefold() == given.casefold():
        had, has = _capitals(known), _capitals(given)
        return given if had == 0 or 1 <= has < had else known
    return given


def revise_email(profile: Profile, email: str, details_source: str) -> None:
    """Add or change an e-mail address (lower case); a trusted one becomes primary."""
    trusted = confidence.is_trusted_email(details_source)
    location = confidence.email_location(details_source)
    primary = profile.primary_email
    becomes_primary = True
    if primary is not None:
        is_known = primary.email.lower() == email
        primary_trusted = confidence.is_trusted_email(primary.location_type)
        if is_known and (primary.location_type == location or (trusted and primary_trusted)):
            return
        # A wallet that knows the primary address too is worth a row, not the first place.
        becomes_primary = trusted or not (primary_trusted or is_known)
    row = next((row for row in profile.emails if row.location_type == location), None)
    if row is None:
        row = Email(contact=profile.contact, email=email, location_type=location)
        profile.emails.append(row)
        profile.write(row)
    if becomes_primary and primary is not None and primary is not row:
        profile.put(primary, is_primary=False)
    profile.put(row, email=email, on_hold=False, is_primary=becomes_primary or row is primary)


def _revise_names(profile: Profile, donor: DonorDetails, is_low: bool) -> None:
    contact, names, primary = profile.contact, donor.names, profile.primary_email
    may_replace = not is_low or (
        primary is not None and confidence.is_low_location(primary.location_type)
    )
    for name in _MAIN_NAMES + _OTHER_NAMES:
        known = getattr(contact, name)
        given = getattr(names, name)
        profile.put(contact, **{name: revised_name(known, given, may_replace=may_replace)})
    profile.put(contact, display_name=display_name(contact, donor.email))


def display_name(contact: Contact, email: str) -> str:
    """How a contact is shown: by name, else organisation, else e-mail address."""
    if contact.contact_type == Contact.Type.ORGANIZATION and contact.organization_name:
        return contact.organization_name
    parts = (contact.prefix, contact.first_name, contact.last_name, contact.suffix)
    return (
        " ".join(part for part in parts if part)
        or contact.organization_name
        or contact.display_name
        or email.lower()
    )


def _revise_choices(profile: Profile, donor: DonorDetails) -> None:
    contact, last = profile.contact, profile.last_donation
    is_news = contact.opt_in is None or last is None or last < donor.received
    if donor.opt_in is not None and is_news:
        profile.put(contact, opt_in=donor.opt_in)
        if donor.opt_in:
            profile.put(contact, do_not_solicit=False, do_not_email=False, is_opt_out=False)
    if donor.preferred_language:
        profile.put(contact, preferred_language=donor.preferred_language)


def _revise_identifiers(profile: Profile, donor: DonorDetails) -> None:
    contact, external = profile.contact, donor.external_identifier
    if donor.legal_identifier:
        profile.put(contact, legal_identifier=donor.legal_identifier)
    if external is not None and external.value:
        profile.put(contact, **{external.field: external.value})
    if donor.employer:
        number = donor.employer_id
        is_id = number.isascii() and number.isdigit() and len(number) <= 18
        profile.put(
            contact,
            employer=donor.employer,
            employer_contact_id=int(number) if is_id else None,
            employer_provided_by_donor=donor.provenance.type in _DONOR_TOLD,
        )


def _revise_billing_email(profile: Profile, email: str) -> None:
    """The bank account's e-mail address: found again by it, never written to."""
    row = next((row for row in profile.emails if row.location_type == confidence.ACH), None)
    if row is None:
        row = Email(contact=profile.contact, email=email, location_type=confidence.ACH)
        profile.emails.append(row)
        profile.write(row)
    profile.put(row, email=email)


def _revise_address(profile: Profile, donor: DonorDetails) -> None:
    given = donor.address
    if not given.country or (not given.street_address and profile.addresses):
        return
    row = next((row for row in profile.addresses if row.location_type == confidence.HOME), None)
    if row is None:
        is_primary = profile.primary_address is None
        row = Address(contact=profile.contact, is_primary=is_primary)
        profile.addresses.append(row)
        profile.write(row)
    values = {name: getattr(given, name) for name in _PLACE}
    profile.put(row, **values, state_province=given.state or "")


def _revise_phone(profile: Profile, donor: DonorDetails) -> None:
    given = donor.phone
    if given is None or given.location != SMS_LOCATION:
        return
    known = [row for row in profile.phones if row.location_type == SMS_LOCATION]
    row = next((row for row in known if row.phone == given.number), None)
    if row is None:
        row = Phone(contact=profile.contact, phone=given.number, location_type=SMS_LOCATION)
        profile.phones.append(row)
        profile.write(row)
    profile.put(
        row,
        phone_type=given.type,
        phone_source=given.source,
        country_code=given.country_code,
        recipient_id=given.recipient_id,
    )


def _capitals(text: str) -> int:
    return sum(letter.isupper() for letter in text)
