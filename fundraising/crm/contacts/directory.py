"""The contacts that the donors of a group of donations may be: found, revised, written.

All of a group's candidates are loaded in a few queries, whatever its size. Matching and
revising then happen in memory, message by message, so that a donor's second donation finds
the contact that the first one created.
"""

import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import count
from typing import Any

from django.db.models import Max, Model, QuerySet
from django.db.models.functions import Lower
from django.utils import timezone

from fundraising.crm import columns
from fundraising.crm.contacts import checksums, confidence, matching, profiles
from fundraising.crm.contacts.donor import DonorDetails
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.models import (
    Address,
    Contact,
    Contribution,
    Email,
    PaymentToken,
    Phone,
    RecurringContribution,
)

Key = tuple[str, str]

# New contacts are younger than all that have a number.
_UNBORN = 2**63
# A contact merged into one that was merged again, and so on; more is a circle.
_MAX_MERGES = 10

_WRITTEN: tuple[type[Model], ...] = (Contact, Email, Address, Phone)


class Directory:
    """The candidates of a group, by whatever a donor may be found by."""

    def __init__(self, candidates: Iterable[Profile]) -> None:
        self._by_id: dict[int, Profile] = {}
        self._by_key: dict[Key, list[Profile]] = defaultdict(list)
        self._new: list[Profile] = []
        self._ages = count(_UNBORN)
        for profile in candidates:
            self._by_id[profile.contact.pk] = profile
            if not profile.contact.is_deleted:
                self._enter(profile)

    @classmethod
    def load(cls, donors: Sequence[DonorDetails], contact_ids: Iterable[int]) -> "Directory":
        """The candidates for these donors, and the contacts of these ids.

        The contacts are locked until the commit, as what is planned here is written whole.
        """
        ids = {row[0] for row in _candidate_ids(donors, contact_ids)}
        if not ids:
            return cls([])
        # By their ids in a query of its own, as the plan of a subquery is a matter of luck.
        rows = list(_locked(Contact.objects.filter(pk__in=ids)))
        rows += _merge_targets(rows)
        found = {row.pk: Profile(row, age=row.pk) for row in rows}
        _load_details(found, donors)
        return cls(found.values())

    def by_id(self, contact_id: int | None) -> Profile | None:
        """The contact of that id, or the one it was merged into; None if deleted."""
        for _ in range(_MAX_MERGES):
            profile = self._by_id.get(contact_id) if contact_id is not None else None
            if profile is None or not profile.contact.is_deleted:
                return profile
            contact_id = profile.contact.merged_into_id
        return None

    def owner(self, row: RecurringContribution | PaymentToken | None) -> Profile | None:
        """The contact that a recurring record or token belongs to, planned ones too."""
        if row is None:
            return None
        if row.contact_id is None:
            return next((profile for profile in self._new if profile.contact is row.contact), None)
        return self.by_id(row.contact_id)

    def hinted(self, donor: DonorDetails, now: datetime) -> tuple[Profile | None, int | None]:
        """The contact that the message names; else the id of one it names without proof."""
        hint = donor.contact
        named = self._by_id.get(hint.contact_id) if hint.contact_id is not None else None
        if named is None or not (hint.contact_hash or hint.checksum):
            return self.by_id(hint.contact_id), None
        contact, primary = named.contact, named.primary_email
        if hint.contact_hash:
            proven = (
                hmac.compare_digest(contact.hash.encode(), hint.contact_hash.encode())
                and not contact.is_deleted
                and primary is not None
                and primary.email.lower() == donor.email.lower()
            )
        else:
            proven = checksums.is_valid(hint.checksum, contact.pk, contact.hash, now)
        return (self.by_id(contact.pk), None) if proven else (None, contact.pk)

    def with_email(self, email: str) -> list[Profile]:
        """The contacts that have an e-mail address, oldest first."""
        return sorted(self._by_key["email", email.lower()], key=lambda profile: profile.age)

    def match(self, donor: DonorDetails) -> Profile | None:
        """The contact that the donor is by the matching rules."""
        found = {profile.age: profile for key in _keys(donor) for profile in self._by_key[key]}
        if not found:
            return None
        hit = matching.match(donor_of(donor), [profile.candidate() for profile in found.values()])
        return found[hit.age] if hit else None

    def save(self, donor: DonorDetails, profile: Profile | None, message_id: str) -> Profile:
        """Plan what the message of that id changes of the profile, or a new contact for None."""
        if profile is None:
            profile = profiles.new(next(self._ages), message_id)
            self._new.append(profile)
        profile.message_id = message_id
        source, is_low = confidence_of(donor)
        profiles.revise(profile, donor, source, is_low)
        self._enter(profile)
        return profile

    @property
    def new(self) -> Sequence[Profile]:
        """The profiles of donors not known before, in the order of their donors."""
        return self._new

    def write(self) -> None:
        """Write what was planned; a handful of statements whatever the size of the group."""
        changed: dict[type[Model], list[Model]] = {model: [] for model in _WRITTEN}
        for profile in [*self._by_id.values(), *self._new]:
            for row in profile.changed.values():
                changed[type(row)].append(row)
        for model in _WRITTEN:
            _write(model, changed[model])

    def _enter(self, profile: Profile) -> None:
        for key in _keys_of(profile):
            entries = self._by_key[key]
            if profile not in entries:
                entries.append(profile)


