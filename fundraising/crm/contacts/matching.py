"""Which known contact a donor is.

Pure: the candidates were loaded by whoever asks. Each rule is tried in turn, the first
that hits wins, and of several contacts that it hits the oldest.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from fundraising.crm.contacts import confidence

MIN_STREET = 5
MIN_CITY = 2
MIN_POSTAL_CODE = 2

VENMO = "Venmo"
VENMO_LOCATION = "venmo"
VENMO_FIELD = "venmo_user_name"


@dataclass(frozen=True, slots=True)
class Place:
    """What two addresses are compared by."""

    street_address: str = ""
    city: str = ""
    postal_code: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether it is long enough to tell one household from another."""
        return (
            len(self.street_address) >= MIN_STREET
            and len(self.city) >= MIN_CITY
            and len(self.postal_code) >= MIN_POSTAL_CODE
        )


@dataclass(frozen=True, slots=True)
class KnownEmail:
    """An e-mail address of a candidate, lower case."""

    email: str
    location_type: str
    is_primary: bool


@dataclass(frozen=True, slots=True)
class Candidate:
    """A contact that may be the donor; ``age`` orders them, the oldest being the least.

    ``is_nameless``: it signed up for our e-mail, and its address is all we know.
    """

    age: int
    first_name: str
    last_name: str
    emails: Sequence[KnownEmail] = ()
    external: dict[str, str] = field(default_factory=dict)
    venmo_phones: Sequence[str] = ()
    primary_place: Place = Place()
    is_nameless: bool = False


@dataclass(frozen=True, slots=True)
class Donor:
    """What a donation tells of who gave; e-mail addresses in lower case.

    ``external`` is a pair of field and value. ``source`` and ``is_low_confidence`` are of
    :mod:`fundraising.crm.contacts.confidence`.
    """

    first_name: str = ""
    last_name: str = ""
    email: str = ""
    billing_email: str = ""
    phone: str = ""
    external: tuple[str, str] | None = None
    place: Place = Place()
    source: str = ""
    is_low_confidence: bool = False


Rule = Callable[[Donor, Sequence[Candidate]], Iterator[Candidate]]


def match(donor: Donor, candidates: Iterable[Candidate]) -> Candidate | None:
    """The contact that the donor is, or None for a donor not known."""
    if not (donor.first_name and donor.last_name) and not donor.is_low_confidence:
        return None
    oldest_first = sorted(candidates, key=lambda candidate: candidate.age)
    for rule in RULES:
        hit = next(rule(donor, oldest_first), None)
        if hit is not None:
            return hit
    return None


def same_names(donor: Donor, candidate: Candidate) -> bool:
    """First and last name are equal, whatever their case."""
    return bool(donor.first_name and donor.last_name) and (
        _folded(donor.first_name, donor.last_name)
        == _folded(candidate.first_name, candidate.last_name)
    )


def by_external_identifier(donor: Donor, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The same account at the processor; a Venmo user name can change, so its phone goes first."""
    if donor.external is None:
        return
    name, value = donor.external
    if name == VENMO_FIELD and donor.phone:
        yield from (item for item in candidates if donor.phone in item.venmo_phones)
        yield from (item for item in candidates if _has(item, donor.email, VENMO_LOCATION))
    yield from (item for item in candidates if value and item.external.get(name) == value)


def by_billing_email(donor: Donor, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The e-mail address of the bank account, if exactly one contact has it."""
    hits = [item for item in candidates if _has(item, donor.billing_email, confidence.ACH)]
    if len(hits) == 1:
        yield hits[0]


def by_email(donor: Donor, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The same e-mail address: with equal names, or where either side's names are not sure.

    Last comes a contact that has no name yet: the donor may well have signed up before.
    """
    if not donor.email:
        return
    hits = [
        (item, known) for item in candidates for known in item.emails if known.email == donor.email
    ]
    named = [(item, known) for item, known in hits if same_names(donor, item)]
    yield from (item for item, known in named if known.is_primary)
    yield from (item for item, known in named)
    low = [(item, known) for item, known in hits if confidence.is_low_location(known.location_type)]
    yield from (item for item, known in low if known.is_primary)
    yield from (item for item, known in low if known.location_type == donor.source)
    yield from (item for item, known in low)
    yield from (item for item, known in hits if item.is_nameless and known.is_primary)


def by_address(donor: Donor, candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    """The same names at the same address."""
    if donor.place.is_usable:
        here = _folded_place(donor.place)
        yield from (
            item
            for item in candidates
            if same_names(donor, item) and _folded_place(item.primary_place) == here
        )


RULES: tuple[Rule, ...] = (by_external_identifier, by_billing_email, by_email, by_address)


def _has(candidate: Candidate, email: str, location_type: str) -> bool:
    return bool(email) and any(
        known.email == email and known.location_type == location_type for known in candidate.emails
    )


def _folded(*texts: str) -> tuple[str, ...]:
    return tuple(text.casefold() for text in texts)


def _folded_place(place: Place) -> tuple[str, ...]:
    return _folded(place.street_address, place.city, place.postal_code)
