"""The scores of a payment's fraud filters, as several messages tell them.

A complete message tells the breakdown as a whole: filters that it does not name have no
score any more. A partial one, such as of a capture job that has learned what the bank says
of the security code and the address, tells the scores of its own filters only.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from fundraising.fredge.merging import Stamp


class Score(NamedTuple):
    """The score of a filter, and when and by which message it was told."""

    stamp: Stamp
    risk_score: Decimal


Breakdown = Mapping[str, Score]


def merged(known: Breakdown, told: Breakdown, whole: Stamp | None) -> dict[str, Score]:
    """The newest score of each filter, without those older than ``whole``.

    ``whole`` is the stamp of the newest complete message, None if none has come yet.
    """
    newest = dict(known)
    for name, score in told.items():
        if name not in newest or newest[name].stamp < score.stamp:
            newest[name] = score
    if whole is None:
        return newest
    return {name: score for name, score in newest.items() if score.stamp >= whole}
