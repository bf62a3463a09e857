"""The independent validator (tests/independent/fhir), asked for many resources at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "independent/fhir"
IS_THERE = shutil.which("node") is not None and (FOLDER / "node_modules").is_dir()
needs_validator = pytest.mark.skipif(
    not IS_THERE and not os.environ.get("CI"),
    reason="the independent FHIR validator needs node and `npm ci` in tests/independent/fhir",
)


def validate(resources: Iterable[dict[str, Any]], folder: Path) -> list[list[str]]:
    """Return the errors of each resource.

    Args:
        resources: bundles, or single resources.
        folder: for the file that hands them over.
    """
    file = folder / "resources.ndjson"
    file.write_text("".join(json.dumps(one) + "\n" for one in resources), encoding="utf-8")
    run = subprocess.run(
        ["node", str(FOLDER / "validate.js"), str(file)], capture_output=True, text=True, check=True
    )
    return [json.loads(line) for line in run.stdout.splitlines()]
