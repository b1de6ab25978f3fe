"""``manage.py erase_contact``."""

from io import StringIO

import pytest
import redis
from django.core.management import CommandError, call_command

from fundraising.crm.models import Contact, RecurringContribution
from fundraising.privacy.management.commands.erase_contact import NO_CONTACT, REFUSED
from fundraising.privacy.models import Erasure
from tests.privacy import donors

pytestmark = pytest.mark.django_db


@pytest.fixture
def contact(frqueue: redis.Redis) -> Contact:
    return donors.donor(frqueue)


def run(*arguments: object) -> tuple[str, str]:
    """What it writes, and what it warns of."""
    out, err = StringIO(), StringIO()
    call_command("erase_contact", *map(str, arguments), stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_a_dry_run_counts_and_changes_nothing(contact: Contact) -> None:
    out, _ = run(contact.pk, "--dry-run")
    assert "\nemails: 1\n" in out
    assert out.endswith("dry run: nothing was changed\n")
    assert donors.secrets()


def test_erase(contact: Contact) -> None:
    out, err = run(contact.pk, "--yes", "--reason", "request 118")
    assert out.endswith(f"contact {contact.pk} erased\n")
    assert err == ""
    assert donors.secrets() == set()
    done = Erasure.objects.get()
    assert done.reason == "request 118"
    assert done.by.endswith("(command line)")


@pytest.mark.parametrize(("answer", "erases"), [("yes", True), ("y", False), ("", False)])
def test_it_asks(
    contact: Contact, monkeypatch: pytest.MonkeyPatch, answer: str, erases: bool
) -> None:
    monkeypatch.setattr("builtins.input", lambda _question: answer)
    run(contact.pk, "--reason", "request 118")
    assert Erasure.objects.exists() == erases
    assert (donors.secrets() == set()) == erases


@pytest.mark.parametrize("reason", [[], ["--reason", " "]])
def test_a_reason_is_needed(contact: Contact, reason: list[str]) -> None:
    with pytest.raises(CommandError, match="--reason") as failure:
        run(contact.pk, "--yes", *reason)
    assert failure.value.returncode == 2
    assert donors.secrets()


@pytest.mark.parametrize("options", [["--dry-run"], ["--yes", "--reason", "request 118"]])
def test_what_stands_against_it_is_told(contact: Contact, options: list[str]) -> None:
    RecurringContribution.objects.update(status=RecurringContribution.Status.IN_PROGRESS)
    err = StringIO()
    with pytest.raises(CommandError) as failure:
        call_command("erase_contact", str(contact.pk), *options, stderr=err)
    assert failure.value.returncode == REFUSED
    assert "refused: recurring contribution" in err.getvalue()
    assert donors.secrets()


def test_no_such_contact() -> None:
    with pytest.raises(CommandError, match="no contact 4711") as failure:
        run(4711, "--dry-run")
    assert failure.value.returncode == NO_CONTACT
