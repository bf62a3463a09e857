"""What the browser tests bring along is what was reviewed: pinned, licensed, unchanged."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

VENDOR = Path(__file__).parents[1] / "vendor"


def test_the_vendored_files_are_exactly_those_listed_with_licence_and_checksum() -> None:
    listing = json.loads((VENDOR / "VENDORED.json").read_text())
    found = {
        folder.name: {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
        for folder in VENDOR.iterdir()
        if folder.is_dir()
    }
    assert found == {name: entry["sha256"] for name, entry in listing.items()}
    assert all(
        entry["version"] and entry["licence"] and "LICENSE" in entry["sha256"] for entry in listing.values()
    )
