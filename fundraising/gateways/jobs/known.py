"""The jobs that a message may name; there are no others."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fundraising.gateways.jobs import adyen, common, dlocal, gravy, paypal
from fundraising.gateways.jobs.job import Job, Payload, read
from fundraising.gateways.messages import JobMessage
from queues.outcomes import Damaged
from queues.received import Received

ANY_QUEUE = ""


@dataclass(frozen=True, slots=True)
class Known:
    """A job: our name, its queue, what PHP calls it, what it works on and what it does.

    ``run`` is None for one that asks a payment processor, which we cannot.
    """

    name: str
    queue: str
    classes: tuple[str, ...]
    schema: type[Payload] = Payload
    run: Callable[[Job[Any]], None] | None = None


def _php(name: str) -> str:
    return rf"SmashPig\PaymentProviders\{name}"


_JOBS = (
    Known(
        "core.delete_pending",
        ANY_QUEUE,
        (r"SmashPig\Core\Jobs\DeletePendingJob",),
        common.DeletePending,
        common.delete_pending,
    ),
    Known(
        "adyen.record_capture",
        "jobs-adyen",
        (_php(r"Adyen\Jobs\RecordCaptureJob"),),
        adyen.RecordCapture,
        adyen.record_capture,
    ),
    Known(
        "adyen.recurring_contract",
        "jobs-adyen",
        (_php(r"Adyen\Jobs\RecurringContractJob"),),
        adyen.RecurringContract,
        adyen.recurring_contract,
    ),
    Known(
        "adyen.process_capture_request",
        "jobs-adyen",
        (_php(r"Adyen\Jobs\ProcessCaptureRequestJob"),),
    ),
    Known(
        "adyen.tokenize_recurring",
        "jobs-adyen",
        (_php(r"Adyen\Jobs\TokenizeRecurringJob"), _php(r"Adyen\TokenizeRecurringJob")),
    ),
    Known("adyen.download_report", "jobs-adyen", (_php(r"Adyen\Jobs\DownloadReportJob"),)),
    Known(
        "dlocal.authorized",
        "jobs-dlocal",
        (_php(r"dlocal\Jobs\AuthorizedMessageJob"),),
        dlocal.Notification,
        dlocal.authorized,
    ),
    Known(
        "dlocal.paid",
        "jobs-dlocal",
        (_php(r"dlocal\Jobs\PaidMessageJob"),),
        dlocal.Notification,
        dlocal.paid,
    ),
    Known(
        "dlocal.rejected",
        "jobs-dlocal",
        (_php(r"dlocal\Jobs\RejectedMessageJob"),),
        dlocal.Notification,
        dlocal.rejected,
    ),
    Known(
        "gravy.record_capture",
        "jobs-gravy",
        (_php(r"Gravy\Jobs\RecordCaptureJob"),),
        gravy.RecordCapture,
        gravy.record_capture,
    ),
    Known(
        "gravy.recurring_cancellation",
        "jobs-gravy",
        (_php(r"Gravy\Jobs\RecurringCancellationJob"),),
        gravy.RecurringCancellation,
        gravy.recurring_cancellation,
    ),
    Known(
        "gravy.process_capture_request",
        "jobs-gravy",
        (_php(r"Gravy\Jobs\ProcessCaptureRequestJob"),),
    ),
    Known("gravy.download_report", "jobs-gravy", (_php(r"Gravy\Jobs\DownloadReportJob"),)),
    Known(
        "ingenico.tokenize_recurring", "jobs-ingenico", (_php(r"Ingenico\TokenizeRecurringJob"),)
    ),
    Known(
        "paypal.notification", "jobs-paypal", (_php(r"PayPal\Job"),), Payload, paypal.notification
    ),
)

JOBS = {name: job for job in _JOBS for name in (job.name, *job.classes)}
"""Every job, by each of its names."""


def run(queue: str, item: Received[JobMessage]) -> None:
    """Do the job that a message of a queue asks for.

    Raises ``Damaged`` for a job that is not known, that belongs to another queue or that we
    cannot do, and whatever the job itself says of the message.
    """
    known = JOBS.get(item.message.job.removeprefix("\\"))
    if known is None:
        raise Damaged("UNKNOWN_JOB", "names no job that is known", "class")
    if known.queue not in (ANY_QUEUE, queue):
        raise Damaged("WRONG_QUEUE", f"is a job of {known.queue}", "class")
    if known.run is None:
        text = f"{known.name} asks the payment processor, to which there is no connection"
        raise Damaged("PROCESSOR_MISSING", text, "class")
    known.run(Job(queue, item, read(known.schema, item.message.payload)))
