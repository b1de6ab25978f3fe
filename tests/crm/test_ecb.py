from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from fundraising.crm.currencies import ecb

FEED = b"""<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
                 xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <Cube>
    <Cube time="2026-11-20">
      <Cube currency="USD" rate="1.25"/>
      <Cube currency="JPY" rate="180.5"/>
    </Cube>
    <Cube time="2026-11-19">
      <Cube currency="USD" rate="1.20"/>
    </Cube>
  </Cube>
</gesmes:Envelope>
"""


def test_the_feed_gives_quotes_of_each_day_and_the_euro() -> None:
    assert [(q.date.day, q.currency, str(q.units_per_eur)) for q in ecb.parse_daily(FEED)] == [
        (20, "EUR", "1"),
        (20, "USD", "1.25"),
        (20, "JPY", "180.5"),
        (19, "EUR", "1"),
        (19, "USD", "1.20"),
    ]


def test_quotes_become_dollars_by_the_same_day() -> None:
    rates = {(r.currency, r.bank_update): r.value_in_usd for r in ecb.to_usd(ecb.parse_daily(FEED))}
    friday = datetime(2026, 11, 20, tzinfo=UTC)
    assert rates == {
        ("EUR", friday): Decimal("1.25"),
        ("JPY", friday): Decimal("1.25") / Decimal("180.5"),
        ("EUR", datetime(2026, 11, 19, tzinfo=UTC)): Decimal("1.20"),
    }


BOMB = b'<!DOCTYPE a [<!ENTITY b "bbbb">]>' + FEED.partition(b"?>\n")[2].replace(
    b"Reference", b"&b;"
)


@pytest.mark.parametrize(
    "feed",
    [
        b"",
        b"not xml",
        b"<a/>",
        BOMB,
        FEED.replace(b"180.5", b"NaN"),
        FEED.replace(b"180.5", b"0"),
        FEED.replace(b"JPY", b"Yen!"),
        FEED.replace(b"2026-11-19", b"19.11.2026"),
        FEED.replace(b' rate="180.5"', b""),
    ],
)
def test_a_feed_that_is_wrong_anywhere_is_refused_whole(feed: bytes) -> None:
    with pytest.raises(ecb.InvalidFeed):
        ecb.parse_daily(feed)


def test_a_day_without_the_dollar_is_refused() -> None:
    quotes = [ecb.Quote(date(2026, 11, 20), "EUR", Decimal(1))]
    with pytest.raises(ecb.InvalidFeed, match="2026-11-20"):
        ecb.to_usd(quotes)
