"""Card data has no place in a message: finding and masking what looks like it.

PCI DSS forbids keeping a security code after authorisation and showing a card
number. A message with either is set aside, masked, and somebody is alerted.
"""

import re

from queues.wire import Json

# 13 to 19 digits, plain or in the groups printed on cards, that begin as those of the card
# networks do: 3 to 6, or 22 to 27 if there are 16. Times (20261120094413) and the ids of
# processors that are as long begin otherwise; the digits of a fraction are none.
_DIGITS = (
    r"(?:[3-6][0-9]{12,18}|2[2-7][0-9]{14}"
    r"|[2-6][0-9]{3}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,7}"
    r"|3[0-9]{3}([ -])[0-9]{6}\2[0-9]{4,5})(?![0-9A-Za-z])"
)
_NUMBER = re.compile(rf"(?<![0-9A-Za-z])(?<![0-9]\.){_DIGITS}")
# In JSON that was not decoded, the letter of an escape such as \n must not hide a number.
_RAW_NUMBER = re.compile(rf"(?:(?<![0-9A-Za-z])(?<![0-9]\.)|(?<=\\[bfnrt])){_DIGITS}")
_CODE_NAME = (
    r"(?:cvv2?|cvc2?|cvn2?|csc|card_?(?:verification|security)_?(?:code|value|number)?"
    r"|security_?code|card_?num(?:ber)?)"
)
_SECURITY_CODE = re.compile(rf"(?i){_CODE_NAME}")
_RAW_SECURITY_CODE = re.compile(rf'(?i)("{_CODE_NAME}"\s*:\s*"?)([0-9][0-9 -]*)')


def luhn(number: str) -> bool:
    """Whether the check digit of a card number is right (ISO/IEC 7812-1)."""
    total = 0
    for position, digit in enumerate(reversed(number)):
        value = int(digit) * (1 + position % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def mask(value: Json, field: str = "") -> tuple[Json, list[str]]:
    """The value with card data masked, and the names of the fields that had some."""
    match value:
        case dict():
            fields: list[str] = []
            masked: dict[str, Json] = {}
            for key, item in value.items():
                clean_key = _mask_text(key)
                clean, found = mask(item, key)
                masked[clean_key] = clean
                fields += found if clean_key == key else [*found, clean_key]
            return masked, fields
        case list():
            pairs = [mask(item, field) for item in value]
            return [clean for clean, _ in pairs], [name for _, found in pairs for name in found]
        case None | bool():
            return value, []
    text = str(value)
    if _SECURITY_CODE.fullmatch(field) and text:
        return "*" * len(text), [field]
    clean_text = _mask_text(text)
    return (clean_text, [field]) if clean_text != text else (value, [])


def mask_body(body: bytes) -> bytes:
    """The bytes of a message that could not be read, with card data masked."""
    text = body.decode("utf-8", "surrogateescape")
    text = _RAW_SECURITY_CODE.sub(lambda found: found[1] + "*" * len(found[2]), text)
    return _RAW_NUMBER.sub(_mask_number, text).encode("utf-8", "surrogateescape")


def _mask_text(text: str) -> str:
    return _NUMBER.sub(_mask_number, text)


def _mask_number(found: re.Match[str]) -> str:
    number = found[0]
    digits = re.sub("[ -]", "", number)
    if not (13 <= len(digits) <= 19 and luhn(digits)):
        return number
    return "*" * (len(number) - 4) + number[-4:]
