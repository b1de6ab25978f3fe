"""While a maintenance window is open nobody enqueues: the lock of the admin and of webhooks."""

from collections.abc import Callable

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import SimpleLazyObject

from queues import maintenance

#: Seconds after which whoever calls a webhook may try again.
RETRY_AFTER = 300

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_ONES_OWN = frozenset({"admin:login", "admin:logout", "admin:password_change"})


class MaintenanceMiddleware:
    """Answers 503 to what would change something; reading goes on.

    In the admin superusers go on, and everybody may log in and out. Elsewhere, which is what
    payment processors call, a view goes on that is marked as :func:`maintenance.exempt`.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # Asked only by a page that shows its banner, or a request that may be locked.
        request.maintenance_window = SimpleLazyObject(maintenance.window)  # type: ignore[attr-defined]  # as `request.user`
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_arguments: object
    ) -> HttpResponse | None:
        """Before the view, and after the check for forgery."""
        if request.method in _SAFE or getattr(view, "maintenance_exempt", False):
            return None
        window = request.maintenance_window  # type: ignore[attr-defined]  # the same
        if not window or _goes_on(request):
            return None
        response = _page(request) if _is_staff_in_admin(request) else _try_again()
        response["Retry-After"] = str(RETRY_AFTER)
        return response


def _in_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))


def _goes_on(request: HttpRequest) -> bool:
    match = request.resolver_match
    is_ones_own = match is not None and match.view_name in _ONES_OWN
    return is_ones_own or (_in_admin(request) and request.user.is_superuser)


def _is_staff_in_admin(request: HttpRequest) -> bool:
    return _in_admin(request) and admin.site.has_permission(request)


def _try_again() -> HttpResponse:
    return HttpResponse("maintenance: try again later\n", status=503, content_type="text/plain")


def _page(request: HttpRequest) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Not now: maintenance"}
    return TemplateResponse(
        request, "admin/queues/maintenancewindow/locked.html", context, status=503
    )
