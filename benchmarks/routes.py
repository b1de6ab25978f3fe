"""The project's route table, with two queues more and, if asked for, another group size.

``BENCHMARK_GROUP`` is the most messages in one delivery of every queue; without it each
queue has that of the project.
"""

import os
from dataclasses import replace

from fundraising import routes
from queues.messages import Message
from queues.routes import Route, Routes

NOTHING = "benchmark-nothing"
START = "benchmark-start"

GROUP = int(os.environ.get("BENCHMARK_GROUP", "0"))


def _resized(route: Route) -> Route:
    return replace(route, group=GROUP) if GROUP else route


ROUTES = Routes(
    *(_resized(route) for route in routes.ROUTES.values()),
    *(
        _resized(Route(queue, routes.FRQUEUE, task, Message, 100, routes.PATIENT, routes.MONTH))
        for queue, task in ((NOTHING, "benchmarks.nothing"), (START, "benchmarks.start"))
    ),
)
