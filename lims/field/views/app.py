"""The shell of the phones' app: its page, how it is installed, and what keeps it on the phone. No data of anybody."""

from __future__ import annotations

from flask import Response, redirect, request, url_for
from flask_babel import get_locale
from werkzeug.wrappers import Response as AnyResponse

from lims.compression import compressed
from lims.field import shell
from lims.field.views import field
from lims.security import POLICY_OF_READER, kept_by_browsers

SCRIPT = "text/javascript"


@field.get("/field/")
def start() -> AnyResponse:
    """Send a phone to the app in its language."""
    return redirect(url_for("field.app", language=str(get_locale())))


@field.get("/field/<any(vi, en):language>")
@kept_by_browsers
@compressed
def app(language: str) -> Response:
    """Show the app, which fills itself from what the phone keeps."""
    return _answer(shell.render_page(language), "text/html", policy=POLICY_OF_READER)


@field.get("/field/<any(vi, en):language>/manifest.webmanifest")
@kept_by_browsers
@compressed
def manifest(language: str) -> Response:
    """Say how the app is installed."""
    return _answer(shell.render_manifest(language), "application/manifest+json")


@field.get("/field/<any(sw, reader):script>.js")
@kept_by_browsers
@compressed
def service_worker(script: str) -> Response:
    """Answer with a script that works beside the page: the service worker, or the camera's reader of codes."""
    if script == "reader":
        return _answer(shell.READER, SCRIPT, policy=POLICY_OF_READER)
    return _answer(shell.render_service_worker(), SCRIPT)


def _answer(content: str, mimetype: str, *, policy: str = "") -> Response:
    response = Response(content, mimetype=mimetype)
    if policy:
        response.headers["Content-Security-Policy"] = policy
    response.add_etag()
    response.make_conditional(request)
    return response
