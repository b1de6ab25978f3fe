"""The application as the image has it: what .dockerignore lets through."""

import shutil
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).parent.parent


def copy_application(target: Path, without: Iterable[str] | None = None) -> None:
    """Copy it to a directory; ``without`` names what is left out instead of .dockerignore's."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith(("#", "*"))]
    for name in (rule[1:] for rule in rules if rule.startswith("!")):
        if (ROOT / name).is_dir():
            shutil.copytree(
                ROOT / name, target / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        else:
            shutil.copy(ROOT / name, target / name)
    left_out = [rule for rule in rules if not rule.startswith("!")]
    for name in left_out if without is None else without:
        path = target / name
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
