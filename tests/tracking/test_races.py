"""Workers with data points of the same visits at the same moment, on PostgreSQL."""

import random
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from fundraising.tracking import log
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from fundraising.tracking.summary import fold
from tests.pending.databases import start, wait_until_one_waits
from tests.tracking.points import body, point
from tests.tracking.test_log import append, received, summary

pytestmark = [pytest.mark.postgres, pytest.mark.usefixtures("on_postgresql")]


def append_atomically(*told: dict[str, Any]) -> None:
    with transaction.atomic():
        append(*told)


@pytest.mark.parametrize("known_before", [False, True])
def test_both_are_in_the_summary(threads: ThreadPoolExecutor, *, known_before: bool) -> None:
    if known_before:
        append_atomically({"gateway": "adyen"})
    with transaction.atomic():
        append({"country": "NL"})
        other = start(threads, append_atomically, {"contribution_id": 5})
        wait_until_one_waits()
    other.result(30)
    assert (summary()["country"], summary()["contribution_id"]) == ("NL", 5)


def test_what_was_rolled_back_is_in_no_summary(threads: ThreadPoolExecutor) -> None:
    with transaction.atomic():
        append({"country": "NL"})
        other = start(threads, append_atomically, {"contribution_id": 5})
        wait_until_one_waits()
        transaction.set_rollback(True)
    other.result(30)
    assert (summary()["country"], summary()["contribution_id"]) == ("", 5)


def test_groups_that_overlap_neither_lose_nor_block_each_other(threads: ThreadPoolExecutor) -> None:
    visits = range(1, 61)
    go = Event()
    parts: dict[int, dict[str, Any]] = {
        1: {"country": "NL", "source_enqueued_time": 1},
        2: {"contribution_id": 7, "source_enqueued_time": 2},
        3: {"utm_source": "B26_x_dsk.Landing.cc", "country": "DE"},
    }

    def tell(seed: int) -> None:
        shuffled = random.Random(seed).sample(visits, len(visits))
        go.wait(30)
        for at in range(0, len(visits), 15):
            append_atomically(*({"id": visit, **parts[seed]} for visit in shuffled[at : at + 15]))

    work = [start(threads, tell, seed) for seed in parts]
    go.set()
    for done in work:
        done.result(60)
    expected = defaultdict(list)
    for visit in visits:
        expected[visit] = [point(id=visit, **fields) for fields in parts.values()]
    assert TrackingDataPoint.objects.count() == 180
    assert {row.pk: summary(row.pk) for row in ContributionTracking.objects.all()} == {
        visit: asdict(fold(points)) for visit, points in expected.items()
    }


def test_a_group_takes_five_statements() -> None:
    told = [received(body(id=n, country="NL", contribution_id=n)) for n in range(1, 101)]
    with CaptureQueriesContext(connection) as queries, transaction.atomic():
        log.append(told)
    assert [query["sql"].split(maxsplit=1)[0] for query in queries] == [
        "BEGIN",
        "INSERT",
        "SELECT",
        "INSERT",
        "SELECT",
        "INSERT",
        "COMMIT",
    ]
