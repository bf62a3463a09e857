"""Every verb that an action notes can be said on a record page."""

from __future__ import annotations

import ast
from pathlib import Path

from lims.timeline import SAID

LIMS = Path(__file__).resolve().parents[2] / "lims"


def noted_verbs() -> set[str]:
    """Return the verbs given to `audit.note` anywhere, as they stand in the source."""
    verbs = set()
    for file in LIMS.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "note" and len(node.args) >= 4:
                verbs |= {leaf.value for leaf in ast.walk(node.args[3]) if isinstance(leaf, ast.Constant)}
    return {verb for verb in verbs if isinstance(verb, str)}


def test_every_noted_verb_can_be_said():
    found = noted_verbs()
    assert len(found) > 20
    assert sorted(found - SAID.keys()) == []
