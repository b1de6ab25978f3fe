"""The breakdowns of the fraud scores that the messages of a group concern."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from decimal import Decimal

from fundraising.fredge import scores
from fundraising.fredge.merging import Stamp
from fundraising.fredge.models import PaymentsFraud, PaymentsFraudBreakdown
from fundraising.fredge.models.told import Key
from fundraising.fredge.scores import Score


class Breakdowns:
    """The scores of each filter, by payment; used by whoever has its row in hand."""

    def __init__(self, rows: Iterable[PaymentsFraud]) -> None:
        self._known: dict[Key, dict[str, Score]] = defaultdict(dict)
        self._changed: dict[Key, PaymentsFraud] = {}
        keys = {row.pk: row.key for row in rows}
        for line in PaymentsFraudBreakdown.objects.filter(payments_fraud__in=keys):
            score = Score(Stamp.of(line.told_at, line.message_id), line.risk_score)
            self._known[keys[line.payments_fraud_id]][line.filter_name] = score

    def tell(self, row: PaymentsFraud, stamp: Stamp, told: Mapping[str, Decimal | None]) -> None:
        """Merge what a message says of the filters; ``row`` knows already what else it says."""
        new = {name: Score(stamp, score) for name, score in told.items() if score is not None}
        together = scores.merged(self._known[row.key], new, row.breakdown_told)
        if together != self._known[row.key]:
            self._known[row.key] = together
            self._changed[row.key] = row

    def save(self) -> None:
        """Replace the breakdowns that have changed; their rows must be saved."""
        rows = list(self._changed.values())
        PaymentsFraudBreakdown.objects.filter(payments_fraud__in=rows).delete()
        PaymentsFraudBreakdown.objects.bulk_create(
            PaymentsFraudBreakdown(
                payments_fraud=row,
                filter_name=name,
                risk_score=score.risk_score,
                told_at=score.stamp.at,
                message_id=score.stamp.key,
            )
            for row in rows
            for name, score in self._known[row.key].items()
        )
