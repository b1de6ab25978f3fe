"""Erasing the personal data of a donor; the record of the money stays."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Model

from fundraising.crm.models import Contact, RecurringContribution
from fundraising.privacy import obstacles
from fundraising.privacy.holdings import HOLDINGS, Holding
from fundraising.privacy.models import Erasure
from fundraising.privacy.traces import Traces, family, follow

log = logging.getLogger(__name__)


class Refused(Exception):
    """The donor cannot be erased now, for these reasons; no text of them holds a value."""

    def __init__(self, *reasons: str) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


@dataclass(frozen=True)
class Plan:
    """What an erasure would do: rows by table, why it cannot be done, what one should know."""

    counts: Mapping[str, int]
    obstacles: Sequence[str]
    warnings: Sequence[str]


def plan(contact_id: int) -> Plan:
    """What erasing a contact would do; writes nothing.

    Raises ``Contact.DoesNotExist``, and :class:`Refused` for a contact that was merged into
    another: that one is the donor.
    """
    traces = follow(_donor(contact_id))
    counts = _counts(_changes(traces, lock=False))
    return Plan(counts, obstacles.obstacles(traces), obstacles.warnings(traces))


def erase(contact_id: int, *, by: str, reason: str) -> Erasure:
    """Erase the personal data of a contact and of those merged into it, in one transaction.

    ``by`` is the name of the account, ``reason`` is kept with it. Raises as :func:`plan`
    does, :class:`Refused` as long as there are obstacles, ``ValueError`` without a reason.
    """
    if not reason.strip():
        raise ValueError("a reason is needed")
    with transaction.atomic():
        contacts = _donor(contact_id)
        _lock(contacts)
        # What any import has written by now is seen, and none writes more before the commit.
        traces = follow(contacts)
        if found := obstacles.obstacles(traces):
            raise Refused(*found)
        # All are found before the first is changed, as they are found by what is erased.
        changes = list(_changes(traces, lock=True))
        for holding, rows in changes:
            _write(holding, rows)
        erasure = Erasure.objects.create(
            contact_id=contact_id,
            by=by[:255],
            reason=reason.strip()[:255],
            counts=_counts(changes),
        )
    log.info("contact %d erased, erasure=%d", contact_id, erasure.pk)
    return erasure


def _donor(contact_id: int) -> frozenset[int]:
    contact = Contact.objects.get(pk=contact_id)
    if contact.merged_into_id is not None:
        raise Refused(f"it was merged into contact {contact.merged_into_id}: erase that one")
    return family(contact_id)


def _lock(contacts: frozenset[int]) -> None:
    """In the order in which an import locks them, so that neither waits for the other."""
    recurring = RecurringContribution.objects.filter(contact__in=contacts)
    for rows in (recurring, Contact.objects.filter(pk__in=contacts)):
        list(rows.select_for_update(of=("self",)).order_by("pk").values_list("pk"))


def _changes(traces: Traces, *, lock: bool) -> Iterator[tuple[Holding, list[Model]]]:
    """The rows of each holding that hold something to erase, as they are to be written."""
    for holding in HOLDINGS:
        rows = holding.model._default_manager.filter(holding.rows(traces)).order_by("pk")
        if lock:
            rows = rows.select_for_update(of=("self",))
        yield holding, [row for row in rows if _rewrite(holding, row)]


def _rewrite(holding: Holding, row: Model) -> bool:
    """Rewrite the columns of a row, in memory; whether that changes, or deletes, anything."""
    if holding.columns is None:
        return True
    before = [getattr(row, name) for name in holding.columns]
    for name, rewrite in holding.columns.items():
        setattr(row, name, rewrite(row, name))
    return before != [getattr(row, name) for name in holding.columns]


def _write(holding: Holding, rows: Sequence[Model]) -> None:
    manager = holding.model._default_manager
    if holding.columns is None:
        manager.filter(pk__in=[row.pk for row in rows]).delete()
    else:
        manager.bulk_update(rows, list(holding.columns), batch_size=200)


def _counts(changes: Iterable[tuple[Holding, Sequence[Model]]]) -> dict[str, int]:
    """How many rows of each table, by its name."""
    return {
        str(holding.model._meta.verbose_name_plural): len(rows) for holding, rows in changes if rows
    }
