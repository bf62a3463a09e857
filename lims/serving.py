"""The server: gunicorn with several processes, told everything by this module and nothing by files or $HOME."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from apiflask import APIFlask
from gunicorn.app.base import BaseApplication

from lims import create_app, database
from lims.auth import queries as auth_queries
from lims.config import Settings, SettingsError
from lims.extensions import db, vault
from lims.intake.queries import people as people_queries
from lims.transaction import check_sqlite_version

THREADS = 4
GRACEFUL_SECONDS = 30


class Server(BaseApplication):
    """Gunicorn on one application, which every worker makes for itself after the fork.

    Args:
        settings: of the application.
        host: address to listen on.
        port: port to listen on.
        workers: processes.
    """

    def __init__(self, settings: Settings, *, host: str, port: int, workers: int) -> None:
        self._lims_settings = settings
        self._options: dict[str, Any] = {
            "bind": f"{host}:{port}",
            "workers": workers,
            # threads, so that a slow phone does not hold a whole process
            "worker_class": "gthread",
            "threads": THREADS,
            "graceful_timeout": GRACEFUL_SECONDS,
            "timeout": 120,
            "keepalive": 5,
            # gunicorn would otherwise open it in $HOME
            "control_socket": str(socket_folder(settings) / f"gunicorn-{port}.ctl"),
            "proc_name": "lims",
            "loglevel": "warning",
            "forwarded_allow_ips": "*" if settings.trusted_proxies else "127.0.0.1",
        }
        super().__init__()

    def load_config(self) -> None:
        """Give gunicorn its options."""
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> APIFlask:
        """Make the application of one worker."""
        return create_app(self._lims_settings)


def socket_folder(settings: Settings) -> Path:
    """Return the folder of the control socket; short, as a socket's path holds 107 characters at most."""
    folder = settings.instance_path
    if len(str(folder)) > 80:
        folder = Path("/tmp") / f"lims-{os.getuid()}"  # noqa: S108  (made private on the next line)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def default_workers() -> int:
    """Return how many processes fit this machine: several, but not more than it has use for."""
    return max(2, min(8, os.cpu_count() or 2))


def check_engine() -> None:
    """Refuse an engine that could lose what it was given; inside an application context.

    Raises:
        SettingsError: SQLite is older than 3.51.3.
    """
    if db.engine.dialect.name != "sqlite":
        return
    try:
        check_sqlite_version()
    except RuntimeError as error:
        raise SettingsError(str(error)) from error


def check_production() -> None:
    """Refuse to serve real people from a database that is not fit for it; inside an application context.

    Raises:
        SettingsError: an unsafe SQLite, a database of another version, one with open demo passwords, or one whose
            people were sealed under another secret key.
    """
    check_engine()
    current, newest = database.current_revision(), database.newest_revision()
    if current != newest:
        raise SettingsError(
            f"The database is at {current or 'no migration'}, this version needs {newest}. Run `lims db upgrade`."
        )
    demo = auth_queries.count_demo_users(db.session())
    first = people_queries.find_first_person_key(db.session())
    db.session.rollback()
    if demo:
        raise SettingsError(
            f"The database has {demo} demonstration accounts with open passwords. Use a new database for real people."
        )
    if first is not None and not vault().opens(first[1], person_id=first[0]):
        raise SettingsError(
            "SECRET_KEY is not the one this database was filled with. "
            "Set the key it was used with, or the database that belongs to this key."
        )


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Listen until the process is told to stop; SIGTERM lets running requests end.

    Args:
        settings: of the application.
        host: address to listen on.
        port: port to listen on.
        workers: processes; 0 for what fits this machine.
    """
    db.session.remove()
    db.engine.dispose()  # no connection may be shared over the fork
    number = workers or default_workers()
    click.echo(f"Listening on http://{host}:{port} with {number} processes; Ctrl+C stops it.", err=True)
    Server(settings, host=host, port=port, workers=number).run()
