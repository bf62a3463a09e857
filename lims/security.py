"""Who is asking, may they, and the headers of every answer. Deny by default: a route that asks for no permission and
is not on the open list answers nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, redirect, request, url_for
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.wrappers import Response as AnyResponse

from lims.auth import sessions
from lims.auth.actors import RESIDENT, Actor
from lims.auth.rules import OPEN_ENDPOINTS
from lims.config import Settings
from lims.errors import NotAllowed, SignInNeeded
from lims.extensions import csrf

# Where a program's own token is heard; anywhere else it is nobody's.
FOR_PROGRAMS = ("/api/", "/fhir", "/metrics")
View = TypeVar("View", bound=Callable[..., Any])

POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# The reader of the camera's codes is WebAssembly; its page and its worker may compile it, and nothing more.
POLICY_OF_READER = POLICY.replace("script-src 'self'", "script-src 'self' 'wasm-unsafe-eval'")


def needs(permission: str) -> Callable[[View], View]:
    """Mark a view with the permission it asks for; `auth.rules.PERMISSIONS` says which roles have it."""

    def mark(view: View) -> View:
        view.needed_permission = permission  # type: ignore[attr-defined]
        return view

    return mark


def kept_by_browsers(view: View) -> View:
    """Mark a view whose answer is the same for everybody and holds no data: a browser may keep it, and asks by its ETag
    whether it still holds."""
    view.kept_by_browsers = True  # type: ignore[attr-defined]
    return view


def is_api() -> bool:
    """Tell whether the request is for a program, which wants JSON and never a redirect."""
    return request.path.startswith(FOR_PROGRAMS)


def current_actor() -> Actor:
    """Return who is asking; a resident where nobody is signed in."""
    actor: Actor = g.get("actor", RESIDENT)
    return actor


def _identify() -> None:
    g.actor = RESIDENT
    if request.endpoint == "static":
        return
    g.actor, g.session_kind = sessions.identify(request)
    if g.session_kind == "client" and not request.path.startswith(FOR_PROGRAMS):
        g.actor = RESIDENT
    if is_api() and g.session_kind == "browser":
        csrf.protect()


def _authorise() -> AnyResponse | None:
    endpoint = request.endpoint
    if endpoint is None or endpoint in OPEN_ENDPOINTS:
        return None
    view = current_app.view_functions.get(endpoint)
    permission = getattr(view, "needed_permission", None)
    if current_actor().user_id is None:
        if is_api():
            raise SignInNeeded("Sign in first.")
        return redirect(url_for("auth.sign_in", next=request.full_path if request.method == "GET" else None))
    if permission is None:
        raise NotAllowed("Nobody has been given access to this page yet. Tell the administrator.")
    current_actor().check(permission)
    return None


def _set_headers(response: Response) -> Response:
    headers = response.headers
    headers.setdefault("Content-Security-Policy", POLICY)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "camera=(self), microphone=(), geolocation=()"
    if request.endpoint != "static":
        headers["Cache-Control"] = "no-cache" if _may_be_kept(response) else "no-store"
        headers["X-Robots-Tag"] = "noindex"
    elif "v" in request.args:
        headers["Cache-Control"] = "public, max-age=86400"
    if request.is_secure:
        headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def _may_be_kept(response: Response) -> bool:
    view = current_app.view_functions.get(request.endpoint or "")
    return response.status_code in {200, 304} and getattr(view, "kept_by_browsers", False)


def init_app(app: Flask, settings: Settings) -> None:
    """Attach identification, authorisation and headers to every request."""
    if settings.trusted_proxies:
        # Each proxy adds the address it heard from, but scheme and host are set once, by the outermost or afresh by
        # each; asked for as many values as there are proxies, ProxyFix would ignore the one that comes.
        fixed = ProxyFix(app.wsgi_app, x_for=settings.trusted_proxies, x_proto=1, x_host=1)
        app.wsgi_app = fixed  # type: ignore[method-assign]
    app.before_request(_identify)
    app.before_request(_authorise)
    app.after_request(_set_headers)
