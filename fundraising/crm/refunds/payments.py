"""The payment that a later message is about."""

from dataclasses import dataclass

from django.db.models import Q

from fundraising.crm.models import Contribution

# Two names of one processor: messages of one payment may bear either.
PAYPAL = frozenset({"paypal", "paypal_ec"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentIds:
    """What a message calls a payment; empty or None when it does not say."""

    gateway: str
    gateway_txn_id: str = ""
    contribution_id: int | None = None
    invoice_id: str = ""
    backend_processor: str = ""
    backend_processor_txn_id: str = ""


def find(ids: PaymentIds) -> int | None:
    """The number of the payment; None when no contribution is it (yet).

    By the contribution's own number; else by gateway and id, PayPal's under either name;
    else by the id at the processor behind an orchestrator; else by invoice. Of several
    that fit equally well none is taken.
    """
    return _by_number(ids.contribution_id) if ids.contribution_id else _by_ids(ids)


def locked(number: int) -> Contribution:
    """The payment as it is, locked until the commit.

    Whoever needs its recurring contribution locked as well locks that first.
    """
    return Contribution.objects.select_for_update(no_key=True).get(pk=number)


def _by_number(number: int) -> int | None:
    """A refund or reversal leads to its payment."""
    row = Contribution.objects.filter(pk=number).only("is_payment", "parent_contribution").first()
    if row is None:
        return None
    return row.pk if row.is_payment else row.parent_contribution_id


def _by_ids(ids: PaymentIds) -> int | None:
    wanted = Q(pk__in=[])
    if ids.gateway_txn_id:
        wanted |= Q(gateway_txn_id=ids.gateway_txn_id, gateway__in=_names(ids.gateway))
    for processor, txn_id in _behind(ids):
        wanted |= Q(backend_processor=processor, backend_processor_txn_id=txn_id)
    rows = list(Contribution.objects.filter(wanted, is_payment=True))
    likeness = {row.pk: _likeness(ids, row) for row in rows}
    best = [number for number, like in likeness.items() if like == max(likeness.values())]
    if len(best) > 1:
        return None
    return best[0] if best else _by_invoice(ids)


def _likeness(ids: PaymentIds, row: Contribution) -> tuple[bool, bool]:
    is_it = row.gateway_txn_id == ids.gateway_txn_id and row.gateway in _names(ids.gateway)
    return is_it, is_it and row.gateway == ids.gateway


def _by_invoice(ids: PaymentIds) -> int | None:
    if not ids.invoice_id:
        return None
    rows = Contribution.objects.filter(
        Q(invoice_id=ids.invoice_id) | Q(invoice_id__startswith=f"{ids.invoice_id}|"),
        is_payment=True,
    )
    if ids.gateway_txn_id and not ids.backend_processor:
        # With another id at the same gateway it is another payment of the order. Not so
        # when the message speaks in the ids of the processor behind.
        rows = rows.exclude(gateway__in=_names(ids.gateway))
    found = rows.values_list("pk", flat=True)[:2]
    return found[0] if len(found) == 1 else None


def _names(gateway: str) -> frozenset[str]:
    return PAYPAL if gateway in PAYPAL else frozenset({gateway})


def _behind(ids: PaymentIds) -> set[tuple[str, str]]:
    """The payment at the processor behind an orchestrator, as either of the two names it."""
    pairs = {
        (ids.gateway, ids.gateway_txn_id),
        (ids.backend_processor, ids.backend_processor_txn_id or ids.gateway_txn_id),
    }
    return {pair for pair in pairs if all(pair)}
