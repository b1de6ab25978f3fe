"""The pages on which a person repairs damaged messages: by POST, and with a reason."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from queues import repairs, wire
from queues.admin.base import ReasonForm, WatchedAdmin, user_of
from queues.admin.changes import changes, read
from queues.admin.history import history
from queues.admin.masking import legible
from queues.models import DamagedMessage, DamagedMessageEvent

#: Sent or discarded by one confirmation; more than these are sent in bulk.
MOST = 100
#: Who looked at a message within this time is not asked for a reason again.
REVEALED_FOR = timedelta(hours=8)

Status = DamagedMessage.Status

ACTS = {
    "resend": {
        "title": "Send again",
        "text": "The bytes go to the end of their queue as they are.",
        "button": "Send again",
    },
    "discard": {
        "title": "Discard",
        "text": "Nothing will be imported. The message stays here and can be sent again after all.",
        "button": "Discard",
    },
}


class RepairPages(WatchedAdmin):
    """Send again, discard, look at and edit."""

    def title(self, row: DamagedMessage) -> str:
        """What a page about a message is called."""
        return f"{row.original_queue} {row.order_id or row.gateway_txn_id or row.message_id[:12]}"

    def facts(self, request: HttpRequest, row: DamagedMessage) -> dict[str, Any]:
        """What can be done with a message by this user, and what stands against it."""
        open_ = row.status in (Status.DAMAGED, Status.WAITING)
        return {
            "row": row,
            "obstacles": repairs.obstacles([row]).get(row.pk, []),
            "may_resend": self.may(request, "resend"),
            "may_discard": self.may(request, "discard") and open_,
            "may_reveal": self.may(request, "reveal"),
            "may_edit": self.may(request, "reveal")
            and self.may(request, "change")
            and row.status != Status.RESENT,
        }

    # Send again, discard

    def confirm_many(
        self, request: HttpRequest, rows: QuerySet[DamagedMessage], act: str
    ) -> HttpResponse | None:
        """The page that asks for a reason, or back to the list when there are too many."""
        chosen = list(rows[: MOST + 1])
        if len(chosen) > MOST:
            hint = ": plan a bulk resend" if act == "resend" else ": choose fewer"
            messages.error(request, f"More than {MOST} messages{hint}.")
            return None
        return self._confirm(request, chosen, act, ReasonForm())

    def resend_page(self, request: HttpRequest) -> HttpResponse:
        """GET asks, POST sends."""
        return self._act(request, "resend", self._resend)

    def discard_page(self, request: HttpRequest) -> HttpResponse:
        """GET asks, POST discards."""
        return self._act(request, "discard", self._discard)

    def _act(
        self, request: HttpRequest, act: str, do: Callable[[HttpRequest, list[int], str], None]
    ) -> HttpResponse:
        self.demand(request, "view", act)
        given = request.POST if request.method == "POST" else request.GET
        pks = [int(pk) for pk in given.getlist("pk")[:MOST] if pk.isdigit()]
        form = ReasonForm(request.POST if request.method == "POST" else None)
        if not form.is_valid():
            rows = list(DamagedMessage.objects.filter(pk__in=pks))
            return self._confirm(request, rows, act, form)
        do(request, pks, form.cleaned_data["reason"])
        return HttpResponseRedirect(self._back(pks))

    def _confirm(
        self, request: HttpRequest, rows: list[DamagedMessage], act: str, form: ReasonForm
    ) -> HttpResponse:
        found = repairs.obstacles(rows) if act == "resend" else {}
        context = {
            "act": act,
            "words": ACTS[act],
            "form": form,
            "rows": [(row, found.get(row.pk, [])) for row in rows],
            "possible": len(rows) - len(found),
            "action_url": reverse(f"admin:queues_damagedmessage_{act}"),
            "back": self._back([row.pk for row in rows]),
        }
        return self.page(request, "damagedmessage/confirm.html", ACTS[act]["title"], context)

    def _back(self, pks: list[int]) -> str:
        if len(pks) == 1:
            return reverse("admin:queues_damagedmessage_change", args=pks)
        return reverse("admin:queues_damagedmessage_changelist")

    def _resend(self, request: HttpRequest, pks: list[int], reason: str) -> None:
        sent, refused = repairs.resend(pks=pks, user=user_of(request), reason=reason)
        if sent:
            messages.success(request, f"Sent again: {_count(sent)}.")
        for pk, faults in refused.items():
            messages.error(request, f"Not sent, {pk}: {'; '.join(map(str, faults))}")

    def _discard(self, request: HttpRequest, pks: list[int], reason: str) -> None:
        gone = repairs.discard(pks=pks, user=user_of(request), reason=reason)
        messages.success(request, f"Discarded: {_count(gone)}.")
        if len(gone) < len(pks):
            messages.warning(request, "Left alone: what was sent again or discarded before.")

    # Look at, edit

    def open_page(self, request: HttpRequest, pk: int) -> HttpResponse:
        """GET asks for a reason; POST shows the message, then reviews and saves its edit."""
        self.demand(request, "view", "reveal")
        row = get_object_or_404(DamagedMessage, pk=pk)
        step = request.POST.get("step", "")
        form = ReasonForm(request.POST if step else None)
        if not form.is_valid():
            context = {**self.facts(request, row), "form": form}
            return self.page(request, "damagedmessage/reveal.html", self.title(row), context)
        reason = form.cleaned_data["reason"]
        self._note(row, user_of(request), reason, always=step == "reveal")
        if step == "reveal":
            return self._editor(request, row, _editable(row), form)
        self.demand(request, "change")
        text = request.POST.get("text", "")
        draft = repairs.draft(row, text)
        if step == "edit" or draft.faults:
            return self._editor(request, row, text, form, () if step == "edit" else draft.faults)
        if step == "review":
            return self._review(request, row, text, form, draft)
        return self._save(request, row, text, form, send=step == "send")

    def _note(self, row: DamagedMessage, user: User, reason: str, *, always: bool) -> None:
        """Record that the user sees the message; each step of an edit shows it once more."""
        lately = row.events.filter(
            action=DamagedMessageEvent.Action.REVEALED,
            by=user,
            at__gt=timezone.now() - REVEALED_FOR,
        )
        if always or not lately.exists():
            repairs.reveal(pk=row.pk, user=user, reason=reason)

    def _editor(
        self,
        request: HttpRequest,
        row: DamagedMessage,
        text: str,
        form: ReasonForm,
        faults: Sequence[repairs.Fault] = (),
    ) -> HttpResponse:
        context = {
            **self.facts(request, row),
            "form": form,
            "text": text,
            "seen": request.POST.get("seen") or wire.digest(row.body),
            "readable": read(row.body) is not None,
            "faults": [(fault, _line(text, fault.field)) for fault in faults],
            "history": history(row, masked=False),
        }
        return self.page(request, "damagedmessage/editor.html", self.title(row), context)

    def _review(
        self,
        request: HttpRequest,
        row: DamagedMessage,
        text: str,
        form: ReasonForm,
        draft: repairs.Draft,
    ) -> HttpResponse:
        context = {
            **self.facts(request, row),
            "form": form,
            "text": text,
            "seen": request.POST.get("seen", ""),
            "changes": changes(row.body, draft.body, masked=False),
        }
        return self.page(request, "damagedmessage/review.html", self.title(row), context)

    def _save(
        self, request: HttpRequest, row: DamagedMessage, text: str, form: ReasonForm, *, send: bool
    ) -> HttpResponse:
        user, reason = user_of(request), form.cleaned_data["reason"]
        if send:
            self.demand(request, "resend")
        try:
            with transaction.atomic():
                seen = request.POST.get("seen", "")
                repairs.edit(pk=row.pk, text=text, seen=seen, user=user, reason=reason)
                if send:
                    # It was just found to fit, under the same lock.
                    repairs.resend(pks=[row.pk], user=user, reason=reason)
        except repairs.Refused as refusal:
            return self._editor(request, row, text, form, refusal.faults)
        messages.success(request, "Saved and sent again." if send else "Saved.")
        return HttpResponseRedirect(self._back([row.pk]))


def _editable(row: DamagedMessage) -> str:
    value = read(row.body)
    return legible(row.body) if value is None else wire.dumps(value, indent=2)


def _line(text: str, field: str) -> int | None:
    """The line of a text on which a field stands, from 1."""
    name = f'"{field.split(".")[0]}"'
    found = (number for number, line in enumerate(text.split("\n"), 1) if name in line)
    return next(found, None) if field else None


def _count(pks: list[int]) -> str:
    return "1 message" if len(pks) == 1 else f"{len(pks)} messages"
