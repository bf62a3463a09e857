"""Pages that belong to no station: the front page, a role's home, search, language, health."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for
from flask_babel import gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import codes, home, labels
from lims.errors import LimsError
from lims.extensions import db
from lims.language import LANGUAGES, say_error
from lims.navigation import entries_for
from lims.security import current_actor, needs
from lims.timeline import read_own

pages = Blueprint("pages", __name__)

# Where the record of a code is, by the kind of code: endpoint, the address's argument, the permission it asks for.
RECORDS = {
    "declaration": ("intake.show_declaration", "code", "see_people"),
    "tube": ("intake.show_tube", "code", "search"),
    "box": ("intake.show_box", "code", "pack_boxes"),
    "pool": ("pooling.show_pool", "pool_code", "see_laboratory"),
    "plate": ("pooling.show_run", "run_code", "see_laboratory"),
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
    """Go to the record of a code, or list the people of a name; what a role may not open is said in a sentence."""
    query = request.args.get("q", "").strip()
    refusal = ""
    if query:
        try:
            found = codes.parse(query, field="q")
        except LimsError as error:
            if current_actor().can("see_people"):
                return redirect(url_for("intake.list_people", q=query))
            has_digits = any(character.isdigit() for character in query)
            refusal = say_error(error) if has_digits else _("Only codes can be searched with your role.")
        else:
            endpoint, argument, permission = RECORDS.get(found.kind, ("", "", ""))
            if endpoint and current_actor().can(permission):
                values: dict[str, Any] = {argument: found.text}
                return redirect(url_for(endpoint, **values))
            refusal = _refuse_record(found)
    return render_template("pages/search.html", query=query, refusal=refusal)


def _refuse_record(found: codes.Code) -> str:
    code = codes.grouped(found.text)
    if found.kind == "declaration":
        return _("%(code)s is the code of a declaration. Your role cannot open people's records.", code=code)
    if found.kind in RECORDS:
        return _("Your role cannot open the record of %(code)s.", code=code)
    return _("There is no record to open for %(code)s.", code=code)


@pages.get("/command-card")
@needs("home")
def show_command_card() -> str:
    """Show the codes that a hand scanner reads as commands, to be printed and stuck beside a station."""
    commands = [
        ("CMD-DONE", gettext("Done: close what is being filled")),
        ("CMD-UNDO", gettext("Take back the last scan")),
    ]
    cards = [(text, words, labels.qr_svg(text, label=words)) for text, words in commands]
    return render_template("pages/command_card.html", cards=cards)


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
