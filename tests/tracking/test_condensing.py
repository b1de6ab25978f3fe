"""Old data points condensed: the summary stays, also for what is told later."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from fundraising.tracking import log
from fundraising.tracking.condensing import condense, condensed
from fundraising.tracking.messages import ContributionTrackingMessage
from fundraising.tracking.models import ContributionTracking, TrackingDataPoint
from fundraising.tracking.summary import DataPoint, Summary, fold
from queues.messages import validate
from queues.received import Received
from queues.wire import digest, parse
from tests.tracking.points import body, messages

Message = dict[str, Any]


def by_digest(told: list[Message]) -> dict[str, Message]:
    return {digest(body(**one)): one for one in told}


def folded(told: dict[str, Message]) -> Summary:
    return fold(
        DataPoint(key, validate(ContributionTrackingMessage, one)) for key, one in told.items()
    )


of_one_visit = st.lists(messages.map(lambda told: {**told, "id": 1}), min_size=1, max_size=6)
pushed_later = st.lists(
    st.builds(lambda told, at: {**told, "source_enqueued_time": at}, messages, st.integers(4, 6)),
    max_size=3,
)


@given(of_one_visit, pushed_later)
def test_the_summary_is_the_same_with_whatever_is_told_later(
    told: list[Message], later: list[Message]
) -> None:
    before = by_digest(told)
    ones = condensed(before)
    after = by_digest(later)
    if ones is None:
        assert folded(before).link_conflicts
    else:
        assert len(ones) <= 2
        assert folded(by_digest([*map(dict, ones)]) | after) == folded(before | after)


@given(of_one_visit)
def test_what_is_condensed_is_condensed_to_itself(told: list[Message]) -> None:
    ones = condensed(by_digest(told))
    if ones is not None:
        assert condensed(by_digest([*map(dict, ones)])) == ones


def test_only_what_the_summary_needs_is_kept() -> None:
    told = {"id": "1", "country": "NL", "referrer": "r", "note": "n", "message_id": "m"}
    hops = {"source_name": "DI", "source_host": "payments1001", "origin_name": "wiki"}
    ones = condensed(by_digest([{**told, **hops, "source_enqueued_time": 3}, {"id": 1}]))
    assert ones == [{"id": 1, "country": "NL", "referrer": "r", "source_enqueued_time": 3}]


@pytest.mark.django_db
class TestLog:
    @staticmethod
    def append(visit: int, *told: Message, years: int) -> None:
        items = []
        for one in told:
            raw = body(**{"id": visit, **one})
            message = validate(ContributionTrackingMessage, parse(raw, len(raw)))
            items.append((visit, Received(raw, digest(raw), digest(raw), message)))
        log.append(items)
        past = timezone.now() - timedelta(days=365 * years)
        digests = [item.digest for _, item in items]
        TrackingDataPoint.objects.filter(digest__in=digests).update(received_at=past)

    @staticmethod
    def summaries() -> list[Any]:
        return list(ContributionTracking.objects.order_by("pk").values())

    def test_closed_visits_are_condensed_and_made_anew_as_they_were(self) -> None:
        self.append(1, {"country": "NL", "source_enqueued_time": 1, "note": "n"}, years=9)
        self.append(1, {"contribution_id": 5, "source_enqueued_time": 2}, years=8)
        self.append(2, {"country": "DE"}, years=9)
        self.append(2, {"contribution_id": 6}, years=1)
        before = self.summaries()
        limit = timezone.now() - timedelta(days=365 * 5)
        assert condense([1, 2], limit) == 2
        assert TrackingDataPoint.objects.get(contribution_tracking=1).message == {
            "id": 1,
            "country": "NL",
            "contribution_id": 5,
            "source_enqueued_time": 2,
        }
        assert TrackingDataPoint.objects.filter(contribution_tracking=2).count() == 2
        log.refold([1, 2])
        assert self.summaries() == before
        assert condense([1, 2], limit) == 0

    def test_what_comes_late_is_added_to_what_was_condensed(self) -> None:
        self.append(1, {"country": "NL", "utm_source": "a", "source_enqueued_time": 1}, years=9)
        condense([1], timezone.now() - timedelta(days=365 * 5))
        self.append(1, {"utm_source": "b", "source_enqueued_time": 9}, years=0)
        row = ContributionTracking.objects.get(pk=1)
        assert (row.country, row.utm_source) == ("NL", "b")

    def test_a_visit_said_to_be_of_several_contributions_keeps_its_log(self) -> None:
        self.append(1, {"contribution_id": 5}, {"contribution_id": 6}, years=9)
        assert condense([1], timezone.now()) == 0
        assert TrackingDataPoint.objects.count() == 2
