"""Contacts: found, matched, revised and created from what messages tell of donors."""
