"""The fields of the donation schema, by the function that reads their values."""

from fundraising.crm.messages import DonationMessage


def _read_by(*readers: str) -> list[str]:
    names = []
    for name, field in DonationMessage.model_fields.items():
        functions = [getattr(entry, "func", None) for entry in field.metadata]
        if any(function and function.__name__ in readers for function in functions):
            names.append(field.alias or name)
    assert names, f"the schema has no field read by {readers}"
    return names


def _limits() -> dict[str, int]:
    """The most characters that a text field may have."""
    return {
        field.alias or name: entry.max_length
        for name, field in DonationMessage.model_fields.items()
        for entry in field.metadata
        if getattr(entry, "max_length", None) and field.metadata[0].func.__name__ in _TEXT_READERS
    }


_TEXT_READERS = ("_text", "_code")
TEXTS = sorted(set(_read_by(*_TEXT_READERS)) - {"message_id"})
AMOUNTS = _read_by("_amount")
CURRENCIES = _read_by("_currency")
MOMENTS = _read_by("_moment")
NUMBERS = _read_by("_number")
FLAGS = _read_by("_flag", "_choice")
LIMITS = _limits()
ALL = [*TEXTS, *AMOUNTS, *CURRENCIES, *MOMENTS, *NUMBERS, *FLAGS]
# Fields of other consumers, which donations carry along.
EXTRAS = ["comment", "response", "risk_score", "référence"]
