"""Noting what happened on a contact's record."""

from fundraising.crm import columns
from fundraising.crm.models import Activity

_CONTENT = [
    field.attname
    for field in Activity._meta.concrete_fields
    if field.attname not in {"id", "message_id"}
]


def note_once(activity: Activity) -> None:
    """Write an activity, unless another message told the very same.

    It then names the same one of the messages, whichever came first. Whoever calls holds the
    lock of the contact or the record that it is about, so that two workers take turns.
    """
    columns.fit(activity)
    content = {name: getattr(activity, name) for name in _CONTENT}
    known = Activity.objects.filter(**content).first()
    if known is None:
        activity.save()
    elif activity.message_id < known.message_id:
        Activity.objects.filter(pk=known.pk).update(message_id=activity.message_id)
