"""Rates in the database: looked up for payments, loaded from the bank's feed."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from fundraising.crm.currencies import bank_feed, ecb, exchange_rates
from fundraising.crm.currencies.rates import static_value_in_usd
from fundraising.crm.models import ExchangeRate
from fundraising.crm.tasks import load_exchange_rates

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = timedelta(days=1)

FEED = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
    xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <Cube><Cube time="2026-03-09">
    <Cube currency="USD" rate="{usd}"/>
    <Cube currency="JPY" rate="160"/>
  </Cube></Cube>
</gesmes:Envelope>"""


def rate(currency: str, value: str, update: datetime) -> None:
    ExchangeRate.objects.create(currency=currency, value_in_usd=Decimal(value), bank_update=update)


def value(currency: str, moment: datetime) -> Decimal:
    return exchange_rates.rates_for([(currency, moment)]).value_in_usd(currency, moment)


def test_the_newest_rate_strictly_before_the_payment() -> None:
    for days, worth in ((3, "1.3"), (2, "1.2"), (0, "1.0")):
        rate("EUR", worth, NOON - days * DAY)
    assert value("EUR", NOON) == Decimal("1.2")
    assert value("EUR", NOON + timedelta(seconds=1)) == Decimal("1.0")


def test_a_feed_that_stood_still_is_still_better_than_the_static_table() -> None:
    rate("EUR", "1.3", NOON - 400 * DAY)
    rate("EUR", "1.4", NOON - 500 * DAY)
    assert value("EUR", NOON) == Decimal("1.3")


def test_before_the_first_rate_and_for_currencies_never_quoted_the_static_table_holds() -> None:
    rate("EUR", "1.3", NOON)
    assert value("EUR", NOON - DAY) == static_value_in_usd("EUR")
    assert value("CLP", NOON) == static_value_in_usd("CLP")
    assert value("USD", NOON) == 1


def test_payments_years_apart_have_each_their_rate() -> None:
    rate("EUR", "1.1", NOON - 1000 * DAY)
    rate("EUR", "1.2", NOON - DAY)
    rates = exchange_rates.rates_for([("EUR", NOON), ("EUR", NOON - 999 * DAY), ("JPY", NOON)])
    assert rates.value_in_usd("EUR", NOON) == Decimal("1.2")
    assert rates.value_in_usd("EUR", NOON - 999 * DAY) == Decimal("1.1")


def test_a_gap_between_two_payments_is_bridged() -> None:
    rate("EUR", "1.1", NOON - 30 * DAY)
    moments = [("EUR", NOON - 8 * DAY), ("EUR", NOON)]
    rates = exchange_rates.rates_for(moments)
    assert [rates.value_in_usd(*item) for item in moments] == [Decimal("1.1")] * 2


def test_many_payments_are_one_query() -> None:
    rate("EUR", "1.1", NOON - DAY)
    with CaptureQueriesContext(connection) as queries:
        exchange_rates.rates_for(("EUR", NOON + timedelta(minutes=at)) for at in range(100))
    assert len(queries) == 1


@pytest.fixture
def feed(tmp_path: Path) -> Path:
    path = tmp_path / "feed.xml"
    path.write_text(FEED.format(usd="1.25"), "utf-8")
    return path


def test_loading_the_feed(feed: Path) -> None:
    loaded = exchange_rates.load(str(feed))
    assert (loaded.bank_update, loaded.rates, loaded.changed) == (
        datetime(2026, 3, 9, tzinfo=UTC),
        2,
        2,
    )
    assert value("EUR", NOON) == Decimal("1.25")
    assert value("JPY", NOON) == Decimal("0.0078125")


def test_loading_again_changes_nothing_but_a_correction_does(feed: Path) -> None:
    exchange_rates.load(str(feed))
    assert exchange_rates.load(str(feed)).changed == 0
    feed.write_text(FEED.format(usd="1.5"), "utf-8")
    assert exchange_rates.load(str(feed)).changed == 2
    assert value("EUR", NOON) == Decimal("1.5")
    assert ExchangeRate.objects.count() == 2


def test_the_task_loads_what_the_setting_names(feed: Path, settings: Settings) -> None:
    settings.ECB_RATES = str(feed)
    load_exchange_rates()
    assert ExchangeRate.objects.count() == 2
    assert load_exchange_rates.name == "crm.load_exchange_rates"


def test_the_command(feed: Path) -> None:
    out = StringIO()
    call_command("load_exchange_rates", source=str(feed), stdout=out)
    assert out.getvalue() == "bank day: 2026-03-09\nrates: 2\nnew or different: 2\n"


def test_a_dry_run_writes_nothing(feed: Path) -> None:
    out = StringIO()
    call_command("load_exchange_rates", source=str(feed), dry_run=True, stdout=out)
    assert "new or different: 2" in out.getvalue()
    assert ExchangeRate.objects.count() == 0


@pytest.mark.parametrize(
    ("content", "code"), [(None, 3), ("<html/>", 4), (FEED.format(usd="-1"), 4)]
)
def test_exit_codes(tmp_path: Path, content: str | None, code: int) -> None:
    path = tmp_path / "feed.xml"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(CommandError) as error:
        call_command("load_exchange_rates", source=str(path))
    assert error.value.returncode == code
    assert ExchangeRate.objects.count() == 0


@pytest.mark.parametrize(
    "source", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "file:///etc/passwd"]
)
def test_only_https_and_files_are_read(source: str) -> None:
    with pytest.raises(bank_feed.Unreachable, match="must be an https URL or a file"):
        bank_feed.read(source)


def test_a_host_that_does_not_answer_is_unreachable() -> None:
    with pytest.raises(bank_feed.Unreachable):
        bank_feed.read("https://127.0.0.1:1/feed.xml")


def test_a_redirect_to_plain_http_is_not_followed() -> None:
    with pytest.raises(OSError, match="unknown url type"):
        bank_feed._opener().open("http://127.0.0.1:1/")


def test_a_feed_that_is_not_the_banks_raises(tmp_path: Path) -> None:
    path = tmp_path / "feed.xml"
    path.write_bytes(b"not xml")
    with pytest.raises(ecb.InvalidFeed):
        exchange_rates.load(str(path))
