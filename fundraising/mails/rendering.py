"""What a mail says, in the donor's language.

Each text is written once, as plain text: its first paragraph is the subject, a paragraph that
ends in one of our links is a link. The HTML is made of that.
"""

import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from email.utils import parseaddr
from pathlib import PurePosixPath

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency
from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template import Context, Template
from django.template.loader import render_to_string, select_template
from django.utils import timezone

from fundraising.mails.kinds import EMAIL_PREFERENCES, KINDS, VERIFY_EMAIL
from fundraising.mails.links import link
from fundraising.mails.models import OutgoingMail

FALLBACK = "en"
_WIDTH = 76
# Not a web address that somebody else wants us to mail under our name.
_NO_NAME = re.compile(r"[\d_/\\@:<>]|\.\S")
_MAX_NAME = 40


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; with ``href`` its text is that of a link."""

    text: str
    href: str = ""


def message(mail: OutgoingMail) -> EmailMultiAlternatives:
    """The mail, in text and HTML. Raises for a template or context that is not as it must be."""
    template, language = _template(mail.template, mail.language)
    context = _context(mail, _locale(mail.language, language))
    # Plain text: what is escaped in HTML is escaped there.
    subject, *paragraphs = _paragraphs(template.render(Context(context, autoescape=False)))
    links = (context["link"], context["preferences"])
    html = {
        "language": language,
        "direction": Locale.parse(language).text_direction,
        "subject": subject,
        "paragraphs": [_read(text, links) for text in paragraphs],
    }
    mailing = EmailMultiAlternatives(
        subject=subject,
        body="\n\n".join(map(_wrap, paragraphs)) + "\n",
        to=[mail.recipient],
        headers={"Message-ID": mail.header_id, "Auto-Submitted": "auto-generated"},
    )
    mailing.attach_alternative(render_to_string("mails/base.html", html), "text/html")
    return mailing


def greeting_name(first_name: str) -> str:
    """The name to greet a donor by; empty for what may be an address, or no name at all."""
    name = first_name.strip()
    return "" if len(name) > _MAX_NAME or _NO_NAME.search(name) else name


def _template(name: str, language: str) -> tuple[Template, str]:
    """The text for a locale: its variant, its language, English; and which of them it is."""
    wanted = (language, language.partition("_")[0], FALLBACK)
    found = select_template([f"mails/{name}/{choice}.txt" for choice in wanted if choice])
    return found.template, PurePosixPath(found.template.name).stem


def _locale(wanted: str, found: str) -> Locale:
    """How to write amounts and dates: the donor's variant of the language that was found."""
    if wanted.partition("_")[0] == found.partition("_")[0]:
        try:
            return Locale.parse(wanted)
        except (UnknownLocaleError, ValueError):
            pass  # a variant that nobody knows: the language's own way
    return Locale.parse(found)


def _context(mail: OutgoingMail, locale: Locale) -> dict[str, str]:
    now = timezone.now()
    kind = KINDS[mail.template]
    page = kind.page or mail.context["page"]
    own = {
        "name": greeting_name(mail.contact.first_name),
        "sender": parseaddr(settings.DEFAULT_FROM_EMAIL)[0],
        "link": link(page, mail.contact, mail.recipient, now),
        # Not to a mailbox that has yet to be verified: it lets in whoever reads it.
        "preferences": ""
        if page in (VERIFY_EMAIL, EMAIL_PREFERENCES)
        else link(EMAIL_PREFERENCES, mail.contact, mail.recipient, now),
    }
    return {**_localised(mail.context, locale), **own}


def _localised(context: Mapping[str, str], locale: Locale) -> dict[str, str]:
    """Amounts and dates as they are written in a locale."""
    found = dict(context)
    for name, value in context.items():
        if name == "amount":
            found[name] = format_currency(Decimal(value), context["currency"], locale=locale)
        elif name.endswith("_date") and value:
            found[name] = format_date(date.fromisoformat(value), "long", locale=locale)
    return found


def _paragraphs(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"\n\s*\n", text) if part.strip()]


def _read(text: str, links: tuple[str, ...]) -> Paragraph:
    """A paragraph for HTML: the lines before one of our links are the link's text."""
    label, _, last = text.rpartition("\n")
    if last in links and label:
        return Paragraph(label.rstrip(" :\u00a0："), last)
    return Paragraph(text)


def _wrap(text: str) -> str:
    return "\n".join(
        textwrap.fill(line, _WIDTH, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )
