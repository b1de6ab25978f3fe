"""The sidebar of the admin: what is opened first, then every table that the user may see."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

# The message layer's pages are daily work, accounts are not.
_FIRST, _LAST = "queues", "auth"


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups of links, one an app; what a user may not see is not there."""
    trace = {"title": "Trace a payment", "icon": "timeline", "link": reverse("trace")}
    apps = admin.site.get_app_list(request)
    apps.sort(key=lambda app: (app["app_label"] != _FIRST, app["app_label"] == _LAST))
    return [
        {"items": [trace]},
        *(
            {
                "title": app["name"],
                "items": [
                    {"title": str(model["name"]), "link": model["admin_url"]}
                    for model in app["models"]
                ],
            }
            for app in apps
        ),
    ]
