"""What a donation's utm fields and tracking key say."""

from dataclasses import dataclass

MAILING_LENGTH = 10
# One mailing of old was sent without the prefix.
_UNPREFIXED_MAILING = "70761231.d"

_SITE_CHANNELS = {
    "wikimediaportal": "Wikimedia Portal",
    "wikipediaapp": "Wikipedia App",
    "wikipediaappfeed": "Wikipedia App",
}
_SOCIAL_MEDIA = frozenset(
    ["google", "facebook", "instagram", "tiktok", "threads", "reddit", "twitter", "socialmedia"]
)


@dataclass(frozen=True, slots=True)
class UtmSource:
    """``<banner or mailing>.<landing page>.<payment code>``; parts that are missing are empty.

    ``payment_code`` is a payment method, with an ``r`` before it when recurring; some front
    ends put the submethod behind it.
    """

    banner: str = ""
    landing_page: str = ""
    payment_code: str = ""
    payment_submethod: str = ""


@dataclass(frozen=True, slots=True)
class Traits:
    """The columns of contribution tracking that are read out of utm_source and utm_key.

    Options are empty strings where not known: ``device_type`` Desktop or Mobile,
    ``banner_size`` Large, Small or Other, ``recurring_choice`` Upsell or Organic.
    """

    banner: str = ""
    landing_page: str = ""
    banner_variant: str = ""
    banner_size: str = ""
    device_type: str = ""
    mailing_identifier: str = ""
    recurring_choice: str = ""
    is_test_variant: bool = False
    is_pay_fee: bool = False


def parse_source(utm_source: str) -> UtmSource:
    """The parts of a utm_source, between its dots.

    Whatever the text holds it is split: the original left sources with words such as
    ``script`` whole, against an injection that cannot happen here, and lost real banners.
    """
    return UtmSource(*utm_source.strip().split(".", 3))


def traits(
    utm_source: str, utm_key: str = "", *, is_recurring: bool = False, landing_page: str = ""
) -> Traits:
    """The tracking columns; ``landing_page`` is used when utm_source names none."""
    source = parse_source(utm_source)
    mailing = mailing_identifier(utm_source)
    is_banner = bool(utm_source.strip()) and not mailing
    words = source.banner.split("_")
    return Traits(
        banner="" if mailing else source.banner,
        landing_page=source.landing_page or landing_page,
        banner_variant=words[1] if is_banner and len(words) > 1 else "",
        banner_size=_banner_size(utm_source) if is_banner else "",
        device_type=_device_type(utm_source) if is_banner else "",
        mailing_identifier=mailing,
        recurring_choice=_recurring_choice(utm_key) if is_recurring else "",
        is_test_variant=bool(utm_source) and not _is_control(utm_source),
        is_pay_fee="ptf_1" in utm_key,
    )


def mailing_identifier(utm_source: str) -> str:
    """``sp`` and the number of the mailing a donation came from, or empty."""
    if utm_source.startswith(_UNPREFIXED_MAILING):
        return "sp" + utm_source.partition(".")[0]
    return utm_source.partition(".")[0][:MAILING_LENGTH] if utm_source.startswith("sp") else ""


def channel(
    *,
    utm_source: str = "",
    utm_medium: str = "",
    utm_campaign: str = "",
    recipient_id: str = "",
    is_later_installment: bool = False,
    is_endowment: bool = False,
) -> str:
    """The Channel label of a gift (``Desktop Banner``, ``Email`` ...) that names none itself."""
    medium = utm_medium.lower()
    if is_later_installment:
        return "Recurring Gift"
    if recipient_id or medium == "sms":
        return "SMS"
    if medium == "mail" or "DMURL" in utm_source:
        return "Direct Mail"
    if medium == "sitenotice" or (is_endowment and utm_source.startswith("B")):
        return _banner_channel(utm_source)
    if medium == "sidebar":
        return "Sidebar"
    if utm_source.startswith(("sp", "civi_mail")) or medium == "email":
        return "Email"
    if medium == "portal":
        return "Portal Banner" if utm_campaign == "portalBanner" else "Other Portal"
    if medium in _SOCIAL_MEDIA:
        return "Social Media"
    return _SITE_CHANNELS.get(medium, "Other Online")


def _banner_channel(utm_source: str) -> str:
    if "_dsk_" in utm_source:
        return "Desktop Banner"
    if "_m_" in utm_source or "_mob_" in utm_source:
        return "Mobile Banner"
    return "Other Banner"


def _is_control(utm_source: str) -> bool:
    return "_cnt_" in utm_source or "_cnt." in utm_source


def _banner_size(utm_source: str) -> str:
    if "_lg_" in utm_source:
        return "Large"
    return "Small" if "_sm_" in utm_source else "Other"


def _device_type(utm_source: str) -> str:
    if "_dsk_" in utm_source:
        return "Desktop"
    return "Mobile" if "_m_" in utm_source else ""


def _recurring_choice(utm_key: str) -> str:
    if not utm_key:
        return ""
    return "Upsell" if "upsell" in utm_key.lower() else "Organic"
