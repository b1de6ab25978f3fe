"""Postal addresses."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

import pycountry

LINE_LENGTH = 255

# What old forms wrote when they did not ask.
_NO_STREET = "n0ne provided"
_NO_PLACE = frozenset({"0", "city/town", "nocity", "city"})
_NOT_POSTAL = re.compile(r"[^\w\s-]|_")
_ZIP_PLUS_FOUR = re.compile(r"(\d{4,5})[-+](\d{4})", re.ASCII)

# Kosovo has a code by common use only; UK is reserved for what ISO calls GB.
_COUNTRY_ALIASES = {"UK": "GB"}
_USER_ASSIGNED = frozenset({"XK"})
# Post to United States forces, which are no subdivisions by ISO.
_EXTRA_STATES = {"US": {"AA", "AE", "AP"}}
# ISO names some subdivisions in the local language only; donors write these.
_STATE_ALIASES = {
    "IL": {
        "haifa": "HA",
        "jerusalem": "JM",
        "tel aviv": "TA",
        "tel aviv-yafo": "TA",
        "central": "M",
        "northern": "Z",
        "southern": "D",
    },
    "MX": {"mexico city": "CMX", "distrito federal": "CMX"},
    "IT": {"roma": "RM", "rome": "RM", "milan": "MI", "naples": "NA", "turin": "TO"},
    "ES": {"madrid": "M", "seville": "SE"},
    "CA": {"quebec": "QC"},
    "DE": {"bavaria": "BY", "saxony": "SN", "lower saxony": "NI", "thuringia": "TH"},
}


@dataclass(frozen=True, slots=True)
class Address:
    """A cleaned address; empty strings where unknown.

    ``country`` is an ISO 3166 alpha-2 code, empty when the message named none that exists
    (then there is no address to save). ``state`` is the ISO 3166-2 part after the hyphen
    of a subdivision of that country, or None. A US ZIP+4 is parted at the hyphen.
    """

    street_address: str = ""
    supplemental_address_1: str = ""
    supplemental_address_2: str = ""
    city: str = ""
    postal_code: str = ""
    postal_code_suffix: str = ""
    country: str = ""
    state: str | None = None


def clean(
    *,
    street_address: str = "",
    supplemental_address_1: str = "",
    supplemental_address_2: str = "",
    city: str = "",
    postal_code: str = "",
    country: str = "",
    state_province: str = "",
) -> Address:
    """The address without what forms put where the donor wrote nothing."""
    code = valid_country(country)
    postal, suffix = _postal(postal_code, code)
    return Address(
        street_address=_line(
            "" if street_address.strip().lower() == _NO_STREET else street_address
        ),
        supplemental_address_1=_line(supplemental_address_1),
        supplemental_address_2=_line(supplemental_address_2),
        city=_placed(_line(city)),
        postal_code=postal,
        postal_code_suffix=suffix,
        country=code,
        state=state(code, state_province),
    )


def valid_country(country: str) -> str:
    """The ISO alpha-2 code of ``country``, or empty when there is no such country."""
    code = country.strip().upper()
    code = _COUNTRY_ALIASES.get(code, code)
    if code in _USER_ASSIGNED:
        return code
    return code if len(code) == 2 and pycountry.countries.get(alpha_2=code) else ""


def state(country: str, text: str) -> str | None:
    """The subdivision of ``country`` (a valid code) with that abbreviation or name."""
    wanted = text.strip()
    if not wanted or not country:
        return None
    codes, by_name = _subdivisions(country)
    if wanted.upper() in codes:
        return wanted.upper()
    if wanted.upper() in _EXTRA_STATES.get(country, ()):
        return wanted.upper()
    name = _folded(wanted)
    return _STATE_ALIASES.get(country, {}).get(name) or by_name.get(name)


@cache
def _subdivisions(country: str) -> tuple[frozenset[str], dict[str, str]]:
    """Codes, and code by folded name; a name that two subdivisions share names neither."""
    by_name: dict[str, str] = {}
    codes = set()
    shared = set()
    for subdivision in pycountry.subdivisions:
        if subdivision.country_code != country:
            continue
        code = subdivision.code.partition("-")[2]
        codes.add(code)
        for name in subdivision.name.replace("[", "/").replace("]", "").split("/"):
            folded = _folded(name)
            if by_name.setdefault(folded, code) != code:
                shared.add(folded)
    for name in shared:
        del by_name[name]
    return frozenset(codes), by_name


def _folded(name: str) -> str:
    """Without accents and case."""
    decomposed = unicodedata.normalize("NFKD", name.strip())
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def _placed(text: str) -> str:
    return "" if text.strip().lower() in _NO_PLACE else text


def _line(text: str) -> str:
    return " ".join(text.split())[:LINE_LENGTH].rstrip()


def _postal(text: str, country: str) -> tuple[str, str]:
    """Letters, digits, spaces and hyphens; and the four digits behind a US ZIP."""
    # "City/Town" loses its slash by the second step, "0" may lose what hides it.
    postal = _placed(_line(_NOT_POSTAL.sub("", _placed(text))))
    if country == "US" and (parts := _ZIP_PLUS_FOUR.fullmatch(postal)):
        return parts.group(1), parts.group(2)
    return postal, ""
