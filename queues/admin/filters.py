"""Filters of the list of damaged messages."""

from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest

from queues.models import DamagedMessage

Status = DamagedMessage.Status
OPEN = (Status.DAMAGED, Status.WAITING)


class StatusFilter(admin.SimpleListFilter):
    """What needs a person and what waits for its retry, unless asked otherwise."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        return [*Status.choices, ("all", "all")]

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """The default is what is open, not all."""
        chosen = list(super().choices(changelist))
        chosen[0]["display"] = "open (a person or its retry)"
        yield from chosen

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[DamagedMessage],
    ) -> QuerySet[DamagedMessage]:
        value = self.value()
        if value == "all":
            return queryset
        if value in Status.values:
            return queryset.filter(status=value)
        return queryset.filter(status__in=OPEN)


class _ValueFilter(admin.SimpleListFilter):
    """The values that open messages have, as to ask the whole table takes long."""

    column: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        rows = DamagedMessage.objects.filter(status__in=OPEN).exclude(**{self.column: ""})
        values = set(rows.order_by().values_list(self.column, flat=True).distinct())
        values.update({self.value() or ""} - {""})
        return [(value, value) for value in sorted(values)]

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[DamagedMessage],
    ) -> QuerySet[DamagedMessage]:
        value = self.value()
        return queryset.filter(**{self.column: value}) if value else queryset


class QueueFilter(_ValueFilter):
    """The queue that the message was on."""

    title, parameter_name, column = "queue", "queue", "original_queue"


class CodeFilter(_ValueFilter):
    """The name of the fault."""

    title, parameter_name, column = "error code", "code", "code"


class GatewayFilter(_ValueFilter):
    """The payment processor."""

    title, parameter_name, column = "gateway", "gateway", "gateway"


class ReasonFilter(_ValueFilter):
    """Equal reasons; chosen by the links of other pages, not from a list."""

    title, parameter_name, column = "reason", "reason", "fingerprint"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        chosen = self.value()
        if not chosen:
            return []
        row = DamagedMessage.objects.filter(fingerprint=chosen).first()
        return [(chosen, f"{row.code} {row.field}".strip() if row else chosen)]

    def has_output(self) -> bool:
        return bool(self.value())


class BulkResendFilter(admin.SimpleListFilter):
    """The messages of a bulk resend; chosen by the links of its page."""

    title, parameter_name = "bulk resend", "bulk"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:  # noqa: ARG002
        chosen = self.value() or ""
        return [(chosen, f"bulk resend {chosen}")] if chosen.isdigit() else []

    def queryset(
        self,
        request: HttpRequest,  # noqa: ARG002
        queryset: QuerySet[DamagedMessage],
    ) -> QuerySet[DamagedMessage]:
        chosen = self.value() or ""
        return (
            queryset.filter(bulk_resends__bulk_resend=int(chosen)) if chosen.isdigit() else queryset
        )
