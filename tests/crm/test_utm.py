import pytest
from hypothesis import given
from hypothesis import strategies as st

from fundraising.crm import utm
from fundraising.crm.utm import Traits, UtmSource

BANNER = "B2526_1121_enUS_dsk_p1_lg_template..rcc"
MAILING = "sp72294511.default~default~JimmyQuote~default~control.cc"


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (BANNER, UtmSource("B2526_1121_enUS_dsk_p1_lg_template", "", "rcc")),
        (MAILING, UtmSource("sp72294511", "default~default~JimmyQuote~default~control", "cc")),
        ("..paypal", UtmSource("", "", "paypal")),
        ("B_m_x.no-LP.rrtbt.rtbt_ideal", UtmSource("B_m_x", "no-LP", "rrtbt", "rtbt_ideal")),
        ("portal", UtmSource("portal")),
        ("B_description_x.lp.cc", UtmSource("B_description_x", "lp", "cc")),
        ("", UtmSource()),
    ],
)
def test_source_parts(text: str, source: UtmSource) -> None:
    assert utm.parse_source(text) == source


def test_traits_of_a_banner() -> None:
    assert utm.traits(BANNER, "vw_1280~ptf_1~upSell_2", is_recurring=True) == Traits(
        banner="B2526_1121_enUS_dsk_p1_lg_template",
        banner_variant="1121",
        banner_size="Large",
        device_type="Desktop",
        recurring_choice="Upsell",
        is_test_variant=True,
        is_pay_fee=True,
    )
    mobile = utm.traits("B_m_xl_cnt.lp.cc", "vw_320", landing_page="other")
    assert (mobile.device_type, mobile.banner_size, mobile.landing_page) == (
        "Mobile",
        "Other",
        "lp",
    )
    assert not mobile.is_test_variant
    assert mobile.recurring_choice == ""
    assert utm.traits("..cc", "x", landing_page="other", is_recurring=True).landing_page == "other"


def test_traits_of_a_mailing_are_not_those_of_a_banner() -> None:
    assert utm.traits(MAILING) == Traits(
        landing_page="default~default~JimmyQuote~default~control",
        mailing_identifier="sp72294511",
        is_test_variant=True,
    )


@pytest.mark.parametrize(
    ("text", "identifier"),
    [
        (MAILING, "sp72294511"),
        ("70761231.default.cc", "sp70761231"),
        ("sp1234567890123.x", "sp12345678"),
        (BANNER, ""),
        ("", ""),
    ],
)
def test_mailing_identifier(text: str, identifier: str) -> None:
    assert utm.mailing_identifier(text) == identifier


@pytest.mark.parametrize(
    ("fields", "label"),
    [
        ({"is_later_installment": True, "utm_medium": "email"}, "Recurring Gift"),
        ({"recipient_id": "1", "utm_medium": "mail"}, "SMS"),
        ({"utm_medium": "sms"}, "SMS"),
        ({"utm_medium": "mail"}, "Direct Mail"),
        ({"utm_medium": "email", "utm_source": "DMURL.x.cc"}, "Direct Mail"),
        ({"utm_medium": "sitenotice", "utm_source": BANNER}, "Desktop Banner"),
        ({"utm_medium": "sitenotice", "utm_source": "B_x_m_y.z.cc"}, "Mobile Banner"),
        ({"utm_medium": "sitenotice", "utm_source": "B_x_mob_y.z.cc"}, "Mobile Banner"),
        ({"utm_medium": "sitenotice", "utm_source": "..cc"}, "Other Banner"),
        (
            {"utm_medium": "endowment", "utm_source": BANNER, "is_endowment": True},
            "Desktop Banner",
        ),
        ({"utm_medium": "sidebar", "utm_source": MAILING}, "Sidebar"),
        ({"utm_medium": "civicrm", "utm_source": MAILING}, "Email"),
        ({"utm_source": "civi_mail.1.cc"}, "Email"),
        ({"utm_medium": "email"}, "Email"),
        ({"utm_medium": "portal", "utm_campaign": "portalBanner"}, "Portal Banner"),
        ({"utm_medium": "portal"}, "Other Portal"),
        ({"utm_medium": "WikipediaApp"}, "Wikipedia App"),
        ({"utm_medium": "wikimediaportal"}, "Wikimedia Portal"),
        ({"utm_medium": "Threads"}, "Social Media"),
        ({"utm_medium": "civicrm"}, "Other Online"),
        ({}, "Other Online"),
    ],
)
def test_channel_is_the_first_match(fields: dict[str, str], label: str) -> None:
    assert utm.channel(**fields) == label  # type: ignore[arg-type]


@given(st.text(), st.text())
def test_any_text_has_traits(utm_source: str, utm_key: str) -> None:
    found = utm.traits(utm_source, utm_key, is_recurring=True)
    assert not (found.mailing_identifier and (found.banner or found.device_type))
    assert len(found.mailing_identifier) <= utm.MAILING_LENGTH
