"""Every column that could tell who a donor is stands in one of the two lists."""

from collections import defaultdict

from django.apps import apps
from django.db import models

from fundraising.privacy.holdings import HOLDINGS
from fundraising.privacy.impersonal import IMPERSONAL, PASSING
from fundraising.staff.groups import is_ours

TEXTS = (
    models.CharField,
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.GenericIPAddressField,
    models.FileField,
    models.UUIDField,
)


def texts(model: type[models.Model]) -> set[str]:
    """The columns that could hold anything."""
    return {field.name for field in model._meta.concrete_fields if isinstance(field, TEXTS)}


def columns(model: type[models.Model]) -> set[str]:
    return {field.name for field in model._meta.concrete_fields}


OURS = {
    model._meta.label: model
    for config in apps.get_app_configs()
    if is_ours(config)
    for model in config.get_models()
}
ERASED: dict[str, set[str]] = defaultdict(set)
for holding in HOLDINGS:
    names = columns(holding.model) if holding.columns is None else set(holding.columns)
    ERASED[holding.model._meta.label] |= names


def test_no_column_is_forgotten() -> None:
    forgotten = {
        f"{label}.{name}"
        for label, model in OURS.items()
        for name in texts(model)
        - ERASED[label]
        - IMPERSONAL.get(label, frozenset())
        - PASSING.get(label, frozenset())
    }
    assert forgotten == set(), (
        "name them in fundraising/privacy/holdings.py if they can tell who a donor is, else in "
        "fundraising/privacy/impersonal.py"
    )


def test_every_column_stands_in_one_list_only() -> None:
    for label in OURS:
        lists = (ERASED[label], IMPERSONAL.get(label, set()), PASSING.get(label, set()))
        assert sum(map(len, lists)) == len(set().union(*lists)), label


def test_no_list_names_what_is_not_there() -> None:
    for listed in (ERASED, IMPERSONAL, PASSING):
        for label, names in listed.items():
            assert set(names) <= columns(OURS[label]), label
