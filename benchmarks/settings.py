"""The project's settings with the route table of the benchmarks; nothing else differs."""

from fundraising.settings import *  # noqa: F403
from fundraising.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "benchmarks"]
QUEUE_ROUTES = "benchmarks.routes.ROUTES"
