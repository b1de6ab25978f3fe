"""Which payments and invoices are taken: in the database, and earlier in the same group."""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q

from fundraising.crm import trxn_ids
from fundraising.crm.donation import Donation
from fundraising.crm.models import Contribution

SECOND = timedelta(seconds=1)


class Ledger:
    """What the contributions that exist say of the payments of a group."""

    def __init__(self) -> None:
        self._payments: set[tuple[str, str]] = set()
        self._trxn_ids: set[str] = set()
        self._invoice_ids: set[str] = set()

    @classmethod
    def load(cls, donations: Sequence[Donation]) -> "Ledger":
        """The ids of these donations that are taken; one query."""
        ledger = cls()
        rows = Contribution.objects.filter(
            Q(gateway_txn_id__in={donation.gateway_txn_id for donation in donations})
            | Q(trxn_id__in={donation.trxn_id for donation in donations})
            | Q(invoice_id__in={donation.invoice_id for donation in donations})
        ).values_list("is_payment", "gateway", "gateway_txn_id", "trxn_id", "invoice_id")
        for is_payment, gateway, gateway_txn_id, trxn_id, invoice_id in rows:
            if is_payment:
                ledger._payments.add((gateway, gateway_txn_id))
            ledger._trxn_ids.add(trxn_id or "")
            ledger._invoice_ids.add(invoice_id or "")
        return ledger

    def has(self, donation: Donation) -> bool:
        """Whether this movement of money is booked."""
        if donation.trxn_id in self._trxn_ids:
            return True
        payment = donation.gateway, donation.gateway_txn_id
        return is_payment(donation) and payment in self._payments

    def book(self, donation: Donation) -> str | None:
        """Take its ids; returns the invoice_id to write, None for a donation without one.

        Two payments of one order are two donations: the second gets an invoice_id of its
        own, by its own date, so that it is the same at every attempt.
        """
        self._trxn_ids.add(donation.trxn_id)
        if is_payment(donation):
            self._payments.add((donation.gateway, donation.gateway_txn_id))
        if not donation.invoice_id:
            return None
        invoice_id = donation.invoice_id
        if invoice_id in self._invoice_ids:
            invoice_id = self._free(donation)
        self._invoice_ids.add(invoice_id)
        return invoice_id

    def _free(self, donation: Donation) -> str:
        moment = donation.received
        first = trxn_ids.duplicate_invoice_id(donation.invoice_id, moment)
        stem = first.rpartition("-")[0]
        taken = Contribution.objects.filter(invoice_id__startswith=stem)
        self._invoice_ids.update(row or "" for row in taken.values_list("invoice_id", flat=True))
        while True:
            invoice_id = trxn_ids.duplicate_invoice_id(donation.invoice_id, moment)
            if invoice_id not in self._invoice_ids:
                return invoice_id
            moment += SECOND


def is_payment(donation: Donation) -> bool:
    """A payment taken, as opposed to the reversal of a refund or chargeback of one."""
    return not trxn_ids.parse(donation.trxn_id).kind
