"""What probes and Prometheus ask of the web process."""

import json

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST

from fundraising.metrics import PENDING
from queues import health, metrics


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """The process answers; says nothing of what it depends on."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """All that messages need is there: 200, or 503; a line for each in JSON."""
    ready, words = health.readiness()
    body = json.dumps({"ready": ready, **words}, indent=1)
    return HttpResponse(f"{body}\n", content_type="application/json", status=200 if ready else 503)


@never_cache
@require_safe
def metrics_page(request: HttpRequest) -> HttpResponse:
    """For Prometheus, which says ``METRICS_TOKEN``; without one only outside production."""
    if not _may_read(request):
        return HttpResponse("METRICS_TOKEN is asked for\n", content_type="text/plain", status=403)
    return HttpResponse(metrics.page("fundraising", PENDING), content_type=CONTENT_TYPE_LATEST)


def _may_read(request: HttpRequest) -> bool:
    token: str = settings.METRICS_TOKEN
    if not token:
        return not settings.PRODUCTION
    return constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")
