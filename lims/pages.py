"""Pages that belong to no station: the front page, a role's home, search, language, health."""

from __future__ import annotations

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from lims.language import LANGUAGES
from lims.navigation import entries_for
from lims.security import current_actor, needs

pages = Blueprint("pages", __name__)


@pages.get("/")
def index() -> str | Response:
    """Show residents what they can do; send staff to their home."""
    if current_actor().user_id is not None:
        return redirect(url_for("pages.home"))
    return render_template("pages/index.html")


@pages.get("/home")
@needs("home")
def home() -> str:
    """Show a role's stations and worklists with their counts."""
    return render_template("pages/home.html", entries=entries_for(current_actor()))


@pages.get("/search")
@needs("search")
def search() -> str | Response:
    """Go to the record of a code, or list the people of a name."""
    return render_template("pages/search.html", query=request.args.get("q", ""))


@pages.post("/language")
def set_language() -> Response:
    """Remember the language chosen and go back."""
    wanted = request.form.get("language", "")
    if wanted in LANGUAGES:
        session["language"] = wanted
    back = request.form.get("next", "/")
    return redirect(back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/")


@pages.get("/health")
def health() -> Response:
    """Say that this process answers."""
    return jsonify(status="ok")
