"""Recurring contributions: their events, the state that is folded from them, their instalments."""
