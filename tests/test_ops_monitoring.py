"""The alert rules and the dashboard: well-formed, and about series that really exist."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import yaml
from django.test import Client
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from pytest_django.fixtures import Settings

from tests.servers import Valkey
from tests.workers import ROOT, wait_for

PROMETHEUS = ROOT / "ops" / "prometheus"
DASHBOARD = ROOT / "ops" / "grafana" / "fundraising.json"
PAGE = ROOT / "docs" / "operations" / "monitoring.md"

_METRIC = re.compile(r"\bfundraising_[a-z_]+\b")


def promtool(*arguments: str) -> str:
    """What it says. Fails the test if it finds fault."""
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: prometheus)")
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    """All that show something."""
    found = json.loads(DASHBOARD.read_text())["panels"]
    return [panel for panel in found if panel["type"] != "row"]


def expressions(panel: dict[str, Any]) -> Iterator[str]:
    for target in panel["targets"]:
        yield target["expr"]


@pytest.fixture
def emitted(client: Client, frqueue: redis.Redis, valkey: Valkey, settings: Settings) -> set[str]:
    """The names of all series that there are, with a replica."""
    settings.METRICS_TOKEN = ""
    frqueue.config_set("repl-diskless-sync-delay", 0)

    def page() -> bytes:
        return client.get("/metrics").content

    with Valkey(replicaof=f"127.0.0.1 {valkey.port}"):
        wait_for(lambda: b"fundraising_replica_online{" in page(), "the replica is there")
        families = list(text_string_to_metric_families(page().decode()))
    return {
        name
        for family in families
        for name in {one.name for one in family.samples} or {_series(family)}
    }


def _series(family: Metric) -> str:
    """What there would be of a family that has none now, as there are no movers."""
    return f"{family.name}_total" if family.type == "counter" else family.name


class TestAlerts:
    def test_their_own_tool_takes_them(self) -> None:
        assert f"SUCCESS: {len(rules())} rules found" in promtool(
            "check", "rules", str(PROMETHEUS / "alerts.yml")
        )

    def test_they_fire_when_they_should_and_only_then(self) -> None:
        assert "SUCCESS" in promtool("test", "rules", str(PROMETHEUS / "alerts.test.yml"))

    def test_the_example_of_a_configuration_is_one(self) -> None:
        promtool("check", "config", "--syntax-only", str(PROMETHEUS / "prometheus.yml"))

    def test_each_is_tried_by_a_test(self) -> None:
        tried = (PROMETHEUS / "alerts.test.yml").read_text()
        assert [rule["alert"] for rule in rules() if rule["alert"] not in tried] == []

    @pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
    def test_each_is_told_of_on_the_page(self, rule: dict[str, Any]) -> None:
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "description"}
        (row,) = re.findall(rf"^\| `{rule['alert']}` \|.*", PAGE.read_text(), re.MULTILINE)
        assert rule["labels"]["severity"] in row


class TestDashboard:
    @pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
    def test_a_panel_has_all_it_needs(self, panel: dict[str, Any]) -> None:
        assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert panel["fieldConfig"]["defaults"]["unit"]
        assert panel["targets"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"]
            assert target["legendFormat"]

    def test_panels_do_not_hide_each_other(self) -> None:
        every = json.loads(DASHBOARD.read_text())["panels"]
        assert len({panel["id"] for panel in every}) == len(every)
        taken: set[tuple[int, int]] = set()
        for place in (panel["gridPos"] for panel in every):
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken
            assert place["x"] + place["w"] <= 24
            taken |= cells

    def test_its_expressions_are_promql(self, tmp_path: Path) -> None:
        named = [
            {"record": f"panel:{number}", "expr": expression.replace("$queue", ".*")}
            for number, expression in enumerate(
                expression for panel in panels() for expression in expressions(panel)
            )
        ]
        path = tmp_path / "panels.yml"
        path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": named}]}))
        promtool("check", "rules", str(path))


@pytest.mark.django_db(transaction=True)
def test_all_series_that_are_asked_for_exist_and_all_that_exist_are_told_of(
    emitted: set[str],
) -> None:
    queries = [rule["expr"] for rule in rules()]
    queries += [expression for panel in panels() for expression in expressions(panel)]
    asked = {name for query in queries for name in _METRIC.findall(query)}
    assert asked
    assert asked <= emitted
    families = {re.sub("_(total|bucket|count|sum)$", "", name) for name in emitted}
    told = PAGE.read_text()
    assert [name for name in sorted(families) if f"`{name}" not in told] == []
