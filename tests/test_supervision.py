"""What keeps the processes running in production: systemd's units and the Kubernetes example."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.test_compose import SERVICES

ROOT = Path(__file__).parent.parent
UNITS = sorted((ROOT / "ops/systemd").iterdir())
STEADY = [
    unit for unit in UNITS if unit.suffix == ".service" and "Type=oneshot" not in unit.read_text()
]
MANIFESTS = [
    (path.name, manifest)
    for path in sorted((ROOT / "ops/kubernetes").glob("*.yaml"))
    for manifest in yaml.safe_load_all(path.read_text())
]
OBJECTS = [(name, manifest) for name, manifest in MANIFESTS if manifest["kind"] != "Kustomization"]
DEPLOYMENTS = {
    manifest["metadata"]["name"]: manifest["spec"]["template"]["spec"]
    for _, manifest in OBJECTS
    if manifest["kind"] == "Deployment"
}


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, as if this checkout were installed where they expect it."""
    for unit in UNITS:
        text = unit.read_text().replace(
            "/opt/fundraising/.venv/bin", str(Path(sys.executable).parent)
        )
        (tmp_path / unit.name).write_text(text)
    return tmp_path


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_wrong(units: Path, unit: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", unit.name.replace("@.", "@some.")],
        cwd=units,
        env={"SYSTEMD_UNIT_PATH": f"{units}:", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", STEADY, ids=lambda unit: unit.name)
def test_a_service_comes_back_and_ends_in_a_set_time(unit: Path) -> None:
    text = unit.read_text()
    assert "\nRestart=always\n" in text
    assert re.search(r"\nTimeoutStopSec=\d+\n", text)
    assert "\nNoNewPrivileges=yes\n" in text
    assert "\nUser=fundraising\n" in text


@pytest.mark.parametrize(
    ("file", "manifest"),
    OBJECTS,
    ids=[f"{one['kind']}-{one['metadata']['name']}" for _, one in OBJECTS],
)
def test_kubernetes_knows_every_field(file: str, manifest: dict[str, Any]) -> None:
    kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_the_validation_refuses_what_is_misspelt() -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "dta": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest, "1.37", strict=True)


def test_the_example_holds_all_its_files() -> None:
    [(name, kustomization)] = [one for one in MANIFESTS if one[1]["kind"] == "Kustomization"]
    assert sorted([*kustomization["resources"], name]) == sorted({name for name, _ in MANIFESTS})


@pytest.mark.parametrize("name", sorted(DEPLOYMENTS))
def test_a_deployment_runs_what_compose_runs(name: str) -> None:
    pod = DEPLOYMENTS[name]
    [container] = pod["containers"]
    assert container["command"] == SERVICES[name]["command"]
    assert container["livenessProbe"]
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert pod["securityContext"]["runAsNonRoot"] is True


@pytest.mark.parametrize("name", [name for name in DEPLOYMENTS if name.startswith("worker-")])
def test_every_supervisor_gives_a_worker_the_same_time_to_end(name: str) -> None:
    seconds = DEPLOYMENTS[name]["terminationGracePeriodSeconds"]
    assert SERVICES[name]["stop_grace_period"] == f"{seconds}s"
    unit = (ROOT / "ops/systemd/fundraising-worker@.service").read_text()
    assert f"TimeoutStopSec={seconds}\n" in unit


def test_what_is_scaled_is_a_deployment_by_a_queue_that_it_consumes() -> None:
    scalers = [one for _, one in OBJECTS if one["kind"] == "HorizontalPodAutoscaler"]
    assert scalers
    for scaler in scalers:
        [container] = DEPLOYMENTS[scaler["spec"]["scaleTargetRef"]["name"]]["containers"]
        [metric] = scaler["spec"]["metrics"]
        queue = metric["external"]["metric"]["selector"]["matchLabels"]["queue"]
        assert f"--queues={queue}" in container["command"]
