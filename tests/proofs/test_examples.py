"""The example of each queue, as its page shows it, goes through real workers to its end.

pytest -m proof tests/proofs/test_examples.py
"""

import json

import pytest

from queues import instances, schemas, wire
from queues.models import DamagedMessage, InboxMark
from queues.routes import routes
from tests.proofs import everywhere
from tests.workers import Stand

pytestmark = [pytest.mark.proof, pytest.mark.postgres, pytest.mark.timeout(300)]

# No other example tells of what these build on.
PARKED = (
    "recurring",
    "donations-modify",
    "settle",
    *(f"jobs-{name}" for name in ("amazon", "braintree", "chariot", "dlocal", "gravy", "ingenico")),
)
# A contact or a record by its number, with a link that proves nothing here.
REFUSED = {
    "recurring-modify": "INVALID_RECURRING",
    "email-preferences": "INVALID_MESSAGE",
    "verify-email": "INVALID_MESSAGE",
}
SET_ASIDE = dict.fromkeys(PARKED, "MISSING_PREDECESSOR") | REFUSED


def test_every_example_comes_to_its_end(both_instances: Stand) -> None:
    stand = both_instances
    keys = {}
    with stand.worker(), stand.donor_prefs_worker():
        for queue, route in routes().items():
            body = schemas.example(queue)
            keys[queue] = json.loads(body).get("message_id") or wire.digest(body)
            instances.client(route.instance).rpush(queue, body)
        everywhere.settle(stand)
        everywhere.retry(stand)
    done = set(InboxMark.objects.values_list("queue", "key"))
    aside = {queue for queue, key in keys.items() if (queue, key) not in done}
    codes = DamagedMessage.objects.filter(original_queue__in=aside)
    assert dict(codes.values_list("original_queue", "code")) == SET_ASIDE
    assert aside == SET_ASIDE.keys()