def confidence_of(donor: DonorDetails) -> tuple[str, bool]:
    """Where the donor's details come from, and whether that is of low confidence."""
    source = confidence.source(donor.payment_method, donor.gateway)
    return source, confidence.is_low(source, is_known_recurring=donor.is_known_recurring)


def donor_of(donor: DonorDetails) -> matching.Donor:
    """What the matching rules see of a donor."""
    source, is_low = confidence_of(donor)
    external, phone, address = donor.external_identifier, donor.phone, donor.address
    return matching.Donor(
        first_name=donor.names.first_name,
        last_name=donor.names.last_name,
        email=donor.email.lower(),
        billing_email=donor.billing_email.lower(),
        phone=phone.number if phone else "",
        external=(external.field, external.value) if external else None,
        place=matching.Place(address.street_address, address.city, address.postal_code),
        source=source,
        is_low_confidence=is_low,
    )


def _keys(donor: DonorDetails) -> list[Key]:
    """Where to look for the donor of a donor."""
    sought = donor_of(donor)
    keys = [("email", email) for email in (sought.email, sought.billing_email) if email]
    if sought.external is not None:
        keys.append(sought.external)
        keys.append(("phone", sought.phone))
    if sought.place.is_usable:
        keys.append(("street", sought.place.street_address.casefold()))
    return keys


def _keys_of(profile: Profile) -> list[Key]:
    """Where a profile is looked for."""
    keys = [("email", row.email.lower()) for row in profile.emails]
    keys += profile.external_identifiers()
    keys += [("phone", row.phone) for row in profile.phones if row.phone_source == matching.VENMO]
    address = profile.primary_address
    if address is not None:
        keys.append(("street", address.street_address.casefold()))
    return keys


