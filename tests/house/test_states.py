"""State tables are whole, and the diagrams in docs/ are theirs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from lims.errors import AlreadyDone, WrongState
from lims.intake import rules as intake
from lims.outbox import rules as outbox
from lims.pooling import rules as pooling
from lims.results import rules as results
from lims.states import check_words
from lims.words import WORDS

ROOT = Path(__file__).resolve().parents[2]
TABLES = (*intake.STATES, *pooling.STATES, *results.STATES, *outbox.STATES)
PAIRS = [(table, before, after) for table in TABLES for before in table.words for after in table.words]


def test_every_move_leads_to_a_listed_state():
    check_words(TABLES)


@pytest.mark.parametrize(
    ("table", "before", "after"), PAIRS, ids=lambda value: getattr(value, "thing", value)
)
def test_a_move_is_allowed_exactly_when_the_table_has_it(table, before, after):
    if after in table.moves[before]:
        table.check(before, after, code="X")
    else:
        with pytest.raises(AlreadyDone if before == after else WrongState):
            table.check(before, after, code="X")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.thing)
def test_every_state_can_be_said(table):
    assert [state for state in (*table.words, table.thing) if state not in WORDS] == []


def test_the_diagrams_are_those_of_the_tables():
    spec = importlib.util.spec_from_file_location("states", ROOT / "scripts/states.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.TARGET.read_text(encoding="utf-8") == module.render(), "run python scripts/states.py"
