"""Addresses of the web process: the admin and the probe of the process."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.generic import RedirectView

from fundraising.trace.views import page as trace_page


def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing of what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", healthz, name="healthz"),
    path("admin/trace/", admin.site.admin_view(trace_page), name="trace"),
    path("admin/", admin.site.urls),
]
