"""How Alembic reaches the application's database. Runs inside the application's context only."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import Connection

from lims.extensions import db


def run() -> None:
    """Run the migrations, each in its own transaction, on the application's engine.

    SQLite changes a table by building it anew and dropping the old one. With foreign keys on that deletes its rows
    first, so they are off meanwhile, which is possible outside a transaction only, and each migration is checked
    before it is committed (https://sqlite.org/lang_altertable.html, section 7).
    """
    with db.engine.execution_options(writes=True).connect() as connection:
        _enforce_keys(connection, "off")
        try:
            context.configure(
                connection=connection,
                target_metadata=db.metadata,
                transaction_per_migration=True,
                compare_type=True,
                on_version_apply=_check_keys,
            )
            with context.begin_transaction():
                context.run_migrations()
        finally:
            _enforce_keys(connection, "on")


def _enforce_keys(connection: Connection, switch: str) -> None:
    if connection.dialect.name == "sqlite":
        connection.connection.cursor().execute(f"pragma foreign_keys={switch}")


def _check_keys(
    ctx: MigrationContext, step: MigrationInfo, heads: Collection[Any], run_args: Mapping[str, Any]
) -> None:
    if ctx.connection is not None and ctx.dialect.name == "sqlite":
        broken = ctx.connection.exec_driver_sql("pragma foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"the migration leaves rows without what they refer to: {broken[:10]}")


run()
