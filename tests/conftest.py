"""Fixtures shared by all tests: one migrated database per engine, copied for each test; the application.

Every test that asks for `app` runs on SQLite and on PostgreSQL. The PostgreSQL server is a private one, started
by the tests on a free port of the loopback and ended with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from apiflask import APIFlask
from engines import ENGINES, Engines
from hypothesis import settings as hypothesis_settings

hypothesis_settings.register_profile("lims", deadline=None, derandomize=True)
hypothesis_settings.load_profile("lims")


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """Templates of migrated databases, made once a session.

    In a folder of their own: pytest clears older temporary folders, also those of another session at work.
    """
    with TemporaryDirectory(prefix="lims-tests-", ignore_cleanup_errors=True) as folder:
        made = Engines(Path(folder))
        yield made
        made.close()


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest, engines: Engines, tmp_path: Path) -> Iterator[str]:
    """The address of a fresh, migrated, empty database; one run per engine."""
    with engines.fresh(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def app(database_url: str, tmp_path: Path) -> Iterator[APIFlask]:
    """The application on a fresh database, inside its context."""
    from engines import make_app

    made = make_app(database_url, tmp_path)
    with made.app_context():
        yield made
        from lims.extensions import db

        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: APIFlask):
    """A browser without a session."""
    return app.test_client()


from factories import world  # noqa: E402, F401  (a fixture)
