"""The page on which anybody checks a result sheet, without an account and without a network."""

from __future__ import annotations

from flask import Response, request

from lims.compression import compressed
from lims.extensions import db
from lims.results.verifier.page import get_page
from lims.results.views import results
from lims.security import kept_by_browsers


@results.get("/verify")
@kept_by_browsers
@compressed
def show_verifier() -> Response:
    """Show the page that checks certificates: one file, the same for everybody."""
    page = get_page(db.session())
    answer = Response(page.html, mimetype="text/html")
    answer.headers["Content-Security-Policy"] = page.policy
    answer.add_etag()
    answer.make_conditional(request)
    return answer
