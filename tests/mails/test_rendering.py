"""What mails say."""

import re
from email import message_from_bytes, policy
from html.parser import HTMLParser
from itertools import product
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.mail import EmailMultiAlternatives
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from fundraising.crm.contacts import checksums
from fundraising.crm.models import Contact
from fundraising.mails import kinds, rendering
from fundraising.mails.models import OutgoingMail

LANGUAGES = ("de", "en", "es", "fr")
CHANGES = (
    "recurring_downgrade",
    "recurring_annual_conversion",
    "recurring_paused",
    "recurring_cancel",
)
GIFTS = [
    {"amount": "5.00", "currency": "EUR"},
    {"amount": "1234", "currency": "JPY", "next_date": "2026-04-01"},
]
CONTEXTS = {
    "new_checksum_link": [
        {"page": page} for page in ("DonorPortal", "EmailPreferences", "OptIn", "RecurUpgrade")
    ],
    "verify_email": [{}],
    "double_opt_in": [{}],
    "donor_portal_recurring": [
        {"change": change, "amount": "5.00", "currency": "EUR", "next_date": day}
        for change, day in product(CHANGES, ("", "2026-04-01"))
    ],
    "monthly_convert": GIFTS,
    "recurring_upgrade_message": GIFTS,
    "recurring_failed": GIFTS,
}
ALL = [
    (template, language, context)
    for (template, contexts), language in product(CONTEXTS.items(), LANGUAGES)
    for context in contexts
]

DONOR = Contact(id=12, first_name="Zoë", hash="5" * 32)


