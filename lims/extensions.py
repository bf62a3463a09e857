"""The extensions, made once and attached in `create_app`.

`db.session` is the read-only session of a request; only `lims.transaction` opens a session that may write.
"""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import current_app
from flask_babel import Babel
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from lims.config import Settings
from lims.tables import Base
from lims.vault import Vault

db = SQLAlchemy(metadata=Base.metadata, session_options={"info": {"read_only": True}})
migrate = Migrate(directory=str(Path(__file__).parent / "migrations"), render_as_batch=False)
babel = Babel()
csrf = CSRFProtect()


def settings() -> Settings:
    """Return the settings of the application in whose context this runs."""
    return cast(Settings, current_app.extensions["lims.settings"])


def vault() -> Vault:
    """Return the vault of the application in whose context this runs."""
    return cast(Vault, current_app.extensions["lims.vault"])
