"""The groups of staff, and what each may do.

Set after every migration, when Django has made the permissions of an app's models, so that
a model of tomorrow has its readers without anybody's doing. What stands here holds: to give
somebody more, put them in another group too.
"""

from django.apps import AppConfig
from django.apps import apps as global_apps
from django.apps.registry import Apps
from django.db import router

DONOR_SERVICES = "donor services"
ENGINEER = "fundraising engineer"
AUDITOR = "auditor"

#: The actions that a group may do on every model; None is all. ``reveal`` is to see the
#: personal data of a donor, each time noted with its reason.
GROUPS: dict[str, frozenset[str] | None] = {
    DONOR_SERVICES: frozenset({"view", "reveal", "resend"}),
    ENGINEER: None,
    AUDITOR: frozenset({"view"}),
}


def is_ours(app_config: AppConfig) -> bool:
    """Whether an app is part of this project; accounts and groups are for superusers."""
    return app_config.name == "queues" or app_config.name.startswith("fundraising.")


def grant(
    sender: AppConfig,
    using: str = "default",
    apps: Apps = global_apps,
    **_signal: object,
) -> None:
    """Give each group its permissions on the models of one app, and take others there away."""
    if not is_ours(sender):
        return
    try:
        group_model = apps.get_model("auth", "Group")
        permission_model = apps.get_model("auth", "Permission")
    except LookupError:
        return
    if not router.allow_migrate_model(using, group_model):
        return
    there = permission_model.objects.using(using).filter(content_type__app_label=sender.label)
    actions = {permission.pk: permission.codename.split("_")[0] for permission in there}
    for name, allowed in GROUPS.items():
        group, _ = group_model.objects.using(using).get_or_create(name=name)
        wanted = {pk for pk, action in actions.items() if allowed is None or action in allowed}
        has = set(
            group.permissions.filter(content_type__app_label=sender.label).values_list(
                "pk", flat=True
            )
        )
        group.permissions.add(*wanted - has)
        group.permissions.remove(*has - wanted)
