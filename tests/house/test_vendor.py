"""What is shipped to browsers is what was reviewed: pinned, licensed, unchanged, and complete."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
VENDOR = ROOT / "static" / "vendor"
LISTING = json.loads((VENDOR / "VENDORED.json").read_text())


def _icons_named_in(text: str) -> set[str]:
    return set(re.findall(r"""\bicon\(\s*["']([a-z0-9-]+)["']""", text))


def test_every_vendored_folder_is_listed() -> None:
    folders = {folder.name for folder in VENDOR.iterdir() if folder.is_dir()}
    assert folders == set(LISTING)


@pytest.mark.parametrize("folder", sorted(LISTING))
def test_vendored_files_are_exactly_those_listed_with_their_checksums(folder: str) -> None:
    found = {
        str(file.relative_to(VENDOR / folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in (VENDOR / folder).rglob("*")
        if file.is_file()
    }
    assert found == LISTING[folder]["sha256"]


@pytest.mark.parametrize("folder", sorted(LISTING))
def test_every_vendored_folder_has_a_version_and_its_licence(folder: str) -> None:
    entry = LISTING[folder]
    assert entry["name"] and entry["version"] and entry["licence"]
    licences = [
        file for file in entry["sha256"] if re.match(r"(LICEN[CS]E|OFL)", Path(file).name, re.IGNORECASE)
    ]
    assert licences, f"static/vendor/{folder} ships without its licence text"


def test_every_icon_a_template_names_is_in_the_sprite() -> None:
    sprite = (VENDOR / "bootstrap-icons" / "sprite.svg").read_text()
    shipped = set(re.findall(r'<symbol id="([^"]+)"', sprite))
    named = {
        (str(template.relative_to(ROOT)), icon)
        for template in (ROOT / "templates").rglob("*.html")
        for icon in _icons_named_in(template.read_text())
    }
    assert named, "no template names an icon: the pattern of this test is stale"
    assert {pair for pair in named if pair[1] not in shipped} == set()


def test_no_page_asks_for_inline_script_or_style() -> None:
    """The content security policy forbids them, so a browser would drop them without a word."""
    forbidden = re.compile(
        r"""\sstyle\s*=|<style\b|\son[a-z]+\s*=\s*["']|<script(?![^>]*(\bsrc=|application/json))"""
    )
    offenders = [
        f"{template.relative_to(ROOT)}:{number}"
        for template in sorted((ROOT / "templates").rglob("*.html"))
        for number, line in enumerate(template.read_text().splitlines(), start=1)
        if forbidden.search(line)
    ]
    assert offenders == []
