"""The project's route table with a queue more on each instance."""

from fundraising import routes
from queues.messages import Message
from queues.routes import Route, Routes

QUEUES = {routes.FRQUEUE: "words", routes.DONOR_PREFS: "preferred-words"}


class Word(Message):
    """A word to keep, once the word ``after`` is kept; then ``tell`` is told the other queue."""

    word: str
    after: str = ""
    tell: str = ""


ROUTES = Routes(
    *routes.ROUTES.values(),
    *(
        Route(queue, instance, f"tests.{queue}", Word, 20, routes.PATIENT, routes.MONTH)
        for instance, queue in QUEUES.items()
    ),
)
