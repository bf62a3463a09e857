"""Reception: what is on its way, a box and then its tubes, what was found."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.errors import LimsError, NotFound, Refused
from lims.extensions import db
from lims.intake.actions import reception as actions
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import tubes as tube_queries
from lims.intake.receiving import CONDITIONS
from lims.intake.rules import REJECTION_REASONS
from lims.intake.views import intake
from lims.intake.views.sent import mistakes_of, sent_id, sent_number
from lims.language import say, say_error
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.places.models import Laboratory
from lims.security import current_actor, needs

ARRIVING = ("dispatched", "received")


@intake.get("/reception")
@needs("receive_boxes")
def receive() -> str:
    """Show what is on its way, what waits for its names, and take tubes that came without a box."""
    return _show_reception()


def _show_reception(refusal: LimsError | None = None) -> str:
    session, actor = db.session(), current_actor()
    laboratory, laboratories = _laboratory()
    boxes = box_queries.list_boxes(session, actor=actor, statuses=ARRIVING, arriving=True)
    return render_template(
        "intake/reception.html",
        laboratory=laboratory,
        laboratories=laboratories,
        boxes=boxes,
        counts=box_queries.count_box_tubes(session, box_ids=[box.id for box in boxes]),
        nameless=tube_queries.list_tubes_without_names(session, actor=actor, most=50),
        conditions=CONDITIONS,
        reasons=REJECTION_REASONS,
        mistakes=mistakes_of(refusal),
        sent=request.form if refusal else {},
    )


def _laboratory() -> tuple[Laboratory, Sequence[Laboratory]]:
    """Return the laboratory chosen and all of the actor's."""
    laboratories = place_queries.list_laboratories(db.session(), actor=current_actor())
    if not laboratories:
        raise NotFound("Your account belongs to no laboratory. Ask your coordinator.")
    wanted = request.args.get("laboratory_id", type=uuid.UUID)
    return next((one for one in laboratories if one.place_id == wanted), laboratories[0]), laboratories


@intake.route("/reception/<box_code>", methods=["GET", "POST"])
@needs("receive_boxes")
def receive_box(box_code: str) -> str | Response | tuple[str, int]:
    """Receive a box, then scan its tubes; afterwards show what was found."""
    session, actor = db.session(), current_actor()
    laboratory, _all = _laboratory()
    if request.method == "POST":
        try:
            actions.receive_box(
                actor=actor,
                client_id=sent_id(),
                box_code=box_code,
                laboratory_id=sent_id("laboratory_id", missing=N_("Choose a laboratory.")),
                temperature_c=sent_number("temperature_c"),
                anyway=request.form.get("anyway") == "yes",
            )
        except LimsError as refusal:
            return _refuse_box(box_code, laboratory, refusal)
        return redirect(
            url_for("intake.receive_box", box_code=box_code, laboratory_id=request.form["laboratory_id"])
        )
    box = box_queries.find_box_of_province(session, code=box_code, province_id=laboratory.place.province_id)
    tubes = box_queries.list_box_tubes(session, box_id=box.id)
    if box.status not in ("received", "reconciled"):
        return render_template("intake/receive_box.html", box=box, laboratory=laboratory)
    box_queries.check_sees(actor, box)
    found = actions.compare_box(box, tubes)
    template = "receive_tubes" if box.status == "received" else "received_box"
    return render_template(
        f"intake/{template}.html",
        box=box,
        laboratory=laboratory,
        tubes=tubes,
        found=found,
        conditions=CONDITIONS,
    )


def _refuse_box(box_code: str, laboratory: Laboratory, refusal: LimsError) -> Response | tuple[str, int]:
    """Show the form of a box again, with the sentence beside its field; a box that is here already is shown itself."""
    session = db.session()
    session.rollback()
    box = box_queries.find_box_of_province(session, code=box_code, province_id=laboratory.place.province_id)
    if box.status in ("received", "reconciled"):
        flash(say_error(refusal), "warning")
        return redirect(url_for("intake.receive_box", box_code=box.code, laboratory_id=laboratory.place_id))
    asks = isinstance(refusal, Refused) and refusal.field == "laboratory_id"
    page = render_template(
        "intake/receive_box.html",
        box=box,
        laboratory=laboratory,
        elsewhere=say_error(refusal) if asks else "",
        mistakes={} if asks else mistakes_of(refusal),
        sent=request.form,
    )
    return page, refusal.status


@intake.post("/reception/<box_code>/reconciliation")
@needs("receive_boxes")
def reconcile_box(box_code: str) -> Response:
    """Compare a box with its list and close it."""
    answer = actions.reconcile_box(actor=current_actor(), client_id=sent_id(), box_code=box_code)
    wrong = [name for name in ("missing", "extra", "damaged", "too_old", "too_warm") if answer[name]]
    if wrong:
        flash(_("The box is checked. What did not fit is named below."), "warning")
    else:
        flash(_("The box is checked and complete."), "success")
    return redirect(url_for("intake.receive_box", box_code=answer["box"]))


@intake.post("/reception/rejections")
@needs("receive_boxes")
def reject_tubes() -> Response | tuple[str, int]:
    """Reject tubes typed or scanned one a line; the people in them are asked for new samples."""
    scanned = request.form.get("tubes", "")[:20_000].split("\n")
    try:
        answer = actions.reject_tubes(
            actor=current_actor(),
            client_id=sent_id(),
            tube_codes=[line.strip() for line in scanned if line.strip()][:500],
            reason=request.form.get("reason", "")[:24],
        )
    except LimsError as refusal:
        db.session.rollback()
        return _show_reception(refusal), refusal.status
    for verdict in answer["verdicts"]:
        category = {"good": "success", "again": "warning", "wrong": "error"}[verdict["verdict"]]
        flash(say(verdict["message"], verdict["parameters"]), category)
    return redirect(url_for("intake.receive"))
