"""Attaching the database: engine options, the engine's hooks, and all models known to migrations."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from lims.config import Settings
from lims.extensions import db, migrate
from lims.transaction import prepare_engine

MODEL_MODULES = (
    "lims.audit",
    "lims.uncounted",
    "lims.inbox",
    "lims.auth.models",
    "lims.places.models",
    "lims.outbox.models",
    "lims.intake.models",
    "lims.intake.contacts.models",
    "lims.field.models",
    "lims.pooling.models",
    "lims.results.models",
    "lims.results.fhir.models",
    "lims.results.certificates.models",
    "lims.personal.models",
    "lims.exports.models",
    "lims.capacity.models",
)


def engine_options(settings: Settings) -> dict[str, Any]:
    """Return SQLAlchemy's engine options for the engine in use.

    SQLite comes from the pysqlite3 package, whose library is newer than Debian's and free of its corruption fault.
    """
    if settings.is_sqlite:
        import pysqlite3.dbapi2

        return {"module": pysqlite3.dbapi2}
    return {
        "pool_pre_ping": True,
        "pool_size": 5,
        "connect_args": {"connect_timeout": 5, "options": "-c timezone=UTC"},
    }


def init_app(app: Flask, settings: Settings) -> None:
    """Attach the database to the application."""
    settings.instance_path.mkdir(parents=True, exist_ok=True)
    app.config["SQLALCHEMY_DATABASE_URI"] = settings.database_url
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options(settings)
    for module in MODEL_MODULES:
        import_module(module)
    db.init_app(app)
    migrate.init_app(app, db)
    with app.app_context():
        prepare_engine(db.engine)


def upgrade() -> None:
    """Bring the database to the newest migration; to be called inside an application context."""
    from flask_migrate import upgrade as migrate_upgrade

    migrate_upgrade(directory=migrate.directory)


def current_revision() -> str:
    """Return the migration the database is at, "" for an empty one; inside an application context."""
    with db.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() or ""


def newest_revision() -> str:
    """Return the newest migration that this version of the product has."""
    config = Config()
    config.set_main_option("script_location", migrate.directory)
    return ScriptDirectory.from_config(config).get_current_head() or ""
