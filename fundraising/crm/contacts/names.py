"""A donor's names."""

import re
import unicodedata
from dataclasses import dataclass

from nameparser import HumanName

NAME_LENGTH = 64
ADDRESSEE_LENGTH = 128
ORGANIZATION_LENGTH = 128


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Where a person has two surnames and no middle name.
_SPANISH_COUNTRIES = _words("AR BO CL CO CR CU DO EC ES GQ GT HN MX NI PA PE PR PY SV UY VE")
# Second given names that are common enough not to be taken for a first surname.
_SECOND_GIVEN = _words(
    "alberto alejandro andrés ángel ángeles antonio beatriz carlos carmen cristina daniel david "
    "eduardo elena enrique fernando francisca francisco gabriela guadalupe isabel javier jesús "
    "jorge josé josefa juan julia luis luisa magdalena manuel maría mario miguel pablo pilar "
    "ramón ricardo roberto rosa teresa"
)
_SPANISH_PARTICLES = _words("de del la las los san santa y")
# Where the family name is written first also in Latin letters.
_FAMILY_FIRST_COUNTRIES = _words("CN HK HU JP KH KR MO TW VN")
_FAMILY_FIRST_LANGUAGES = _words("hu ja km ko vi zh")
# Words that tell of two people or an organisation, whose name is no first and last name.
_NOT_ONE_PERSON = re.compile(
    r"[&/+,;]|\b(?:and|und|et|y|e|och|og|en|foundation|inc|ltd|gmbh|llc)\b", re.IGNORECASE
)
_COMMA_NAME = re.compile(r"[^,&/+;]+,[^,&/+;]+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Names:
    """Cleaned parts of a name; empty when unknown.

    ``addressee`` is the donor's own full name, kept as written (128 characters), when the
    parts had to be guessed from it.
    """

    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    prefix: str = ""
    suffix: str = ""
    nick_name: str = ""
    first_name_phonetic: str = ""
    last_name_phonetic: str = ""
    organization_name: str = ""
    partner_full_name: str = ""
    addressee: str = ""


def clean(text: str, limit: int = NAME_LENGTH) -> str:
    """A name without entities, non-breaking and doubled spaces, cut to ``limit`` characters."""
    # An entity may itself be escaped (&amp;nbsp;), hence the ampersand first and to the end.
    plain = text
    while "&amp;" in plain:
        plain = plain.replace("&amp;", "&")
    plain = plain.replace("&nbsp;", " ")
    # \s covers the no-break and the ideographic space.
    return _SPACES.sub(" ", plain).strip()[:limit].rstrip()


def split(full_name: str, *, language: str = "", country: str = "") -> Names:
    """Guess the parts of a full name that came without any other name.

    Guesses only where they are safe: two words of an alphabet that is written given name
    first, the two surnames of the Spanish-speaking world (by ``language`` or ``country``),
    and Western names by a parser if it loses no word. Anything else, such as one word,
    names with the family name first, couples and organisations, stays whole in first_name.
    """
    whole = clean(full_name, ADDRESSEE_LENGTH)
    words = whole.split()
    if len(words) < 2 or _is_east_asian(whole) or _is_family_first(language, country):
        return _whole(whole)
    if _COMMA_NAME.fullmatch(whole):
        return _parsed(whole)
    if _NOT_ONE_PERSON.search(whole) and not _is_spanish(language, country):
        return _whole(whole)
    if len(words) == 2 and not _is_title(whole):
        return _parts(whole, first=words[0], last=words[1])
    if _is_spanish(language, country) and not re.search(r"[&/+,;]", whole):
        return _spanish(whole)
    if not _is_latin(whole):
        return _whole(whole)
    return _parsed(whole)


def _whole(text: str) -> Names:
    return Names(first_name=clean(text), addressee=text)


def _parts(whole: str, *, first: str, last: str, middle: str = "") -> Names:
    return Names(
        first_name=clean(first), middle_name=clean(middle), last_name=clean(last), addressee=whole
    )


def _spanish(whole: str) -> Names:
    """The last two groups are the surnames; a particle belongs to the word behind it."""
    groups: list[str] = []
    held: list[str] = []
    for word in whole.split():
        held.append(word)
        if word.lower() not in _SPANISH_PARTICLES:
            groups.append(" ".join(held))
            held = []
    if held or len(groups) < 2:
        return _whole(whole)
    two_given = len(groups) == 3 and groups[1].lower() in _SECOND_GIVEN
    surnames = 1 if len(groups) == 2 or two_given else 2
    return _parts(whole, first=" ".join(groups[:-surnames]), last=" ".join(groups[-surnames:]))


def _parsed(whole: str) -> Names:
    """By the name parser, if each word came out once and the middle is at most one word."""
    name = HumanName(whole)
    parts = (name.title, name.first, name.middle, name.last, name.suffix, name.nickname)
    found = sorted(" ".join(parts).replace(",", " ").split())
    lossless = found == sorted(whole.replace(",", " ").split())
    if not (lossless and name.first and name.last) or len(name.middle.split()) > 1:
        return _whole(whole)
    return Names(
        first_name=clean(name.first),
        middle_name=clean(name.middle),
        last_name=clean(name.last),
        prefix=clean(name.title),
        suffix=clean(name.suffix),
        addressee=whole,
    )


def _is_title(whole: str) -> bool:
    """``Dr. Smith``: the first of two words is no given name."""
    return bool(HumanName(whole).title)


def _is_spanish(language: str, country: str) -> bool:
    return _short(language) == "es" or country.upper() in _SPANISH_COUNTRIES


def _is_family_first(language: str, country: str) -> bool:
    return _short(language) in _FAMILY_FIRST_LANGUAGES or country.upper() in _FAMILY_FIRST_COUNTRIES


def _short(language: str) -> str:
    return language.replace("-", "_").partition("_")[0].lower()


def _letters(text: str) -> list[str]:
    return [unicodedata.name(char, "") for char in text if char.isalpha()]


def _is_latin(text: str) -> bool:
    return all(name.startswith("LATIN") for name in _letters(text))


def _is_east_asian(text: str) -> bool:
    """Chinese, Japanese or Korean: the family name first, if there is a space at all."""
    scripts = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "HALFWIDTH", "IDEOGRAPHIC")
    return any(name.startswith(scripts) for name in _letters(text))
