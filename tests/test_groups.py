"""What the groups of staff may do, and that they can look at every page of the admin."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models.signals import post_migrate
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from fundraising.staff.groups import AUDITOR, DONOR_SERVICES, ENGINEER, GROUPS, grant, is_ours

pytestmark = pytest.mark.django_db

OURS = [config.label for config in apps.get_app_configs() if is_ours(config)]
PAGES = [model._meta.label_lower for model in admin.site._registry if model._meta.app_label in OURS]


def may(name: str) -> set[str]:
    """Permissions of a group as ``app.codename``."""
    permissions = Group.objects.get(name=name).permissions.select_related("content_type")
    return {f"{one.content_type.app_label}.{one.codename}" for one in permissions}


def ours() -> set[str]:
    permissions = Permission.objects.filter(content_type__app_label__in=OURS)
    return {f"{one.content_type.app_label}.{one.codename}" for one in permissions}


def member(name: str) -> Client:
    user = User.objects.create_user("member", is_staff=True)
    user.groups.add(Group.objects.get(name=name))
    client = Client()
    client.force_login(user)
    return client


def test_an_engineer_may_do_everything_but_manage_accounts() -> None:
    assert may(ENGINEER) == ours()
    assert not any(name.startswith("auth.") for name in may(ENGINEER))


def test_an_auditor_only_reads() -> None:
    assert may(AUDITOR) == {name for name in ours() if ".view_" in name}


def test_donor_services_read_everything_and_resend() -> None:
    assert may(DONOR_SERVICES) - may(AUDITOR) == {
        name for name in ours() if ".reveal_" in name or ".resend_" in name
    }
    assert {"queues.resend_damagedmessage", "queues.reveal_damagedmessage"} <= may(DONOR_SERVICES)
    assert not {"queues.change_damagedmessage", "queues.discard_damagedmessage"} & may(
        DONOR_SERVICES
    )


def test_granting_again_mends_and_repeats_nothing() -> None:
    before = {name: may(name) for name in GROUPS}
    auditor = Group.objects.get(name=AUDITOR)
    auditor.permissions.set(Permission.objects.filter(codename="discard_damagedmessage"))
    Group.objects.get(name=DONOR_SERVICES).delete()
    for config in apps.get_app_configs():
        grant(config)
    assert {name: may(name) for name in GROUPS} == before


def test_it_is_granted_after_every_migration() -> None:
    Group.objects.all().delete()
    for config in apps.get_app_configs():
        post_migrate.send(
            sender=config,
            app_config=config,
            verbosity=0,
            interactive=False,
            using="default",
            plan=[],
            apps=apps,
        )
    assert may(ENGINEER) == ours()


@pytest.mark.parametrize("name", GROUPS)
def test_each_group_can_look_at_each_list(name: str, settings: Settings) -> None:
    settings.SECURE_SSL_REDIRECT = False
    client = member(name)
    for label in PAGES:
        url = reverse(f"admin:{label.replace('.', '_')}_changelist")
        assert client.get(url).status_code == 200, label
