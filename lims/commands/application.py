"""The application for as long as a command runs, its connections closed at the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from apiflask import APIFlask

from lims import create_app
from lims.config import Settings
from lims.extensions import db


def release(app: APIFlask) -> None:
    """Close every connection of an application."""
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


@contextmanager
def opened(settings: Settings) -> Iterator[APIFlask]:
    """Make the application, be inside its context, and close its connections at the end."""
    app = create_app(settings)
    try:
        with app.app_context():
            yield app
    finally:
        release(app)
