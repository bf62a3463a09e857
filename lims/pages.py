"""Pages that belong to no station: the front page, a role's home, search, language, health."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from lims import codes, home
from lims.errors import LimsError
from lims.extensions import db
from lims.language import LANGUAGES, say_error
from lims.navigation import entries_for
from lims.security import current_actor, needs
from lims.timeline import read_own

pages = Blueprint("pages", __name__)

# Where the record of a code is, by the kind of code, and the name of the address's argument.
RECORDS = {
    "declaration": ("intake.show_declaration", "code"),
    "tube": ("intake.show_tube", "code"),
    "box": ("intake.show_box", "code"),
    "pool": ("pooling.show_pool", "code"),
    "plate": ("pooling.show_run", "code"),
}


@pages.get("/")
def index() -> str | Response:
    """Show residents what they can do; send staff to their home."""
    if current_actor().user_id is not None:
        return redirect(url_for("pages.home"))
    return render_template("pages/index.html")


@pages.get("/home", endpoint="home")
@needs("home")
def show_home() -> str:
    """Show a role's stations and worklists with their counts, and its last actions."""
    actor = current_actor()
    entries = entries_for(actor)
    counts = {
        entry.endpoint: home.count_waiting(db.session(), actor=actor, endpoint=entry.endpoint)
        for entry in entries
    }
    return render_template(
        "pages/home.html",
        stations=entries,
        counts=counts,
        roles=sorted(actor.roles),
        last=read_own(db.session(), actor=actor),
    )


@pages.get("/search")
@needs("search")
def search() -> str | Response:
    """Go to the record of a code, or list the people of a name."""
    query = request.args.get("q", "").strip()
    refusal = ""
    if query:
        try:
            found = codes.parse(query, field="q")
        except LimsError as error:
            if current_actor().can("see_people"):
                return redirect(url_for("intake.list_people", q=query))
            refusal = say_error(error)
        else:
            if found.kind in RECORDS:
                endpoint, argument = RECORDS[found.kind]
                values: dict[str, Any] = {argument: found.text}
                return redirect(url_for(endpoint, **values))
    return render_template("pages/search.html", query=query, refusal=refusal)


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
