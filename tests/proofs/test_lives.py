"""Whatever the order in which a donor's life is told, and however often, it ends the same.

    pytest -m proof tests/proofs/test_lives.py -s

LIVES (500) says how many lives, LIVES_SEED how they are shuffled. All are told at once, step
by step: the first message of each, then the second of each, each step on every queue.
"""

# ruff: noqa: T201  the figures
import json
import os
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import zip_longest
from typing import Any

import pytest

from queues import instances
from queues.models import DamagedMessage
from queues.routes import routes
from tests.proofs import books, everywhere
from tests.proofs.lives import Life, Told, content, shuffled
from tests.workers import Stand

LIVES = books.size("LIVES", whole=500, short=500)
SEED = int(os.environ.get("LIVES_SEED", "1"))
# A message may wait for one that waits for another.
ROUNDS = 8

Status = DamagedMessage.Status

pytestmark = [pytest.mark.proof, pytest.mark.postgres, pytest.mark.timeout(900)]


def test_every_order_of_a_life_ends_in_the_same_content(both_instances: Stand) -> None:
    stand, dice = both_instances, random.Random(SEED)
    lives = [Life(number) for number in range(LIVES)]
    # The first is told as it happened: the others must end like it.
    stories = [lives[0].messages(), *(shuffled(life, dice) for life in lives[1:])]
    with ExitStack() as stack:
        for worker in (stand.worker(), stand.worker(), stand.donor_prefs_worker()):
            stack.enter_context(worker)
        for step in zip_longest(*stories):
            _tell(stand, [told for told in step if told is not None])
        for _ in range(ROUNDS):
            everywhere.retry(stand)
    statuses = Counter(DamagedMessage.objects.values_list("status", flat=True))
    print(f"\nseed {SEED}: {sum(map(len, stories))} messages of {LIVES} lives; parked {statuses}")
    open_ = DamagedMessage.objects.filter(status__in=[Status.DAMAGED, Status.WAITING])
    reasons = Counter(open_.values_list("original_queue", "code", "field", "error"))
    assert not reasons
    found = content(lives)
    as_it_happened = found[0]
    different = [number for number, rows in found.items() if rows != as_it_happened]
    for number in different[:3]:
        _show(number, stories[number], found[number], as_it_happened)
    assert not different


def _tell(stand: Stand, step: Sequence[Told]) -> None:
    for queue, message in step:
        # As it is: push() would say that it was told now.
        instances.client(routes().instance_of(queue)).rpush(queue, json.dumps(message))
    everywhere.settle(stand)


def _show(number: int, story: Sequence[Told], rows: Sequence[str], wanted: Sequence[str]) -> None:
    print(f"life {number}: {' '.join(told['message_id'].split('-')[2] for _, told in story)}")
    for table in sorted({row.split()[0] for row in [*rows, *wanted]}):
        here = [json.loads(row.partition(" ")[2]) for row in rows if row.startswith(f"{table} ")]
        there = [json.loads(row.partition(" ")[2]) for row in wanted if row.startswith(f"{table} ")]
        extra = [row for row in here if row not in there], [row for row in there if row not in here]
        one: dict[str, Any]
        other: dict[str, Any]
        for one, other in zip_longest(*extra, fillvalue={}):
            differing = {
                name: (one.get(name), other.get(name))
                for name in {**one, **other}
                if one.get(name) != other.get(name)
            }
            print(f"  {table}: {differing}")
