"""The log and the summaries in the database."""

import json
import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from io import StringIO
from typing import Any

import pytest
import redis
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fundraising.tracking import log
from fundraising.tracking.messages import ContributionTrackingMessage
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from fundraising.tracking.summary import Summary, fold
from fundraising.tracking.tasks import contribution_tracking
from queues import reserved
from queues.deadletter import DeadLetter
from queues.messages import validate
from queues.received import Received
from queues.wire import digest, parse
from tests.tracking.points import body, messages, point


def received(raw: bytes) -> tuple[int, Received[ContributionTrackingMessage]]:
    """The visit and the message, as the consumer hands them to the log."""
    message = validate(ContributionTrackingMessage, parse(raw, len(raw)))
    assert message.id is not None
    return message.id, Received(raw, digest(raw), digest(raw), message)


def append(*told: dict[str, Any]) -> None:
    """Log messages of visit 1, unless they say otherwise, as one group."""
    log.append([received(body(**{"id": 1, **fields})) for fields in told])


def summary(visit: int = 1) -> dict[str, Any]:
    """The stored summary, column by column."""
    columns = asdict(Summary())
    stored: dict[str, Any] = ContributionTracking.objects.values(*columns).get(pk=visit)
    return stored


def groups(items: Sequence[Any], cuts: Iterable[int]) -> Iterable[Sequence[Any]]:
    """The items in order, cut into groups at these places."""
    ends = sorted({min(cut, len(items)) for cut in cuts} | {len(items)})
    starts = [0, *ends]
    return [items[start:end] for start, end in zip(starts, ends, strict=False) if start < end]


@pytest.mark.django_db
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_any_order_repetition_and_grouping_gives_the_fold_of_all(data: st.DataObject) -> None:
    told = data.draw(st.lists(messages, min_size=1, max_size=8))
    repeated = told + data.draw(st.lists(st.sampled_from(told), max_size=4))
    delivered = data.draw(st.permutations(repeated))
    with transaction.atomic():
        for group in groups(delivered, data.draw(st.lists(st.integers(0, 12), max_size=4))):
            append(*group)
        expected = defaultdict(list)
        for fields in told:
            expected[int(fields["id"])].append(point(**fields))
        assert {row.pk: summary(row.pk) for row in ContributionTracking.objects.all()} == {
            visit: asdict(fold(points)) for visit, points in expected.items()
        }
        transaction.set_rollback(True)


@pytest.mark.django_db
class TestAppend:
    def test_every_message_is_logged_whole(self) -> None:
        raw = {
            "id": "7",
            "country": "NL",
            "form_amount": "EUR 5.00",
            "source_name": "DonationInterface",
            "source_run_id": 12,
            "source_enqueued_time": 1795251851,
        }
        append(raw)
        logged = TrackingDataPoint.objects.get()
        assert logged.message == raw
        assert logged.contribution_tracking_id == 7
        assert (logged.source_name, logged.source_run_id) == ("DonationInterface", "12")
        assert logged.source_enqueued_time is not None
        assert int(logged.source_enqueued_time.timestamp()) == 1795251851

    def test_the_same_bytes_are_one_data_point_of_their_visit(self) -> None:
        append({"country": "NL"}, {"country": "NL"}, {"country": "NL", "id": 2})
        append({"country": "NL"})
        assert TrackingDataPoint.objects.count() == 2

    def test_refold_makes_the_summary_from_the_log(self) -> None:
        append({"country": "NL"}, {"contribution_id": 5}, {"id": 2, "country": "DE"})
        before = summary()
        ContributionTracking.objects.filter(pk=1).update(country="XX", contribution=None)
        log.refold([1, 99])
        assert summary() == before
        assert not ContributionTracking.objects.filter(pk=99).exists()

    def test_the_command_refolds_a_range(self) -> None:
        append(*({"id": visit, "country": "NL"} for visit in (1, 2, 3)))
        ContributionTracking.objects.update(country="XX")
        out = StringIO()
        call_command("refold_tracking", "--first", "2", "--last", "2", stdout=out)
        assert [summary(visit)["country"] for visit in (1, 2, 3)] == ["XX", "NL", "XX"]
        call_command("refold_tracking", stdout=out)
        assert [summary(visit)["country"] for visit in (1, 2, 3)] == ["NL", "NL", "NL"]
        assert out.getvalue() == "1 summaries made anew\n3 summaries made anew\n"

    def test_columns_that_are_not_told_by_messages_stay(self) -> None:
        append({"country": "NL"})
        ContributionTracking.objects.update(usd_amount="12.34")
        append({"language": "nl"})
        assert str(ContributionTracking.objects.get().usd_amount) == "12.34"

    def test_a_link_may_name_a_contribution_that_is_not_there(self) -> None:
        append({"contribution_id": "123456"})
        connection.check_constraints()
        assert ContributionTracking.objects.get().contribution_id == 123456

    def test_a_second_link_is_reported_once_by_ids_only(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        append({"contribution_id": 5, "source_enqueued_time": 1})
        with caplog.at_level(logging.WARNING):
            append({"contribution_id": 6, "source_enqueued_time": 2})
            append({"country": "NL"})
        assert [record.message for record in caplog.records] == [
            "contribution-tracking 1: linked to another contribution"
        ]

    def test_a_group_takes_five_kinds_of_statements(self) -> None:
        told = [received(body(id=n, country="NL", contribution_id=n)) for n in range(1, 21)]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            log.append(told)
        writes = [q["sql"].split(maxsplit=1)[0] for q in queries if "SAVEPOINT" not in q["sql"]]
        # SQLite takes a limited number of parameters: the last insert is in batches there.
        assert writes[:4] == ["INSERT", "SELECT", "INSERT", "SELECT"]
        assert set(writes[4:]) == {"INSERT"}


@pytest.mark.parametrize("start", ["B", "sp"])
def test_what_is_folded_fits_its_columns(start: str) -> None:
    texts = {
        name: "募" * 5000
        for name, field in ContributionTrackingMessage.model_fields.items()
        if field.annotation is str
    }
    source = f"{start}{'b' * 300}_{'v' * 300}_dsk.{'l' * 300}"
    folded = fold([point(**{**texts, "utm_source": source, "is_recurring": True})])
    ContributionTracking(id=1, **asdict(folded)).clean_fields()


@pytest.mark.django_db(transaction=True)
def test_a_delivery_keeps_what_has_no_id_for_a_person(frqueue: redis.Redis) -> None:
    told = [body(id="1", country="NL"), body(country="DE"), body(id="", country="FR")]
    frqueue.rpush("contribution-tracking", *told)
    reply = frqueue.execute_command(
        *reserved.reserve_command(
            ["contribution-tracking"],
            {"contribution-tracking": 100},
            prefix="0001.",
            lease=60,
            room=1,
            group_bytes=2**20,
            message_bytes=2**20,
        )
    )
    (group,) = reserved.groups(reply)
    texts = [message.decode() for message in group.messages]
    contribution_tracking.apply(args=(group.queue, texts), task_id=group.tag).get()

    letters = [
        DeadLetter.loads(entry) for entry in frqueue.lrange("contribution-tracking-damaged", 0, -1)
    ]
    assert [(letter.code, letter.field) for letter in letters] == [
        ("CONTRIBUTION_TRACKING", "id")
    ] * 2
    assert {json.loads(letter.body)["country"] for letter in letters} == {"DE", "FR"}
    assert summary()["country"] == "NL"
    assert ContributionTracking.objects.count() == 1
