"""Whether a donor wants our e-mail: their newest word counts, in whatever order words come.

Each word is kept as an activity on the contact's record. The contact's flags are folded from
those, so that a word that comes late changes only what no newer one has settled.
"""

from collections.abc import Iterable
from datetime import datetime

from django.utils import timezone

from fundraising.crm.contacts.activities import note_once
from fundraising.crm.models import Activity, Contact

OPT_IN = Activity.Type.OPT_IN
OPT_OUT = Activity.Type.UNSUBSCRIBE

# What a word may change of a contact.
FLAGS = (
    "opt_in",
    "is_opt_out",
    "do_not_email",
    "do_not_solicit",
    "optin_campaign",
    "optin_medium",
    "optin_source",
)


def opt_in(
    contact: Contact,
    at: datetime,
    *,
    message_id: str,
    campaign: str = "",
    medium: str = "",
    source: str = "",
) -> bool:
    """The donor said at ``at`` (aware) that our e-mail is welcome.

    ``campaign``, ``medium`` and ``source`` tell what they had followed. Runs in a transaction
    and locks the contact, whose row must be written by now; ``contact`` is brought up to date.
    Returns whether that changed the contact.
    """
    word = _word(OPT_IN, contact, at, message_id, campaign, medium, source)
    return _add(contact, word)


def opt_out(
    contact: Contact,
    at: datetime,
    *,
    message_id: str,
    campaign: str = "",
    medium: str = "",
    source: str = "",
) -> bool:
    """The donor said at ``at`` (aware) that they want no more e-mail; else as :func:`opt_in`."""
    word = _word(OPT_OUT, contact, at, message_id, campaign, medium, source)
    return _add(contact, word)


def flags(words: Iterable[Activity]) -> dict[str, object]:
    """The columns of a contact that these words decide, in any order, and their values.

    Of a yes and a no of one second the no counts. A yes that names its campaign, medium or
    source is remembered by them until the next that does.
    """
    ordered = sorted(words, key=_order)
    if not ordered:
        return {}
    wanted = ordered[-1].activity_type == OPT_IN
    found: dict[str, object] = {"opt_in": wanted, "is_opt_out": not wanted}
    for word in ordered:
        if word.activity_type == OPT_IN:
            found.update(do_not_email=False, do_not_solicit=False)
            if any(_tracking(word)):
                found.update(
                    optin_campaign=word.tracking_campaign,
                    optin_medium=word.tracking_medium,
                    optin_source=word.tracking_source,
                )
    return found


def _word(
    kind: Activity.Type,
    contact: Contact,
    at: datetime,
    message_id: str,
    campaign: str,
    medium: str,
    source: str,
) -> Activity:
    return Activity(
        contact=contact,
        activity_type=kind,
        activity_date=at,
        message_id=message_id,
        tracking_campaign=campaign,
        tracking_medium=medium,
        tracking_source=source,
    )


def _add(contact: Contact, word: Activity) -> bool:
    locked = Contact.objects.select_for_update(of=("self",), no_key=True)
    contact.refresh_from_db(fields=FLAGS, from_queryset=locked)
    known = list(Activity.objects.filter(contact=contact, activity_type__in=[OPT_IN, OPT_OUT]))
    note_once(word)
    before, after = flags(known), flags([*known, word])
    # What this word did not settle stays as staff, or a donation, may have set it since.
    news = {name: value for name, value in after.items() if before.get(name) != value}
    changed = {name: value for name, value in news.items() if getattr(contact, name) != value}
    if not changed:
        return False
    for name, value in changed.items():
        setattr(contact, name, value)
    contact.message_id = max([*known, word], key=_order).message_id
    contact.modified_at = timezone.now()
    contact.save(update_fields=[*changed, "message_id", "modified_at"])
    return True


def _order(word: Activity) -> tuple[datetime, bool, tuple[str, str, str]]:
    return word.activity_date, word.activity_type == OPT_OUT, _tracking(word)


def _tracking(word: Activity) -> tuple[str, str, str]:
    return word.tracking_campaign, word.tracking_medium, word.tracking_source
