"""A contact's preferred language, as a locale such as ``es_MX``."""

from functools import cache

from babel.core import get_global

FALLBACK = "en_US"
MEXICAN_SPANISH = "es_MX"

# Languages that letters are sent in by more than one variant; the first is the default.
VARIANTS = {
    "de": ("de_DE", "de_CH"),
    "en": ("en_US", "en_AU", "en_CA", "en_GB"),
    "es": ("es_ES", "es_MX", "es_PR"),
    "fr": ("fr_FR", "fr_CA"),
    "nl": ("nl_NL", "nl_BE"),
    "pt": ("pt_PT", "pt_BR"),
    "zh": ("zh_CN", "zh_TW"),
    # Not the locale that CLDR finds likeliest.
    "no": ("nb_NO",),
}
# Latin America's Spanish, and the scripts by which MediaWiki names Chinese.
_ALIASES = {"es_419": "es_MX", "zh_hans": "zh_CN", "zh_hant": "zh_TW"}


def normalise(language: str) -> str:
    """A message's language as it is kept: Latin American Spanish is Mexico's, others as given."""
    return MEXICAN_SPANISH if language.lower().replace("_", "-") == "es-419" else language


def preferred(language: str, country: str = "") -> str:
    """The locale for a language (and country) of a message; empty when no language is given.

    A known locale as it is; ``xx_CC`` of language and country when that is known; else the
    default variant of the language; else ``en_US``. For a message without a language ask
    again with what contribution tracking knows.
    """
    text = language.strip().replace("-", "_")
    if not text:
        return ""
    text = _ALIASES.get(text.lower(), text)
    short, _, region = text.partition("_")
    short = short.lower()
    if region and is_known(f"{short}_{region.upper()}"):
        return f"{short}_{region.upper()}"
    if country and not region and is_known(f"{short}_{country.strip().upper()}"):
        return f"{short}_{country.strip().upper()}"
    known = _variants(short)
    return known[0] if known else FALLBACK


def is_known(locale: str) -> bool:
    """Whether letters may be written in the locale."""
    return locale in _variants(locale.partition("_")[0])


@cache
def _variants(short: str) -> tuple[str, ...]:
    """Locales of a two-letter language; from the table, else the region CLDR finds likeliest."""
    if short in VARIANTS:
        return VARIANTS[short]
    likely = get_global("likely_subtags").get(short) if len(short) == 2 else None
    return (f"{short}_{likely.rpartition('_')[2]}",) if likely else ()
