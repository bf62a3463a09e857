"""Sessions on the server: a random token in the cookie, its SHA-256 in the table; and who an account is.

A cookie saved before signing out is dead afterwards, which a client-side session cannot promise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from flask import Request, current_app

from lims import clock
from lims.auth import actions, queries
from lims.auth.actors import RESIDENT, Actor
from lims.auth.clients import actions as client_actions
from lims.auth.clients import queries as client_queries
from lims.extensions import db

TOUCH_AFTER = timedelta(minutes=5)
# Who a phone's token stands for; named by the package that keeps the phones, which is not known here.
_find_device: Callable[[str], Actor | None] = lambda token: None  # noqa: E731


def identify_devices_with(find: Callable[[str], Actor | None]) -> None:
    """Name what finds the actor of a phone's token; None is answered for a token that is not live."""
    global _find_device
    _find_device = find


def cookie_name() -> str:
    """Return the cookie's name: `__Host-` where the site is served over https."""
    return "__Host-lims" if current_app.config["SESSION_COOKIE_SECURE"] else "lims-sign-in"


def hash_token(token: str) -> bytes:
    """Return what is stored of a token, 32 bytes."""
    return hashlib.sha256(token.encode()).digest()


def read_token(request: Request) -> tuple[str, str]:
    """Return the token a request carries and its kind: "browser", "program", "client", "device" or "" for none.

    A program that signed in with a password is a "program", one with a token of its own a "client".
    """
    header = request.headers.get("Authorization", "")
    if header.startswith("Device "):
        return header.removeprefix("Device ").strip(), "device"
    if header.startswith("Bearer "):
        token = header.removeprefix("Bearer ").strip()
        return token, "client" if token.startswith(client_actions.PREFIX) else "program"
    token = request.cookies.get(cookie_name(), "")
    return token, "browser" if token else ""


def identify(request: Request) -> tuple[Actor, str]:
    """Return who sends a request and by which kind of session; a resident and "" for anybody else.

    A browser's token is refused as a program's and the other way round.
    """
    token, kind = read_token(request)
    if not token:
        return RESIDENT, ""
    if kind == "device":
        return _find_device(token) or RESIDENT, kind
    if kind == "client":
        return _find_client(token) or RESIDENT, kind
    found = queries.find_live_session(db.session(), token_hash=hash_token(token), kind=kind, now=clock.now())
    if found is None:
        return RESIDENT, ""
    if clock.now() - found.last_seen_at > TOUCH_AFTER:
        actions.touch_session(actor=RESIDENT, session_id=found.id)
    return queries.get_actor(db.session(), user_id=found.user_id), kind


def _find_client(token: str) -> Actor | None:
    """Return the actor of a program's own token: its account, narrowed to the token's scopes; None for a dead one."""
    now = clock.now()
    found = client_queries.find_live_client(db.session(), token_hash=hash_token(token), now=now)
    if found is None:
        return None
    user_id, scopes = found.user_id, frozenset(found.scopes)
    if found.last_used_at is None or now - found.last_used_at > TOUCH_AFTER:
        client_actions.touch_client(actor=RESIDENT, api_client_id=found.id)
    return replace(queries.get_actor(db.session(), user_id=user_id), scopes=scopes)
