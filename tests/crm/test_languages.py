import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm.contacts import languages


@pytest.mark.parametrize(
    ("language", "country", "locale"),
    [
        ("cs", "CZ", "cs_CZ"),
        ("de", "CH", "de_CH"),
        ("de", "AT", "de_DE"),
        ("en", "IN", "en_US"),
        ("en", "GB", "en_GB"),
        ("pt", "BR", "pt_BR"),
        ("pt", "AO", "pt_PT"),
        ("es_MX", "US", "es_MX"),
        ("es-419", "", "es_MX"),
        ("ES-419", "CO", "es_MX"),
        ("pt-br", "PT", "pt_BR"),
        ("en_ZA", "GB", "en_US"),
        ("zh-hans", "", "zh_CN"),
        ("zh-hant", "HK", "zh_TW"),
        ("no", "NO", "nb_NO"),
        ("he", "IL", "he_IL"),
        ("ast", "ES", "en_US"),
        ("qqq", "", "en_US"),
        ("xx", "US", "en_US"),
        ("", "DE", ""),
    ],
)
def test_preferred_language(language: str, country: str, locale: str) -> None:
    assert languages.preferred(language, country) == locale


@given(st.text(max_size=12), st.text(max_size=3))
def test_any_language_gives_a_known_locale(language: str, country: str) -> None:
    locale = languages.preferred(language, country)
    assert locale == "" if not language.strip() else languages.is_known(locale)
    assert languages.preferred(locale, country) == locale


def test_latin_american_spanish_is_mexican() -> None:
    assert languages.normalise("es-419") == "es_MX"
    assert languages.normalise("pt-br") == "pt-br"
