"""What the tables of contacts hold, to compare the ends of different ways."""

from django.db.models import Model

from fundraising.crm.models import Activity, Contact, Email

# Numbers, secrets and the times of the import may differ.
_OWN = {"id", "hash", "created_at", "modified_at", "message_id"}


def contents() -> list[tuple[object, ...]]:
    """Contacts with their e-mail addresses and activities, apart from numbers and times."""
    return sorted(
        (
            _values(contact),
            sorted(_values(row) for row in Email.objects.filter(contact=contact)),
            sorted(
                (*_values(row), row.message_id) for row in Activity.objects.filter(contact=contact)
            ),
        )
        for contact in Contact.objects.all()
    )


def _values(row: Model) -> tuple[str, ...]:
    return tuple(
        str(getattr(row, field.attname))
        for field in row._meta.concrete_fields
        if field.name not in _OWN and not field.is_relation
    )
