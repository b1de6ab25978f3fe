"""The project's settings with the two queues; nothing else differs."""

from fundraising.settings import *  # noqa: F403
from fundraising.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.proofs.words"]
QUEUE_ROUTES = "tests.proofs.words.routes.ROUTES"
