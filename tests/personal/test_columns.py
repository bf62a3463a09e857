"""R5: every column that could say something of a person is listed, with its purpose, its term and how it is kept."""

from __future__ import annotations

import re
from importlib import import_module

from sqlalchemy import JSON, CheckConstraint, Date, LargeBinary, String, Table

from lims.database import MODEL_MODULES
from lims.personal.columns import NOT_PERSONAL, PERSONAL
from lims.tables import Base

for _module in MODEL_MODULES:
    import_module(_module)


def _fixed_words(table: Table) -> set[str]:
    """Return the columns whose values the database keeps to a list of words."""
    checks = (c for c in table.constraints if isinstance(c, CheckConstraint))
    found = (re.match(r"(\w+) IN \('", str(check.sqltext)) for check in checks)
    return {match[1] for match in found if match}


def _free_columns() -> set[str]:
    return {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String | JSON | LargeBinary | Date)
        and not column.foreign_keys
        and column.name not in _fixed_words(table)
    }


def test_every_column_that_can_hold_words_is_on_one_of_the_lists():
    listed = {*PERSONAL, *(f"{table}.{name}" for table, names in NOT_PERSONAL.items() for name in names)}
    assert sorted(_free_columns() - listed) == []
    assert sorted(listed - _free_columns()) == []


def test_no_column_is_on_both_lists():
    assert [key for key in PERSONAL if key.split(".")[1] in NOT_PERSONAL.get(key.split(".")[0], ())] == []


def test_every_personal_column_says_why_how_long_and_how():
    assert [key for key, why in PERSONAL.items() if not (why.purpose and why.kept and why.how)] == []


def test_what_is_called_sealed_says_that_it_is_encrypted():
    sealed = [key for key in PERSONAL if key.endswith("_sealed")]
    assert [key for key in sealed if "encrypted" not in PERSONAL[key].how] == []