def _candidate_ids(
    donors: Sequence[DonorDetails], contact_ids: Iterable[int]
) -> QuerySet[Any, tuple[int]]:
    """One query for the ids of all that may match."""
    sought = [donor_of(donor) for donor in donors]
    emails = {email for one in sought for email in (one.email, one.billing_email) if email}
    hinted = {donor.contact.contact_id for donor in donors}
    ids = {number for number in (*hinted, *contact_ids) if number is not None}
    places = {one.place for one in sought if one.place.is_usable}
    phones = {one.phone for one in sought if one.external and one.phone}
    external: dict[str, set[str]] = defaultdict(set)
    for one in sought:
        if one.external is not None and one.external[1]:
            external[one.external[0]].add(one.external[1])
    queries: list[QuerySet[Any, Any]] = []
    if ids:
        queries.append(Contact.objects.filter(pk__in=ids).values_list("pk"))
    if places:
        queries.append(_at(places).values_list("contact_id"))
    if phones:
        venmo = Phone.objects.filter(phone__in=phones, phone_source=matching.VENMO)
        queries.append(venmo.values_list("contact_id"))
    for field, values in external.items():
        queries.append(Contact.objects.filter(**{f"{field}__in": values}).values_list("pk"))
    by_email = Email.objects.filter(email__in=emails).values_list("contact_id")
    return by_email.union(*queries) if queries else by_email.distinct()


def _at(places: Iterable[matching.Place]) -> QuerySet[Address]:
    """Primary addresses that may be one of the places; the rules compare the rest."""
    streets = {form for place in places for form in _lowered(place.street_address)}
    codes = {form for place in places for form in _cases(place.postal_code)}
    rows = Address.objects.filter(is_primary=True, postal_code__in=codes)
    return rows.alias(street=Lower("street_address")).filter(street__in=streets)


def _lowered(text: str) -> tuple[str, str]:
    """As a database lowers it: by Unicode, or (SQLite, PostgreSQL's locale C) only ASCII."""
    return text.lower(), text.encode().lower().decode()


def _cases(text: str) -> tuple[str, str, str]:
    return text, text.upper(), text.lower()


def _locked(contacts: QuerySet[Contact]) -> QuerySet[Contact]:
    return contacts.select_for_update(of=("self",), no_key=True).order_by("pk")


def _merge_targets(contacts: Sequence[Contact]) -> list[Contact]:
    """The contacts that deleted ones were merged into, as far as they are not loaded."""
    known = {contact.pk for contact in contacts}
    found: list[Contact] = []
    latest: Sequence[Contact] = contacts
    for _ in range(_MAX_MERGES):
        targets = {row.merged_into_id for row in latest if row.is_deleted}
        missing = {number for number in targets if number is not None} - known
        if not missing:
            break
        latest = list(_locked(Contact.objects.filter(pk__in=missing)))
        known |= {contact.pk for contact in latest}
        found += latest
    return found


def _load_details(found: dict[int, Profile], donors: Sequence[DonorDetails]) -> None:
    ids = list(found)
    for email in Email.objects.filter(contact__in=ids).order_by("pk"):
        found[email.contact_id].emails.append(email)
    for address in Address.objects.filter(contact__in=ids).order_by("pk"):
        found[address.contact_id].addresses.append(address)
    if any(donor.phone for donor in donors):
        for phone in Phone.objects.filter(contact__in=ids).order_by("pk"):
            found[phone.contact_id].phones.append(phone)
    if any(donor.opt_in is not None for donor in donors):
        given = Contribution.objects.filter(contact__in=ids, is_payment=True).values("contact")
        for row in given.annotate(last=Max("receive_date")):
            found[row["contact"]].last_donation = row["last"]


def _write(model: type[Model], rows: Sequence[Model]) -> None:
    """Update the rows that have a key, then insert the others."""
    known = [row for row in rows if row.pk is not None]
    fresh = [row for row in rows if row.pk is None]
    for row in rows:
        columns.fit(row)
        if isinstance(row, Contact | Phone):
            name = "modified_at" if isinstance(row, Contact) else "updated_at"
            setattr(row, name, timezone.now())
    manager = model._default_manager
    if known:
        # A primary row steps back before another takes its place.
        known.sort(key=lambda row: bool(getattr(row, "is_primary", False)))
        names = [field.name for field in model._meta.concrete_fields if not field.primary_key]
        manager.bulk_create(known, update_conflicts=True, unique_fields=["id"], update_fields=names)
    if fresh:
        manager.bulk_create(fresh)
