"""How Alembic reaches the application's database. Runs inside the application's context only."""

from __future__ import annotations

from alembic import context

from lims.extensions import db


def run() -> None:
    """Run the migrations, each in its own transaction, on the application's engine."""
    with db.engine.execution_options(writes=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            transaction_per_migration=True,
            compare_type=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
