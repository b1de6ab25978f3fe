"""Which contribution tracking ids are in use."""

import pytest
from django.apps import apps
from django.db import connection
from django.test.utils import CaptureQueriesContext

from fundraising.staff.groups import is_ours
from fundraising.tracking import ids
from fundraising.tracking.models import ContributionTracking
from tests.crm.imports import donation, import_one

pytestmark = pytest.mark.django_db


def test_of_an_empty_database() -> None:
    assert set(ids.highest().values()) == {0}


def test_the_greatest_of_each_table() -> None:
    ContributionTracking.objects.bulk_create(ContributionTracking(id=one) for one in (7, 9, 8))
    import_one(donation(contribution_tracking_id="12"))
    highest = ids.highest()
    assert highest["tracking.ContributionTracking"] == 9
    assert highest["crm.Contribution"] == 12
    assert max(highest.values()) == 12


def test_no_table_with_such_ids_is_forgotten() -> None:
    named = {
        model._meta.label
        for config in apps.get_app_configs()
        if is_ours(config)
        for model in config.get_models()
        if any(field.name == "contribution_tracking_id" for field in model._meta.concrete_fields)
    }
    assert named | {"tracking.ContributionTracking"} == set(ids.highest())


def test_no_table_is_read_through() -> None:
    with CaptureQueriesContext(connection) as queries:
        ids.highest()
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {query['sql']}")
        plan = [row[3] for row in cursor.fetchall()]
    looks = [step for step in plan if step.startswith(("SCAN", "SEARCH"))]
    assert len([step for step in looks if step.startswith("SEARCH")]) == len(ids.highest())
    assert looks == [step for step in looks if not step.startswith("SCAN ") or "CONSTANT" in step]
