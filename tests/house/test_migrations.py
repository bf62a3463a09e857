"""Migrations make exactly the tables of the models, on both engines, and can be taken back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade
from sqlalchemy import inspect

from lims import database
from lims.extensions import db, migrate

VERSIONS = Path(migrate.directory) / "versions"


@pytest.mark.filterwarnings("ignore")
def test_the_schema_is_that_of_the_models(app):
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, db.metadata) == []


@pytest.mark.filterwarnings("ignore")
def test_migrations_can_be_taken_back_and_made_again(app):
    downgrade(directory=migrate.directory, revision="base")
    assert set(inspect(db.engine).get_table_names()) == {"alembic_version"}
    database.upgrade()
    assert set(inspect(db.engine).get_table_names()) == {*db.metadata.tables, "alembic_version"}
    assert database.current_revision() == database.newest_revision() != ""


def test_a_second_upgrade_changes_nothing(app):
    before = database.current_revision()
    database.upgrade()
    assert database.current_revision() == before


def test_migrations_form_one_line_in_the_order_of_their_numbers():
    found = {}
    for file in sorted(VERSIONS.glob("0*.py")):
        text = file.read_text(encoding="utf-8")
        found[file.name] = (
            re.search(r"^revision.*= [\"'](\w+)[\"']", text, re.MULTILINE)[1],
            (re.search(r"^down_revision.*= [\"'](\w+)[\"']", text, re.MULTILINE) or [None, None])[1],
        )
    numbers = [revision for revision, _ in found.values()]
    assert [before for _, before in found.values()] == [None, *numbers[:-1]]
    assert all(name.startswith(revision) for name, (revision, _) in found.items())
