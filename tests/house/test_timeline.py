"""Every verb that an action notes can be said on a record page, with an icon that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lims.timeline_words import NOTED, SAID, SILENT, SPOKEN

ROOT = Path(__file__).resolve().parents[2]
SPRITE = ROOT / "static/vendor/bootstrap-icons/sprite.svg"


def notes() -> list[ast.Call]:
    """Return the calls of `audit.note` anywhere, as they stand in the source."""
    return [
        node
        for file in (ROOT / "lims").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "note" and len(node.args) >= 4
    ]


def noted_verbs() -> set[str]:
    leaves = (leaf for call in notes() for leaf in ast.walk(call.args[3]) if isinstance(leaf, ast.Constant))
    return {leaf.value for leaf in leaves if isinstance(leaf.value, str)}


def test_every_noted_verb_can_be_said():
    found = noted_verbs()
    assert len(found) > 20
    assert sorted(found - SAID.keys()) == []


def test_every_icon_of_a_journey_is_in_the_sprite():
    icons = set(re.findall(r'id="([a-z-]+)"', SPRITE.read_text(encoding="utf-8")))
    assert sorted({saying.icon for saying in SAID.values()} - icons) == []


def test_every_detail_that_is_told_is_one_that_an_action_notes():
    noted = {word.arg for call in notes() for word in call.keywords}
    assert sorted((NOTED.keys() | set(SPOKEN) | SILENT.keys()) - noted) == []
