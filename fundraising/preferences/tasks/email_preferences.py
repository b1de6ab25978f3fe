"""The consumer of ``email-preferences``."""

from collections.abc import Iterable, Sequence
from functools import partial

from fundraising.crm.contacts import checksums, languages
from fundraising.crm.contacts.activities import note_once
from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.models import Activity, Address
from fundraising.mails.outgoing import send_later
from fundraising.preferences import choices, consent, double_opt_in
from fundraising.preferences.choices import Choice
from fundraising.preferences.messages import EmailPreferencesMessage
from fundraising.preferences.named import EMAIL_PREFERENCE, NamedContacts
from queues import effects, locks
from queues.consumer import Received, group_consumer

Item = Received[EmailPreferencesMessage]


@group_consumer("email-preferences")
def email_preferences(group: Sequence[Item]) -> None:
    """Donors who chose in the preference centre what they want to hear from us, and how."""
    locks.take(("donor", item.message.email.lower()) for item in group)
    contacts = NamedContacts.load(item.message.contact_id for item in group)
    effects.each_received(partial(_choose, contacts))(group)
    contacts.write()


def _choose(contacts: NamedContacts, item: Item) -> None:
    message = item.message
    # An old link will do to say what one wants to hear, so that nobody is kept from saying no.
    is_proven = partial(checksums.is_of, message.checksum)
    profile = contacts.proven(message.contact_id, is_proven, item.key)
    choice = Choice(
        message.pushed_at or item.received_at,
        language=languages.preferred(message.language, message.country),
        country=message.country,
        send_email=message.send_email,
        snooze_date=message.snooze_date,
    )
    others = _others(profile)
    note_once(
        Activity(
            contact=profile.contact,
            activity_type=Activity.Type.EMAIL_PREFERENCES,
            activity_date=choice.at,
            details=choice.details,
            message_id=item.key,
        )
    )
    if choices.is_newest(choice, "language", others):
        profile.put(profile.contact, preferred_language=choice.language)
    if choices.is_newest(choice, "country", others):
        _move(profile, choice.country)
    _snooze(profile, choice, others)
    has_opted_in = _consent(profile, choice, item.key)
    double_opt_in.note(profile)
    _write_to(item, profile, has_opted_in=has_opted_in)


def _others(profile: Profile) -> list[Choice]:
    """The choices of the donor that are known."""
    rows = Activity.objects.filter(
        contact=profile.contact, activity_type=Activity.Type.EMAIL_PREFERENCES
    ).exclude(message_id="")  # none of ours
    return [Choice.of(row.activity_date, row.details) for row in rows]


def _move(profile: Profile, country: str) -> None:
    """An address of that country is the primary one, beside what else is known."""
    row = next((row for row in profile.addresses if row.location_type == EMAIL_PREFERENCE), None)
    if row is None:
        row = Address(contact=profile.contact, location_type=EMAIL_PREFERENCE)
        profile.addresses.append(row)
    primary = profile.primary_address
    if primary is not None and primary is not row:
        profile.put(primary, is_primary=False)
    profile.put(row, country=country, is_primary=True)


def _snooze(profile: Profile, choice: Choice, others: Iterable[Choice]) -> None:
    primary = profile.primary_email
    if primary is None:
        return
    known = [choice, *others]
    if any(other.snooze_date for other in known):
        until = choices.snoozed_until(known, None)
    else:
        until = choices.snoozed_until([choice], primary.snooze_date)
    profile.put(primary, snooze_date=until)


def _consent(profile: Profile, choice: Choice, message_id: str) -> bool:
    """Keep what the donor says of our e-mail; whether it is welcome that was not before."""
    if choice.send_email is None:
        return False
    if choice.send_email:
        return consent.opt_in(profile.contact, choice.at, message_id=message_id)
    consent.opt_out(profile.contact, choice.at, message_id=message_id)
    return False


def _write_to(item: Item, profile: Profile, *, has_opted_in: bool) -> None:
    """Ask the owner of an address to confirm it; until then nothing is sent there but this."""
    message, primary = item.message, profile.primary_email
    is_other = primary is None or primary.email.lower() != message.email.lower()
    if is_other and message.email_checksum:
        send_later("verify_email", profile.contact, key=item.key, context={}, to=message.email)
    elif (
        has_opted_in
        and double_opt_in.is_asked_for(profile)
        and not double_opt_in.is_confirmed(profile)
    ):
        send_later("double_opt_in", profile.contact, key=item.key, context={})