class Reader(HTMLParser):
    """The attributes of tags, and where links lead with the text to click."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: dict[str, dict[str, str | None]] = {}
        self.links: dict[str, str] = {}
        self._href = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = dict(attrs)
        if tag == "a":
            self._href = self.tags[tag]["href"] or ""
            self.links[self._href] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "a":
            self._href = ""

    def handle_data(self, data: str) -> None:
        if self._href:
            self.links[self._href] += data


def write(
    template: str, language: str, contact: Contact = DONOR, **context: str
) -> EmailMultiAlternatives:
    return rendering.message(
        OutgoingMail(
            template=template,
            key="m-1",
            contact=contact,
            recipient="donor@example.org",
            language=language,
            context=context,
        )
    )


def html_of(sent: EmailMultiAlternatives) -> str:
    ((html, mimetype),) = sent.alternatives
    assert mimetype == "text/html"
    return str(html)


def texts() -> Path:
    return Path(rendering.__file__).parent / "templates" / "mails"


def test_each_kind_is_written_in_each_language() -> None:
    written = {path.relative_to(texts()).as_posix() for path in texts().glob("*/*.txt")}
    names = [*kinds.KINDS, "frame"]
    assert written == {f"{name}/{language}.txt" for name in names for language in LANGUAGES}
    assert CONTEXTS.keys() == kinds.KINDS.keys()


@pytest.mark.parametrize(("template", "language", "context"), ALL)
def test_text_and_html_are_whole(template: str, language: str, context: dict[str, str]) -> None:
    sent = write(template, language, **context)
    html = html_of(sent)
    page = Reader(html)
    assert sent.subject
    assert "\n" not in sent.subject
    for part in (sent.subject, sent.body, html):
        assert not re.search(r"\{[{%]|[%}]\}|None", part)
    assert "Zoë" in sent.body
    assert page.tags["html"] == {"lang": language, "dir": "ltr"}
    leads_to = kinds.KINDS[template].page or context["page"]
    wanted = 1 if leads_to in (kinds.VERIFY_EMAIL, kinds.EMAIL_PREFERENCES) else 2
    in_text = [line for line in sent.body.splitlines() if line.startswith("https://")]
    assert list(page.links) == in_text
    assert len(in_text) == wanted
    assert all(text and not text.endswith(":") for text in page.links.values())
    for line in sent.body.splitlines():
        assert len(line) <= 76 or line in in_text
    if "amount" in context:
        assert context["amount"].replace("1234", "1").split(".")[0] in sent.body
    if context.get("next_date") and context.get("change") != "recurring_cancel":
        assert "2026" in sent.body


def test_a_whole_mail(settings: Settings) -> None:
    settings.DEFAULT_FROM_EMAIL = "The Library <gifts@library.example>"
    sent = write("donor_portal_recurring", "en_GB", **CONTEXTS["donor_portal_recurring"][5])
    link, preferences = Reader(html_of(sent)).links
    assert sent.subject == "Your regular gift has changed"
    assert sent.body == (
        "Dear Zoë,\n\n"
        "As you wished, your regular gift of €5.00 takes a break until 1 April 2026.\n"
        "Then it goes on by itself.\n\n"
        f"See or change it:\n{link}\n\n"
        "With warm thanks,\nThe Library\n\n"
        "You choose what we write to you about, and you can stop it at any time:\n"
        f"{preferences}\n"
    )
    raw = message_from_bytes(sent.message().as_bytes(), policy=policy.default)
    assert raw["To"] == "donor@example.org"
    assert raw["From"] == "The Library <gifts@library.example>"
    assert raw["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{32}@library\.example>", raw["Message-ID"])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [("es_MX", "es"), ("fr", "fr"), ("fr_CA", "fr"), ("sw_KE", "en"), ("", "en"), ("de_XX", "de")],
)
def test_the_nearest_language_is_taken(wanted: str, found: str) -> None:
    sent = write("recurring_failed", wanted, amount="1234.50", currency="EUR")
    assert Reader(html_of(sent)).tags["html"]["lang"] == found


def test_amounts_are_written_as_the_donor_writes_them() -> None:
    def amount(language: str) -> str:
        body = write("recurring_failed", language, amount="1234.50", currency="MXN").body
        found = re.search(r"[^ \n]*1[.,]234[.,]50[^ \n]*", body)
        assert found
        return found[0].rstrip(".")

    assert amount("es_MX") == "$1,234.50"
    assert amount("de") == "1.234,50\u00a0MX$"
    assert amount("sw_KE") == "MX$1,234.50"


def test_a_language_written_from_right_to_left(settings: Settings, tmp_path: Path) -> None:
    directory = tmp_path / "mails" / "recurring_failed"
    directory.mkdir(parents=True)
    (directory / "ar.txt").write_text("موضوع\n\nمرحبا\n\nرابط:\n{{ link }}\n")
    (found,) = settings.TEMPLATES
    settings.TEMPLATES = [{**found, "DIRS": [tmp_path]}]
    page = Reader(html_of(write("recurring_failed", "ar_EG", amount="5", currency="EUR")))
    assert page.tags["html"] == {"lang": "ar", "dir": "rtl"}
    assert page.tags["body"]["dir"] == "rtl"
    assert list(page.links.values()) == ["رابط"]


def query(link: str) -> dict[str, str]:
    return {name: value for name, (value,) in parse_qs(urlsplit(link).query).items()}


def test_the_link_proves_who_the_donor_is(settings: Settings) -> None:
    settings.DONOR_PAGES = {**settings.DONOR_PAGES, "DonorPortal": "https://gifts.example/?a=1"}
    link, preferences = Reader(html_of(write("new_checksum_link", "en", page="DonorPortal"))).links
    assert link.startswith("https://gifts.example/?a=1&contact_id=12&checksum=")
    for found in (link, preferences):
        checksum = query(found)["checksum"]
        assert checksums.is_valid(checksum, 12, DONOR.hash, timezone.now())
        assert not checksums.is_valid(checksum, 13, DONOR.hash, timezone.now())


def test_a_link_to_verify_an_address_lets_nobody_in() -> None:
    (link,) = Reader(html_of(write("verify_email", "en"))).links
    found = query(link)
    assert (found["contact_id"], found["email"]) == ("12", "donor@example.org")
    now = timezone.now()
    assert checksums.verifies(found["checksum"], 12, DONOR.hash, now, "Donor@example.org")
    assert not checksums.is_valid(found["checksum"], 12, DONOR.hash, now)
    assert not checksums.is_of(found["checksum"], 12, DONOR.hash)


@pytest.mark.parametrize(
    "name", ["evil.example", "http://evil", "see evil.example/x", "a@b", "Ana 555", "x" * 41]
)
def test_what_may_be_an_address_is_no_name(name: str) -> None:
    assert rendering.greeting_name(name) == ""


@pytest.mark.parametrize("name", ["Zoë", "Jean-Paul", "J. R.", "O’Neil", "Mary Ann", "प्रिया", "明"])
def test_a_name_is_a_name(name: str) -> None:
    assert rendering.greeting_name(f" {name} ") == name


@given(st.text(max_size=60))
def test_no_name_changes_what_a_mail_is(name: str) -> None:
    contact = Contact(id=12, first_name=name, hash="5" * 32)
    sent = write("recurring_failed", "en", contact, amount="5.00", currency="EUR")
    page = Reader(html_of(sent))
    assert sent.subject == "Your regular gift did not reach us"
    assert set(page.tags) == {"html", "head", "meta", "title", "body", "div", "p", "a", "br"}
    assert len(page.links) == 2
    sent.message().as_bytes()
