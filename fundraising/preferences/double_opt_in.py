"""Double opt-in: in some countries a donor confirms the address before we write to it."""

from django.conf import settings
from django.db.models import QuerySet

from fundraising.crm.contacts.profiles import Profile
from fundraising.crm.models import Activity


def is_asked_for(profile: Profile) -> bool:
    """Whether the donor lives where an address is to be confirmed."""
    address = profile.primary_address
    return address is not None and address.country in settings.DOUBLE_OPT_IN_COUNTRIES


def is_confirmed(profile: Profile) -> bool:
    """Whether the donor has verified an address."""
    return _activities(profile, Activity.Type.VERIFY_EMAIL).exists()


def note(profile: Profile) -> None:
    """Keep on the contact's record that the donor opted in twice: by the first verification."""
    first = (
        _activities(profile, Activity.Type.VERIFY_EMAIL)
        .order_by("activity_date", "message_id")
        .first()
    )
    if first is None or not is_asked_for(profile):
        return
    told = {"activity_date": first.activity_date, "message_id": first.message_id}
    if not _activities(profile, Activity.Type.DOUBLE_OPT_IN).update(**told):
        Activity.objects.create(
            contact=profile.contact, activity_type=Activity.Type.DOUBLE_OPT_IN, **told
        )


def _activities(profile: Profile, kind: Activity.Type) -> QuerySet[Activity]:
    return Activity.objects.filter(contact=profile.contact, activity_type=kind)
