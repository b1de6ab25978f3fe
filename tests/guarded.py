"""Servers with the users of the project, as production has them."""

from typing import Any

import redis

from queues import access
from tests.servers import DebianRedis, Server, Valkey

#: Each role's; fit for a URL.
PASSWORDS = {
    role: f"the-password-of-{role}-0"
    for role in ("payments", "preferences", "worker", "operator", "monitor", "replica", "sentinel")
}


class Guarded(Server):
    """`url` is the worker's; `client` is the operator's."""

    knows_setinfo = True

    def __init__(self, instance: str = "frqueue", **config: str) -> None:
        super().__init__(**config)
        secrets = {role: access.hashed(PASSWORDS[role]) for role in access.roles(instance)}
        users = self.data_dir / "users.acl"
        users.write_text(access.acl_file(instance, secrets, with_setinfo=self.knows_setinfo))
        self.config["aclfile"] = str(users)

    def url_of(self, role: str) -> str:
        """With the name and the password of a role."""
        return f"redis://{role}:{PASSWORDS[role]}@127.0.0.1:{self.port}/0"

    @property
    def url(self) -> str:
        return self.url_of("worker")

    def client(self) -> redis.Redis:
        """A new client of the operator."""
        return self.client_of("operator")

    def client_of(self, role: str, **options: Any) -> redis.Redis:
        """A new client of a role."""
        return redis.Redis.from_url(self.url_of(role), **options)


class GuardedValkey(Guarded, Valkey):
    """Valkey."""


class GuardedDebianRedis(Guarded, DebianRedis):
    """Debian's Redis 7.0, which does not know CLIENT SETINFO."""

    knows_setinfo = False
