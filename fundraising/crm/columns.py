"""Fitting texts into their columns."""

from functools import cache

from django.db import models


def fit(row: models.Model) -> None:
    """Cut the texts of an unsaved row to their columns.

    A donation must not be refused because a street or a campaign is longer than anybody
    thought. Ids are never cut: their schemas admit no more than their columns hold.
    """
    for name, length in _limits(type(row)):
        value = row.__dict__.get(name)
        if value is not None and len(value) > length:
            row.__dict__[name] = value[:length]


@cache
def _limits(model: type[models.Model]) -> list[tuple[str, int]]:
    return [
        (field.attname, field.max_length)
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField) and field.max_length is not None
    ]
