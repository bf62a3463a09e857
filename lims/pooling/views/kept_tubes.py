"""The page of kept tubes: which to fetch for retests and where they stand; storages; putting a rack away."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims.errors import LimsError
from lims.extensions import db
from lims.intake.actions import storing as actions
from lims.intake.queries.storages import list_storages
from lims.language import say, say_error
from lims.pooling.queries import pools as queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, do_and_go, sent_id
from lims.security import current_actor, needs


@pooling.get("/kept-tubes")
@needs("see_laboratory")
def list_kept_tubes() -> str:
    """Show where each tube stands that a retest, a repeat or a confirmation needs, rack by rack."""
    laboratory, choices = choose_laboratory()
    session = db.session()
    return render_template(
        "pooling/kept_tubes.html",
        laboratory=laboratory,
        laboratories=choices,
        rows=queries.list_tubes_to_fetch(session, laboratory_id=laboratory.place_id),
        storages=list_storages(session, laboratory_id=laboratory.place_id),
    )


@pooling.post("/storages")
@needs("receive_boxes")
def add_storage() -> Response:
    """Name a refrigerator or a freezer."""
    laboratory, _choices = choose_laboratory()
    text = request.form.get("temperature_c", "").strip().replace(",", ".").replace("−", "-")
    try:
        temperature = float(text)
    except ValueError:
        flash(_("Enter the temperature as a number, such as 4 or -20."), "error")
        return redirect(url_for("pooling.list_kept_tubes", laboratory_id=laboratory.place_id))
    return do_and_go(
        lambda: actions.add_storage(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory.place_id,
            name=request.form.get("name", ""),
            temperature_c=temperature,
        ),
        said=_("The storage is added."),
        to=url_for("pooling.list_kept_tubes", laboratory_id=laboratory.place_id),
    )


@pooling.post("/kept-tubes")
@needs("receive_boxes")
def store_tubes() -> Response:
    """Note where a rack's tubes stand."""
    laboratory, _choices = choose_laboratory()
    there = redirect(url_for("pooling.list_kept_tubes", laboratory_id=laboratory.place_id))
    try:
        answer = actions.store_tubes(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory.place_id,
            storage_id=request.form.get("storage_id", type=uuid.UUID) or uuid.UUID(int=0),
            rack=request.form.get("rack", ""),
            tube_codes=[line.strip() for line in request.form.get("tubes", "").splitlines() if line.strip()],
        )
    except LimsError as error:
        flash(say_error(error), "error")
        return there
    flash(ngettext("%(num)s tube was put away.", "%(num)s tubes were put away.", answer["stored"]), "success")
    for verdict in answer["verdicts"]:
        if verdict["verdict"] != "good":
            flash(say(verdict["message"], verdict["parameters"]), "warning")
    return there
