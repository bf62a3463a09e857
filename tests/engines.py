"""Databases for tests: migrated once per engine, then copied; a private PostgreSQL server."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool
from werkzeug.routing import Rule

from lims import create_app, database
from lims.config import Settings

POSTGRESQL_BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
# On Debian `make test` installs PostgreSQL; elsewhere its absence is said in one line by the Makefile.
ENGINES = ("sqlite", "postgresql") if POSTGRESQL_BIN else ("sqlite",)
SECRET_KEY = "a-secret-key-for-tests-only-0123456789"


_BUILDERS: dict[Any, Any] = {}
_compile_builder = Rule._compile_builder


def _compiled_once(rule: Rule, append_unknown: bool = True) -> Any:
    # Werkzeug compiles two functions for every route of every application, 60 ms in all; the functions take the rule as
    # an argument and hold nothing of it but its text, so the applications of one process may share them.
    key = (rule.rule, tuple(rule._trace), repr(rule.defaults), append_unknown)
    if key not in _BUILDERS:
        _BUILDERS[key] = _compile_builder(rule, append_unknown)
    return _BUILDERS[key]


Rule._compile_builder = _compiled_once  # type: ignore[method-assign]


def make_app(database_url: str, folder: Path, **settings: object) -> APIFlask:
    """Return the application on a database."""
    app = create_app(
        Settings(secret_key=SECRET_KEY, database_url=database_url, instance_path=folder, **settings)  # type: ignore[arg-type]
    )
    app.testing = True
    return app


def free_port() -> int:
    """Return a port of the loopback that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class PostgreSQL:
    """A private server: trust on the loopback, fsync off as nothing of it outlives the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "postgresql"
        self.port = free_port()
        self.folder.mkdir()
        shutil.chown(self.folder, "postgres") if os.geteuid() == 0 else None
        for parent in [self.folder, *self.folder.parents][:-1]:
            # initdb as another user must be able to pass through the temporary folders above
            if os.geteuid() == 0 and not parent.stat().st_mode & 0o001:
                parent.chmod(parent.stat().st_mode | 0o011)
        data = str(self.folder / "data")
        self._run("initdb", "-D", data, "-A", "trust", "-U", "lims", "-E", "UTF8", "--locale=C.UTF-8")
        options = (
            f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder} "
            "-c fsync=off -c full_page_writes=off -c synchronous_commit=off -c max_connections=200"
        )
        self._run("pg_ctl", "-D", data, "-l", str(self.folder / "log"), "-w", "-o", options, "start")

    def url(self, name: str) -> str:
        """Return the address of a database."""
        return f"postgresql+psycopg://lims@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """End the server."""
        self._run("pg_ctl", "-D", str(self.folder / "data"), "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(POSTGRESQL_BIN / program), *arguments]
        if os.geteuid() == 0:
            command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder)


class Engines:
    """One migrated template per engine and fresh copies of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._sqlite: Path | None = None
        self._server: PostgreSQL | None = None
        self._administration: Connection | None = None

    def server(self) -> PostgreSQL:
        """Return the PostgreSQL server, started at first use, its template migrated."""
        if self._server is None:
            self._server = PostgreSQL(self.folder)
            self._statement("create database template_lims")
            self._migrate(self._server.url("template_lims"))
        return self._server

    @contextmanager
    def fresh(self, engine: str, folder: Path) -> Iterator[str]:
        """Yield the address of a fresh database."""
        if engine == "sqlite":
            if self._sqlite is None:
                self._sqlite = self.folder / "template.sqlite"
                self._migrate(f"sqlite:///{self._sqlite}")
            shutil.copy(self._sqlite, folder / "lims.sqlite")
            yield f"sqlite:///{folder / 'lims.sqlite'}"
            return
        name = f"test_{uuid.uuid4().hex}"
        server = self.server()
        self._statement(f"create database {name} template template_lims")
        yield server.url(name)
        self._statement(f"drop database {name} with (force)")

    def close(self) -> None:
        """End what was started."""
        if self._administration:
            self._administration.close()
        if self._server:
            self._server.stop()

    def _migrate(self, url: str) -> None:
        app = make_app(url, self.folder)
        with app.app_context(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            database.upgrade()
            from lims.extensions import db

            if url.startswith("sqlite"):
                with db.engine.connect() as connection:
                    connection.exec_driver_sql("pragma wal_checkpoint(truncate)")
            db.session.remove()
            db.engine.dispose()

    def _statement(self, statement: str) -> None:
        if self._administration is None:
            engine = create_engine(
                self._server.url("postgres"), isolation_level="AUTOCOMMIT", poolclass=NullPool
            )
            self._administration = engine.connect()
        self._administration.execute(text(statement))
