"""The collection station: choose the session once, then person, tube, next."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import clock
from lims.errors import InvalidInput
from lims.extensions import db
from lims.intake.actions import collections as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.queries import samples as sample_queries
from lims.intake.rules import MODES
from lims.intake.views import intake
from lims.intake.views.sent import sent_id
from lims.places import queries as place_queries
from lims.security import current_actor, needs

ORDERS = ("person", "tube")


@intake.get("/collection")
@needs("collect")
def collect() -> str | Response:
    """Show the station of a session; without one, ask for site, kind of tubes and order."""
    actor = current_actor()
    session = db.session()
    sites = place_queries.list_sites(session, actor=actor)
    place_id = request.args.get("place", type=uuid.UUID)
    mode, order = request.args.get("mode", ""), request.args.get("order", "person")
    place = next((site for site in sites if site.id == place_id), None)
    if place is None or mode not in MODES or order not in ORDERS:
        return render_template("intake/collect_session.html", sites=sites, chosen=place_id)
    session_id = request.args.get("session", type=uuid.UUID)
    if session_id is None:
        # in the address, so that a page loaded again goes on with the same session
        return redirect(
            url_for("intake.collect", place=place.id, mode=mode, order=order, session=uuid.uuid4())
        )
    scans = sample_queries.list_last_scans(
        session, collected_by_id=actor.user_id, place_id=place.id, day=clock.today()
    )
    answer = render_template(
        "intake/collect.html",
        place=place,
        mode=mode,
        order=order,
        session_id=session_id,
        mine=sample_queries.count_collected(
            session, place_id=place.id, day=clock.today(), collected_by_id=actor.user_id
        ),
        all_here=sample_queries.count_collected(session, place_id=place.id, day=clock.today()),
        scans=scans,
    )
    record_accesses(actor=actor, person_ids={one.person_id for one in scans}, shown_by="list")
    return answer


@intake.post("/collection/undoings")
@needs("collect")
def undo_collection() -> Response:
    """Take an earlier scan back from the list of today's scans."""
    answer = actions.undo_collection(
        actor=current_actor(), client_id=sent_id(), scan_client_id=sent_id("scan_client_id")
    )
    flash(_("The scan of tube %(tube)s was taken back.", tube=answer["tube"]), "success")
    back = request.form.get("back", "")
    if not back.startswith("/collection"):
        raise InvalidInput("This page was open for too long. Send it once more.", field="back")
    return redirect(back)
