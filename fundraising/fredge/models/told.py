"""What the tables of this app share."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models

from fundraising.crm import columns
from fundraising.fredge import merging
from fundraising.fredge.merging import Stamp
from queues.models import FromMessage

Key = tuple[int | str, ...]


class ToldRow(FromMessage):
    """A row whose columns several messages tell; ``message_id`` is that of the newest."""

    #: The columns that name a row, unique together.
    KEY: ClassVar[tuple[str, ...]]

    stamps = models.JSONField(
        default=dict, editable=False, help_text="which message told which columns, and when"
    )

    class Meta:
        abstract = True

    @property
    def key(self) -> Key:
        """What names the row."""
        return tuple(getattr(self, name) for name in self.KEY)

    def tell(self, stamp: Stamp, values: Mapping[str, object]) -> set[str]:
        """Take over what is news of what a message tells; the names of those columns."""
        stamps = merging.unpacked(self.stamps)
        news = merging.news(stamps, stamp, values)
        for name, value in news.items():
            setattr(self, name, value)
        columns.fit(self)
        stamps.update(dict.fromkeys(news, stamp))
        self.stamps = merging.packed(stamps)
        if news:
            self.message_id = max(stamps.values()).key
        return set(news)
