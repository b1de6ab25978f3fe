"""Exchange rates: those in the database for the pure rules, and the bank's daily ones into it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Q
from django.utils import timezone

from fundraising.crm.currencies import bank_feed, ecb
from fundraising.crm.currencies.money import REPORTING_CURRENCY
from fundraising.crm.currencies.rates import Rate, Rates
from fundraising.crm.models import ExchangeRate

# Banks publish each working day, so what a payment needs was published in this window,
# unless the feed stood still.
_WINDOW = timedelta(days=10)
_STORED_DIGITS = Decimal(1).scaleb(-14)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a feed held: the last bank day, and how many rates were new or differed."""

    bank_update: datetime
    rates: int
    changed: int


def rates_for(payments: Iterable[tuple[str, datetime]]) -> Rates:
    """The rates for payments of (currency, aware moment): one query, rarely a few more."""
    wanted = [(currency, moment) for currency, moment in payments if currency]
    currencies = {currency for currency, _ in wanted} - {REPORTING_CURRENCY}
    if not currencies:
        return Rates()
    spans = _spans([moment for _, moment in wanted])
    recent = Q(pk__in=[])
    for first, last in spans:
        recent |= Q(bank_update__gte=first - _WINDOW, bank_update__lt=last)
    rows = _rates(ExchangeRate.objects.filter(recent, currency__in=currencies))
    return Rates(rows + _older(currencies, [first for first, _ in spans], rows))


def load(source: str, *, dry_run: bool = False) -> Loaded:
    """Take the European Central Bank's rates from an https URL or a file into the database.

    Taking the same feed again changes nothing. Raises ``bank_feed.Unreachable`` and
    ``ecb.InvalidFeed``; nothing is written then, nor when ``dry_run``.
    """
    rates = ecb.to_usd(ecb.parse_daily(bank_feed.read(source)))
    now = timezone.now()
    rows = [
        ExchangeRate(
            currency=rate.currency,
            value_in_usd=rate.value_in_usd.quantize(_STORED_DIGITS),
            bank_update=rate.bank_update,
            local_update=now,
        )
        for rate in rates
    ]
    updates = {row.bank_update for row in rows}
    stored = ExchangeRate.objects.filter(bank_update__in=updates)
    known = {(row.currency, row.bank_update, row.value_in_usd) for row in stored}
    changed = [
        row for row in rows if (row.currency, row.bank_update, row.value_in_usd) not in known
    ]
    if changed and not dry_run:
        ExchangeRate.objects.bulk_create(
            changed,
            update_conflicts=True,
            unique_fields=["currency", "bank_update"],
            update_fields=["value_in_usd", "local_update"],
        )
    return Loaded(max(updates), len(rows), len(changed))


def _spans(moments: Iterable[datetime]) -> list[tuple[datetime, datetime]]:
    """The stretches of time that the moments lie in, so that one old payment costs no scan."""
    spans: list[tuple[datetime, datetime]] = []
    for moment in sorted(moments):
        if spans and moment - spans[-1][1] <= _WINDOW:
            spans[-1] = spans[-1][0], moment
        else:
            spans.append((moment, moment))
    return spans


def _older(currencies: set[str], starts: list[datetime], rows: list[Rate]) -> list[Rate]:
    """The newest rate before each start, where the window before it has none."""
    updates: dict[str, list[datetime]] = defaultdict(list)
    for row in rows:
        updates[row.currency].append(row.bank_update)
    gaps = [
        (currency, start)
        for currency in currencies
        for start in starts
        if not any(start - _WINDOW <= update < start for update in updates[currency])
    ]
    if not gaps:
        return []
    # Most currencies of the world are not quoted at all.
    listed = ExchangeRate.objects.filter(currency__in={currency for currency, _ in gaps})
    quoted = set(listed.order_by().values_list("currency", flat=True).distinct())
    found: list[Rate] = []
    for currency, start in gaps:
        if currency in quoted:
            before = ExchangeRate.objects.filter(currency=currency, bank_update__lt=start)
            found += _rates(before.order_by("-bank_update")[:1])
    return found


def _rates(rows: Iterable[ExchangeRate]) -> list[Rate]:
    return [Rate(row.currency, row.value_in_usd, row.bank_update) for row in rows]
