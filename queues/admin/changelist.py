"""The list of damaged messages, with what it counts."""

from typing import Any

from django.db.models import Count
from django.http import HttpRequest
from unfold.views import ChangeList

from queues.admin import filters, reasons
from queues.models import DamagedMessage


class DamagedList(ChangeList):  # type: ignore[misc]  # unfold is untyped
    """Knows how many open messages have the reasons of those on the page, by one query."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        counts = reasons.counts({row.fingerprint for row in self.result_list})
        for row in self.result_list:
            row.alike = counts.get(row.fingerprint, 0)
        self.tabs = self._tabs()

    def _tabs(self) -> list[dict[str, Any]]:
        """The statuses, with how many there are of those that somebody should know of."""
        rows = DamagedMessage.objects.filter(status__in=filters.OPEN).order_by()
        counts = dict(rows.values_list("status").annotate(count=Count("pk")))
        chosen = self.params.get("status", "")
        tabs: list[tuple[str, str, int | None]] = [
            ("", "open", sum(counts.values())),
            *(
                (value, label, counts.get(value, 0) if value in filters.OPEN else None)
                for value, label in DamagedMessage.Status.choices
            ),
            ("all", "all", None),
        ]
        return [
            {
                "url": self.get_query_string({"status": value or None}, ["p"]),
                "title": title.capitalize(),
                "count": count,
                "chosen": value == chosen,
            }
            for value, title, count in tabs
        ]
