"""Fixtures of these tests."""

from tests.pending.databases import on_postgresql, postgresql, threads

__all__ = ["on_postgresql", "postgresql", "threads"]
