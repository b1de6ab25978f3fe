"""The page on which a donor is erased: what would go, what stands against it, and why."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse

from fundraising.crm.models import Contact
from fundraising.privacy import erasure
from queues.admin.base import ReasonForm, WatchedAdmin, user_of


def erase_page(model_admin: WatchedAdmin, request: HttpRequest, contact_id: int) -> HttpResponse:
    """GET shows the plan and asks for a reason; POST erases. The caller asks who may."""
    contact = get_object_or_404(Contact, pk=contact_id)
    back = reverse("admin:crm_contact_change", args=[contact.pk])
    form = ReasonForm(request.POST if request.method == "POST" else None)
    try:
        if form.is_valid():
            user, reason = user_of(request), form.cleaned_data["reason"]
            erasure.erase(contact.pk, by=user.get_username(), reason=reason)
            messages.success(request, f"Contact {contact.pk} is erased.")
            return HttpResponseRedirect(back)
        plan = erasure.plan(contact.pk)
    except erasure.Refused as refusal:
        plan = erasure.Plan({}, refusal.reasons, ())
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"Erase contact {contact.pk}",
        "plan": plan,
        "form": form,
        "back": back,
    }
    return TemplateResponse(request, "admin/privacy/erase.html", context)
