"""What the admin pages of this package share."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from queues.repairs import MAX_REASON


class ReasonForm(forms.Form):
    """Why somebody does something; it is kept with what was done."""

    reason = forms.CharField(
        max_length=MAX_REASON,
        widget=UnfoldAdminTextInputWidget(attrs={"placeholder": "kept in the history"}),
    )


class WatchedAdmin(ModelAdmin):  # type: ignore[misc]  # unfold is untyped
    """Rows that no form adds, changes or deletes; what can be done has pages of its own."""

    class Media:
        css: ClassVar = {"all": ("queues/admin.css",)}

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:  # noqa: ARG002
        return False

    def may(self, request: HttpRequest, action: str) -> bool:
        """Whether the user has a permission on this model, such as ``resend``."""
        name = f"{self.opts.app_label}.{action}_{self.opts.model_name}"
        return user_of(request).has_perm(name)

    def demand(self, request: HttpRequest, *actions: str) -> None:
        """Raises ``PermissionDenied`` unless the user has all these permissions."""
        if not all(self.may(request, action) for action in actions):
            raise PermissionDenied

    def page(
        self, request: HttpRequest, template: str, title: str, context: Mapping[str, Any]
    ) -> TemplateResponse:
        """A page of the admin, in its frame."""
        return TemplateResponse(
            request,
            f"admin/queues/{template}",
            {
                **self.admin_site.each_context(request),
                "opts": self.opts,
                "title": title,
                **context,
            },
        )


def user_of(request: HttpRequest) -> User:
    """Who asks. The admin lets nobody in who is not logged in."""
    if not isinstance(request.user, User):
        raise PermissionDenied
    return request.user
