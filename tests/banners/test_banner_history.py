"""Which visits came of which banners, as either queue tells it."""

from datetime import UTC, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
import redis
from django.contrib.auth.models import Permission, User
from django.db import transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from fundraising.banners.log_ids import is_log_id
from fundraising.banners.models import BannerHistoryAssociation
from fundraising.tracking.models import ContributionTracking
from tests.deliveries import Told, deliver, lines, tell

pytestmark = pytest.mark.django_db

FIXTURES = lines(Path(__file__).parent / "fixtures" / "banner-history.jsonl")
LOG_ID = "2b13666b50b5f9d4"


def seen(**fields: Any) -> Told:
    """What a front end told of the banners when it still did so by themselves."""
    ids = {"banner_history_id": LOG_ID, "contribution_tracking_id": "119223"}
    return "banner-history", {"freeform": True, **ids, **fields}


def visit(**fields: Any) -> Told:
    """A data point of a visit that knows its banners."""
    return "contribution-tracking", {"id": "119223", "banner_history_log_id": LOG_ID, **fields}


def stored() -> list[tuple[str, int, str, datetime | None]]:
    """All associations, and who told each first."""
    rows = BannerHistoryAssociation.objects.order_by("contribution_tracking_id")
    columns = ("banner_history_log_id", "contribution_tracking_id", "message_id", "told_at")
    return list(rows.order_by(*columns).values_list(*columns))


def test_messages_as_front_ends_push_them(frqueue: redis.Redis) -> None:
    assert not deliver(frqueue, "banner-history", *FIXTURES)
    assert sorted((log_id, number) for log_id, number, _, _ in stored()) == sorted(
        (one["banner_history_id"], int(one["contribution_tracking_id"])) for one in FIXTURES
    )


@pytest.mark.parametrize("told", [seen(), visit(), seen(banner_history_log_id=LOG_ID)])
def test_either_queue_tells_it(frqueue: redis.Redis, told: Told) -> None:
    queue, message = told
    at = datetime(2026, 11, 21, 9, 4, 11, tzinfo=UTC)
    pushed = {**message, "message_id": "m1", "source_enqueued_time": int(at.timestamp())}
    assert not tell(frqueue, [[(queue, pushed)]])
    assert stored() == [(LOG_ID, 119223, "m1", at)]


def test_in_every_order(frqueue: redis.Redis) -> None:
    told = [
        seen(source_enqueued_time=3, message_id="b"),
        visit(source_enqueued_time=2, message_id="c"),
        visit(source_enqueued_time=2, message_id="a", country="FR"),
        seen(source_enqueued_time=1, message_id="z", contribution_tracking_id="7"),
    ]
    for order in permutations(told):
        for groups in ([[one] for one in order], [order], [order[:2], order[1:]]):
            with transaction.atomic():
                assert not tell(frqueue, groups)
                assert [row[1:3] for row in stored()] == [(7, "z"), (119223, "a")]
                transaction.set_rollback(True)


def test_one_visit_may_come_of_several_and_the_reverse(frqueue: redis.Redis) -> None:
    other = "f" * 20
    told = [visit(), visit(banner_history_log_id=other), visit(id="7")]
    assert not tell(frqueue, [told])
    pairs = [(log_id, number) for log_id, number, _, _ in stored()]
    assert pairs == [(LOG_ID, 7), (LOG_ID, 119223), (other, 119223)]
    # The summary knows one; the association keeps them all.
    assert ContributionTracking.objects.get(pk=119223).banner_history_log_id in (LOG_ID, other)


@pytest.mark.parametrize("log_id", ["", None, "2B13666B50B5F9D4", "12345", "f" * 21, "nonsense!!"])
def test_a_data_point_without_a_log_id_is_kept_all_the_same(
    frqueue: redis.Redis, log_id: str | None
) -> None:
    assert not tell(frqueue, [[visit(banner_history_log_id=log_id)]])
    assert stored() == []
    assert ContributionTracking.objects.filter(pk=119223).exists()


@pytest.mark.parametrize(
    ("fields", "field", "text"),
    [
        ({"banner_history_id": ""}, "banner_history_id", "is missing"),
        ({"banner_history_id": "secret"}, "banner_history_id", "is no id of a banner history"),
        ({"contribution_tracking_id": None}, "contribution_tracking_id", "is missing"),
        ({"contribution_tracking_id": "0"}, "contribution_tracking_id", "is no tracking id"),
        ({"contribution_tracking_id": "1.1"}, "contribution_tracking_id", "is no tracking id"),
        ({"contribution_tracking_id": "9" * 19}, "contribution_tracking_id", "is no tracking id"),
    ],
)
def test_what_cannot_be_associated_is_for_a_person(
    frqueue: redis.Redis, fields: dict[str, Any], field: str, text: str
) -> None:
    (letter,) = deliver(frqueue, "banner-history", seen(**fields)[1], seen()[1])
    assert (letter.code, letter.field, letter.error) == ("BANNER_HISTORY", field, text)
    assert len(stored()) == 1


@given(st.from_regex(r"[0-9a-f]{10,20}", fullmatch=True))
def test_a_log_id(text: str) -> None:
    assert is_log_id(text)
    assert not is_log_id(text + "g")
    assert not is_log_id(f"{text}\n")


@pytest.mark.parametrize("term", [LOG_ID, f" {LOG_ID.upper()} ", "119223"])
def test_search(frqueue: redis.Redis, client: Client, settings: Settings, term: str) -> None:
    settings.SECURE_SSL_REDIRECT = False
    told = [visit(), seen(banner_history_id="0" * 10, contribution_tracking_id="7")]
    assert not tell(frqueue, [told])
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_bannerhistoryassociation"))
    client.force_login(user)
    url = reverse("admin:banners_bannerhistoryassociation_changelist")
    response = client.get(url, {"q": term})
    (found,) = response.context["cl"].result_list
    assert found.contribution_tracking_id == 119223
    assert reverse("admin:tracking_contributiontracking_change", args=[119223]) in (
        response.content.decode()
    )
    detail = reverse("admin:banners_bannerhistoryassociation_change", args=[found.pk])
    assert client.get(detail).status_code == 200
    assert client.post(detail, {"told_at": ""}).status_code == 403
