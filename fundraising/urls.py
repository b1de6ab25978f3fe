"""Addresses of the web process: the admin, and what probes and Prometheus ask."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from fundraising.health import healthz, metrics_page, readyz
from fundraising.trace.views import page as trace_page

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
    path("admin/trace/", admin.site.admin_view(trace_page), name="trace"),
    path("admin/", admin.site.urls),
]
