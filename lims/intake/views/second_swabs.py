"""The page on which a collector notes second tubes of the same visit: two scans a pair."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from lims.errors import InvalidInput
from lims.extensions import db
from lims.intake.actions import second_swabs as actions
from lims.intake.views import intake
from lims.intake.views.sent import sent_id
from lims.language import say
from lims.places import queries as place_queries
from lims.security import current_actor, needs


@intake.get("/collection/second-swabs")
@needs("collect")
def list_second_swabs() -> str:
    """Show two fields: the tube just filled, and the second one."""
    sites = place_queries.list_sites(db.session(), actor=current_actor())
    wanted = request.args.get("place", type=uuid.UUID)
    place = next((site for site in sites if site.id == wanted), sites[0] if sites else None)
    return render_template("intake/second_swabs.html", sites=sites, place=place)


@intake.post("/collection/second-swabs")
@needs("collect")
def note_second_swab() -> Response:
    """Note one pair; the page comes back ready for the next."""
    place_id = sent_id("place_id")
    pair = {"tube": request.form.get("tube", ""), "second": request.form.get("second", "")}
    if not pair["tube"].strip() or not pair["second"].strip():
        raise InvalidInput("Scan both tubes: first the one just filled, then the second.", field="second")
    answer = actions.note_second_swabs(
        actor=current_actor(), client_id=sent_id(), place_id=place_id, pairs=[pair]
    )
    (verdict,) = answer["verdicts"]
    tone = {"good": "success", "again": "warning"}.get(verdict["verdict"], "error")
    flash(say(verdict["message"], verdict["parameters"]), tone)
    return redirect(url_for("intake.list_second_swabs", place=place_id))
