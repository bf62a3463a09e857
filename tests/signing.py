"""Signed-in clients for tests of pages and of the API."""

from __future__ import annotations

from flask.testing import FlaskClient

from lims.auth.actions import start_session
from lims.auth.actors import Actor


def sign_in(client: FlaskClient, actor: Actor) -> FlaskClient:
    """Give a client the browser session of an account and return it."""
    token = start_session(actor=actor, user_id=actor.user_id, kind="browser")
    client.set_cookie("lims-sign-in", token)
    return client


def bearer(actor: Actor) -> dict[str, str]:
    """Return the headers of a program signed in as an account."""
    token = start_session(actor=actor, user_id=actor.user_id, kind="program")
    return {"Authorization": f"Bearer {token}"}
