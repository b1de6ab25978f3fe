"""The page."""

from django.contrib import admin, messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.views.decorators.http import require_http_methods

from fundraising.trace.lists import look
from fundraising.trace.timeline import trace

# What the page shows is of these tables; who may not see them there may not see them here.
_PERMISSIONS = (
    "crm.view_contribution",
    "queues.view_damagedmessage",
    "pending.view_pendingtransaction",
    "tracking.view_contributiontracking",
)
MAX_TEXT = 255


@permission_required(_PERMISSIONS, raise_exception=True)
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """A search field and the timeline of what was asked for.

    Links give ids in the address; the form posts, as addresses end in logs and an e-mail
    address must not.
    """
    text = (request.POST.get("q") or request.GET.get("q") or "").strip()[:MAX_TEXT]
    if request.method != "POST" and "@" in text:
        messages.warning(request, "An e-mail address does not belong in a link: please type it.")
        text = ""
    context = {
        **admin.site.each_context(request),
        "title": "Trace",
        "text": text,
        "timeline": trace(text) if text else None,
        "lists": look(),
    }
    return TemplateResponse(request, "trace/page.html", context)
