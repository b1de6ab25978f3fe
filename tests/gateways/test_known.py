"""Which jobs a message may ask for."""

import json
from typing import Any

import pytest
from celery import current_app
from django.apps import apps

from fundraising.gateways.jobs.known import ANY_QUEUE, JOBS
from fundraising.gateways.messages import JobMessage
from fundraising.gateways.tasks import CONSUMERS, QUEUES
from queues.models import DamagedMessage, InboxMark, OutboxMessage
from queues.received import Received, Refused, read
from queues.routes import routes
from tests.gateways import notifications
from tests.gateways.jobs import begin, do, do_one, job, pushed, row

pytestmark = pytest.mark.django_db

CAPTURE = rf"{notifications.ADYEN}\RecordCaptureJob"
DELETE = r"SmashPig\Core\Jobs\DeletePendingJob"


def test_every_queue_has_its_consumer() -> None:
    assert apps.is_installed("fundraising.gateways")
    for queue in QUEUES:
        route = routes()[queue]
        assert route.task in current_app.tasks
        assert CONSUMERS[queue].name == route.task
    assert {name for name in routes() if name.startswith("jobs-")} == set(QUEUES)


def test_each_consumer_does_the_jobs_of_its_own_queue() -> None:
    for number, queue in enumerate(QUEUES):
        begin(order_id=f"{number}.1")
        body = json.dumps(job(DELETE, {"gateway": "adyen", "order_id": f"{number}.1"}))
        CONSUMERS[queue].run(queue, [body])
        assert row(f"{number}.1").is_resolved
        assert InboxMark.objects.filter(queue=queue).count() == 1


def test_every_job_is_of_a_queue_that_there_is() -> None:
    assert {known.queue for known in JOBS.values()} - {ANY_QUEUE} <= set(QUEUES)


@pytest.mark.parametrize("name", [CAPTURE, "\\" + CAPTURE, "adyen.record_capture"])
def test_a_job_has_several_names(name: str) -> None:
    begin()
    assert do_one("jobs-adyen", job(name, notifications.capture())) == ""
    assert len(pushed("donations")) == 1


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "fundraising.gateways.jobs.adyen.record_capture",
        r"SmashPig\PaymentProviders\Adyen\Jobs\recordcapturejob",
        r"\\" + CAPTURE,
        "jobs",
    ],
)
def test_no_other_name_is_a_job(queue: str, name: str) -> None:
    assert do_one(queue, job(name, {})) == "UNKNOWN_JOB class"


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"class": ""}, "class"),
        ({"class": ["a"]}, "class"),
        ({"class": None}, "class"),
        ({"payload": "<xml/>"}, "payload"),
        ({"payload": []}, "payload"),
        ({"payload": None}, "payload"),
    ],
)
def test_a_message_that_is_no_job_names_its_field(fields: dict[str, Any], field: str) -> None:
    body = json.dumps({**job(CAPTURE, {}), **fields}).encode()
    refused: Received[JobMessage] | Refused = read(routes()["jobs-braintree"], body)
    assert isinstance(refused, Refused)
    assert refused.reason.field == field
    assert "<xml" not in refused.reason.text


def test_a_notification_without_a_job_is_refused() -> None:
    refused: Received[JobMessage] | Refused = read(
        routes()["jobs-braintree"], b'{"payload": "<notification/>"}'
    )
    assert isinstance(refused, Refused)
    assert refused.reason.field == "class"


@pytest.mark.parametrize("name", [name for name, known in JOBS.items() if known.queue])
def test_a_job_of_another_provider_is_refused(name: str) -> None:
    for queue in set(QUEUES) - {JOBS[name].queue}:
        assert do_one(queue, job(name, {})) == "WRONG_QUEUE class"


@pytest.mark.parametrize("name", [name for name, known in JOBS.items() if known.run is None])
def test_a_job_that_asks_the_processor_is_kept_for_when_it_can_be_done(name: str) -> None:
    assert do_one(JOBS[name].queue, job(name, {})) == "PROCESSOR_MISSING class"
    kept = DamagedMessage.objects.get()
    assert json.loads(kept.body)["class"] == name
    assert JOBS[name].name in kept.error


class TestDeletePending:
    @pytest.mark.parametrize("queue", QUEUES)
    def test_any_queue_may_resolve_an_order(self, queue: str) -> None:
        begin()
        begin(order_id="119223.2")
        message = job(DELETE, {"gateway": "adyen", "order_id": "119223.1"})
        assert do_one(queue, message) == ""
        assert row().is_resolved
        assert not row("119223.2").is_resolved
        assert not OutboxMessage.objects.exists()

    def test_it_waits_for_the_row(self) -> None:
        message = job(DELETE, {"gateway": "adyen", "order_id": "119223.1"})
        assert do_one("jobs-adyen", message) == "MISSING_PREDECESSOR"

    @pytest.mark.parametrize("name", ["gateway", "order_id"])
    def test_it_needs_the_order(self, name: str) -> None:
        payload = {"gateway": "adyen", "order_id": "119223.1", name: None}
        assert do_one("jobs-adyen", job(DELETE, payload)) == f"INVALID_MESSAGE payload.{name}"


def test_a_bad_job_takes_no_other_along() -> None:
    begin()
    begin(order_id="119223.2")
    verdicts = do(
        "jobs-adyen",
        job(CAPTURE, notifications.capture()),
        job("nonsense", {}),
        job(CAPTURE, {"merchantReference": "119223.2"}),
        job(CAPTURE, notifications.capture(merchantReference="119223.2", gatewayTxnId="PSP2")),
    )
    assert verdicts == ["", "UNKNOWN_JOB", "INVALID_MESSAGE", ""]
    assert [message["gateway_txn_id"] for message in pushed("donations")] == [
        notifications.TXN,
        "PSP2",
    ]


def test_no_error_holds_what_a_donor_told() -> None:
    secret = "ana@example.org"
    name = rf"{notifications.DLOCAL}\PaidMessageJob"
    payload = notifications.dlocal("PAID", gateway_txn_id=[secret], order_id={"email": secret})
    do("jobs-dlocal", job(name, payload), job(secret, {}))
    for kept in DamagedMessage.objects.all():
        assert secret not in kept.error + kept.trace + kept.field
    assert DamagedMessage.objects.count() == 2
