"""A proof to watch: hundreds of messages of every kind, workers killed, nothing missing or twice.

``manage.py demo`` runs it with a database and Redis servers of its own, in a directory that
is deleted afterwards. It counts what is in the database at the end, not what it has seen.
"""
