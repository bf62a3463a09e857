"""Every verb that an action notes can be said on a record page, with an icon that exists."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from lims.intake.rules import SAMPLE, TUBE
from lims.timeline_words import NOTED, SAID, SILENT, SPOKEN

ROOT = Path(__file__).resolve().parents[2]
SPRITE = ROOT / "static/vendor/bootstrap-icons/sprite.svg"


def trees() -> list[ast.Module]:
    return [ast.parse(file.read_text(encoding="utf-8")) for file in (ROOT / "lims").rglob("*.py")]


def notes(tree: ast.Module) -> list[ast.Call]:
    """Return the calls of `audit.note` in a module, as they stand in the source."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and len(node.args) >= 4)
    return [node for node in calls if getattr(node.func, "attr", "") == "note"]


def words_of(expression: ast.expr, tree: ast.Module) -> set[str]:
    """Return the texts that an expression may be: written there, or given to that name in the same module."""
    match expression:
        case ast.Constant(value=str(text)):
            return {text}
        case ast.IfExp(body=first, orelse=second):
            return words_of(first, tree) | words_of(second, tree)
        case ast.Name(id="verb"):
            given = [
                node.value
                for node in ast.walk(tree)
                if (isinstance(node, ast.keyword) and node.arg == "verb")
                or (isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "verb")
            ]
            return {
                word for value in given if not isinstance(value, ast.Name) for word in words_of(value, tree)
            }
    return set()


def noted_verbs() -> set[str]:
    return {verb for tree in trees() for call in notes(tree) for verb in words_of(call.args[3], tree)}


def test_every_noted_verb_can_be_said():
    found = noted_verbs()
    assert len(found) > 20
    assert sorted(found - SAID.keys()) == []


def test_every_state_that_a_tube_or_a_sample_can_end_in_can_be_said():
    """Some events have the new state as their verb."""
    ends = {"received", "damaged", "rejected", "superseded", "lost", "void"}
    assert ends <= TUBE.moves.keys() | SAMPLE.moves.keys()
    assert sorted(ends - SAID.keys()) == []


def test_every_icon_of_a_journey_is_in_the_sprite():
    icons = set(re.findall(r'id="([a-z-]+)"', SPRITE.read_text(encoding="utf-8")))
    assert sorted({saying.icon for saying in SAID.values()} - icons) == []


def test_every_detail_that_is_told_is_one_that_an_action_notes():
    noted = {word.arg for tree in trees() for call in notes(tree) for word in call.keywords}
    assert sorted((NOTED.keys() | set(SPOKEN) | SILENT.keys()) - noted) == []
