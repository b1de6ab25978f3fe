"""PgQ, the queue in PostgreSQL, as a source and as a target."""
