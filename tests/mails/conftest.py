"""Fixtures of these tests."""

import pytest

from fundraising.mails import outgoing
from tests.mails.mailsystems import Away
from tests.pending.databases import on_postgresql, postgresql, threads

__all__ = ["on_postgresql", "postgresql", "threads"]


@pytest.fixture(autouse=True)
def mail_system_was_never_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test begins while this process leaves mails to beat."""
    monkeypatch.setattr(outgoing, "_paused_until", 0.0)
    monkeypatch.setattr(Away, "asked", 0)
