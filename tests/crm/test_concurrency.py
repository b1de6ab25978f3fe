"""Two workers with the same donor or donation in hand at once, on PostgreSQL."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django.plugin import DjangoDbBlocker

from fundraising.crm import donations as importer
from fundraising.crm.models import Contact, Contribution, Email, RecurringContribution
from queues.models import InboxMark
from tests import postgres
from tests.crm.imports import Item, Message, donation, import_group, receive, verdicts

pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(postgres.programs() is None, reason="PostgreSQL is not installed"),
]


@pytest.fixture(scope="module")
def database_url(django_db_blocker: DjangoDbBlocker) -> Iterator[str]:
    """A migrated database of its own server."""
    with postgres.PostgreSQL() as server, django_db_blocker.unblock():
        with postgres.default_database(server.url):
            call_command("migrate", verbosity=0)
        yield server.url


@pytest.fixture
def url(database_url: str, frqueue: redis.Redis) -> str:
    """The same, empty."""
    with postgres.default_database(database_url):
        call_command("flush", interactive=False, verbosity=0)
    return database_url


def at_once(url: str, *groups: list[Message]) -> list[list[Item]]:
    """Import each group in a worker of its own, all starting together."""
    start = threading.Barrier(len(groups))

    def work(group: list[Message]) -> list[Item]:
        with postgres.default_database(url):
            connection.ensure_connection()
            start.wait(30)
            return import_group(*group)

    with ThreadPoolExecutor(len(groups)) as pool:
        return list(pool.map(work, groups))


def waiting(url: str) -> int:
    """How many sessions wait for an advisory lock."""
    with postgres.default_database(url), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        (count,) = cursor.fetchone()
        return int(count)


@pytest.mark.parametrize("known", [False, True], ids=["new donors", "known donors"])
def test_the_number_of_queries_does_not_grow_with_the_group(url: str, known: bool) -> None:
    donors = [donation(street_address=f"{number} Elm Street") for number in range(101)]
    gifts = [
        {**donor, "gateway_txn_id": f"G{at}", "order_id": f"{at}.9"}
        for at, donor in enumerate(donors)
    ]
    with postgres.default_database(url):
        if known:
            import_group(*donors)
        counts = []
        for group in (gifts[:1], gifts[1:]):
            with CaptureQueriesContext(connection) as queries, transaction.atomic():
                importer.import_donations(receive(*group))
                counts.append(len(queries))
    assert counts[0] == counts[1] <= 12


def test_the_same_donations_at_once_are_imported_once(url: str) -> None:
    messages = [donation(street_address=f"{number} Elm Street") for number in range(40)]
    # Not the same bytes: nothing but the payment's id tells that they are the same.
    twins = [{**message, "comment": "again"} for message in reversed(messages)]
    triplets = [{**message, "comment": "once more"} for message in messages]
    for item in at_once(url, messages, twins, [*triplets, donation()]):
        assert set(verdicts(item)) <= {"", "DUPLICATE_CONTRIBUTION"}
    with postgres.default_database(url):
        assert Contribution.objects.count() == 41
        assert Contact.objects.count() == 41
        assert InboxMark.objects.count() == 121


def test_two_donations_of_a_new_donor_at_once_make_one_contact(url: str) -> None:
    def gift() -> Message:
        return donation(email="ana@example.org", last_name="Gil")

    for items in at_once(url, *([gift()] for _ in range(6))):
        assert verdicts(items) == [""]
    with postgres.default_database(url):
        assert Contribution.objects.count() == 6
        assert (Contact.objects.count(), Email.objects.count()) == (1, 1)


def test_two_instalments_of_a_new_subscription_at_once_make_one_record(url: str) -> None:
    groups = [
        [donation(gateway="paypal", recurring="1", subscr_id="I-NEW", payment_method="paypal")]
        for _ in range(4)
    ]
    for items in at_once(url, *groups):
        assert verdicts(items) == [""]
    with postgres.default_database(url):
        assert RecurringContribution.objects.count() == 1
        types = Contribution.objects.order_by("financial_type").values_list("financial_type")
        assert [name for (name,) in types] == ["Recurring Gift"] + ["Recurring Gift - Cash"] * 3


def test_a_worker_waits_for_the_one_that_has_the_donor_in_hand(url: str) -> None:
    first, second = donation(email="ana@example.org"), donation(email="ana@example.org")
    second["last_name"] = first["last_name"]
    with ThreadPoolExecutor(1) as pool, postgres.default_database(url):
        with transaction.atomic():
            importer.import_donations(receive(first))
            later = pool.submit(at_once, url, [second])
            while not waiting(url):
                assert not later.done()
        assert verdicts(later.result(30)[0]) == [""]
        assert Contact.objects.count() == 1


def test_donors_changed_by_two_workers_at_once_keep_both_changes(url: str) -> None:
    with postgres.default_database(url):
        import_group(donation(email="ana@example.org", last_name="Gil"))
        contact = Contact.objects.get()
    by_id = [
        donation(contact_id=str(contact.pk), last_name="Gil", fiscal_number="123"),
        donation(contact_id=str(contact.pk), last_name="Gil", employer="Acme", email=""),
    ]
    at_once(url, *([message] for message in by_id))
    with postgres.default_database(url):
        contact.refresh_from_db()
    assert (contact.legal_identifier, contact.employer) == ("123", "Acme")
