"""A laboratory information management system for pooled RT-PCR testing campaigns."""

from __future__ import annotations

from pathlib import Path

from apiflask import APIFlask

from lims.config import Settings

__version__ = "1.0.0"
HERE = Path(__file__).parent


def create_app(settings: Settings | None = None) -> APIFlask:
    """Make the application: a table of contents.

    Args:
        settings: everything the environment decides; read from it by default.

    Raises:
        lims.config.SettingsError: a setting is missing or unsafe.
    """
    from lims import api_document, compression, database, edge, extensions, language, registry, security, web
    from lims.vault import Vault

    settings = settings or Settings.from_environment()
    app = APIFlask(
        __name__,
        title="LIMS for pooled PCR testing",
        version=__version__,
        json_errors=False,
        spec_path="/api/v1/openapi.json",
        docs_path=None,
        static_folder=str(_folder("static")),
        template_folder=str(_folder("templates")),
        instance_path=str(settings.instance_path),
    )
    app.config.from_mapping(web.flask_config(settings))
    app.extensions["lims.settings"] = settings
    app.extensions["lims.vault"] = Vault(settings.secret_key)
    database.init_app(app, settings)
    extensions.csrf.init_app(app)
    language.init_app(app)
    security.init_app(app, settings)
    edge.init_app(app)
    compression.init_app(app)
    web.init_app(app)
    registry.register_blueprints(app)
    api_document.init_app(app)
    return app


def _folder(name: str) -> Path:
    """Return static/ or templates/: inside the package when installed, beside it in a checkout."""
    inside = HERE / name
    return inside if inside.is_dir() else HERE.parent / name
