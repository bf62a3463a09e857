"""Migrations make exactly the tables of the models, on both engines, and can be taken back."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade
from pooling import bench
from pooling.received import receive
from results import desk
from results.test_verification import detected_and_confirmed
from sqlalchemy import func, inspect, select, text
from sqlalchemy.exc import DBAPIError

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


@pytest.mark.filterwarnings("ignore")
def test_an_installation_with_data_goes_back_and_forth_and_loses_nothing(world):
    bench.install(world)
    desk.pool_up(world, receive(world, 20))
    bench.read(world, bench.plan(world))
    before = _counts()
    downgrade(directory=migrate.directory, revision="0003")
    database.upgrade()
    assert _counts() == before
    with db.engine.connect() as connection:
        if db.engine.dialect.name == "sqlite":
            assert connection.execute(text("pragma foreign_key_check")).all() == []
    with pytest.raises(DBAPIError), db.engine.begin() as connection:
        connection.execute(text("delete from result_file"))


@pytest.mark.filterwarnings("ignore")
def test_a_positive_released_before_looks_were_kept_is_not_said_to_have_been_looked_at(world):
    bench.install(world)
    tube = detected_and_confirmed(world)
    desk.verify_and_release_one(world, tube, role="supervisor_confirming")
    db.session.remove()
    downgrade(directory=migrate.directory, revision="0012")
    database.upgrade()
    assert desk.result_of(tube).look == "unrecorded"


def _counts() -> dict[str, int]:
    with db.engine.connect() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in db.metadata.tables.items()
            # what was there is queued to be counted anew
            if name != "uncounted"
        }


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
