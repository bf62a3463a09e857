"""Boxes: those on their way, one being packed, sealed, sent and handed over, its manifest; and the record of a tube."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import codes, labels
from lims.auth.actors import Actor
from lims.auth.queries import get_actor
from lims.errors import LimsError, Refused
from lims.extensions import db
from lims.intake.actions import boxes as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.models import Box
from lims.intake.queries import boxes as box_queries
from lims.intake.queries import tubes as tube_queries
from lims.intake.views import intake
from lims.intake.views.sent import mistakes_of, sent_id, sent_number
from lims.msgid import N_
from lims.places import queries as place_queries
from lims.places.models import Place
from lims.security import current_actor, needs
from lims.timeline import read_timeline

UNDER_WAY = ("open", "sealed", "dispatched")


@intake.get("/boxes")
@needs("pack_boxes")
def list_boxes() -> str | Response:
    """Show the boxes that have not arrived; a box's code goes straight to it."""
    code = request.args.get("code", "").strip()
    if code:
        return redirect(url_for("intake.show_box", code=codes.parse(code, expect="box", field="code").text))
    session = db.session()
    found = box_queries.list_boxes(session, actor=current_actor(), statuses=UNDER_WAY)
    return render_template(
        "intake/boxes.html",
        boxes=found,
        counts=box_queries.count_box_tubes(session, box_ids=[box.id for box in found]),
    )


@intake.get("/boxes/<code>")
@needs("pack_boxes")
def show_box(code: str) -> str:
    """Show a box: a station while it is open, a record afterwards."""
    session, actor = db.session(), current_actor()
    box = box_queries.get_box(session, actor=actor, code=code)
    tubes = box_queries.list_box_tubes(session, box_id=box.id)
    if box.status == "open" and (box.origin_id is None or actor.sees(box.origin_id)):
        places = _packing_places(actor)
        wanted = box.origin_id or request.args.get("place", type=uuid.UUID)
        place = next(
            (one for one in places if one.id == wanted), places[0] if len(places) == 1 else box.origin
        )
        if place is None:
            return render_template("intake/box_place.html", box=box, places=places)
        return render_template("intake/box_station.html", box=box, tubes=tubes, place=place)
    return _show_record(box)


def _show_record(box: Box, refusal: LimsError | None = None) -> str:
    """Show a box's record; after a refused form with the sentence beside its field and what was typed."""
    session = db.session()
    courier = get_actor(session, user_id=box.courier_id).display_name if box.courier_id else ""
    return render_template(
        "intake/box.html",
        box=box,
        tubes=box_queries.list_box_tubes(session, box_id=box.id),
        courier=courier,
        mine=current_actor().sees(box.origin_id),
        laboratories=_destinations(box),
        events=read_timeline(session, subject_ids=[box.id]),
        mistakes=mistakes_of(refusal),
        sent=request.form if refusal else {},
        may_go_anyway=isinstance(refusal, Refused) and refusal.field == "temperature_c",
    )


def _refuse(code: str, refusal: LimsError) -> tuple[str, int]:
    db.session.rollback()
    box = box_queries.get_box(db.session(), actor=current_actor(), code=code)
    return _show_record(box, refusal), refusal.status


def _packing_places(actor: Actor) -> list[Place]:
    session = db.session()
    laboratories = place_queries.list_laboratories(session, actor=actor)
    return [*place_queries.list_sites(session, actor=actor), *(one.place for one in laboratories)]


def _destinations(box: Box) -> Sequence[Place]:
    found = place_queries.list_laboratories(db.session(), province_id=box.campaign.province_id)
    return [one.place for one in found if one.place_id != box.origin_id]


@intake.get("/boxes/<code>/manifest")
@needs("pack_boxes")
def show_manifest(code: str) -> str:
    """Show the list that travels with the box, to be printed, with barcodes."""
    session = db.session()
    box = box_queries.get_box(session, actor=current_actor(), code=code)
    return render_template(
        "intake/box_manifest.html",
        box=box,
        tubes=box_queries.list_box_tubes(session, box_id=box.id),
        svg=labels.qr_svg,
    )


@intake.post("/boxes/<code>/seal")
@needs("pack_boxes")
def seal_box(code: str) -> Response:
    """Seal a box."""
    answer = actions.seal_box(actor=current_actor(), client_id=sent_id(), box_code=code)
    flash(_("The box is sealed with %(count)s tubes.", count=answer["count"]), "success")
    return redirect(url_for("intake.show_box", code=answer["box"]))


@intake.post("/boxes/<code>/open")
@needs("pack_boxes")
def open_box(code: str) -> Response:
    """Open a sealed box again."""
    answer = actions.open_box(actor=current_actor(), client_id=sent_id(), box_code=code)
    flash(_("The box is open again."), "success")
    return redirect(url_for("intake.show_box", code=answer["box"]))


@intake.post("/boxes/<code>/dispatch")
@needs("pack_boxes")
def dispatch_box(code: str) -> Response | tuple[str, int]:
    """Send a box to a laboratory; one too cold or too warm only when asked twice."""
    try:
        answer = actions.dispatch_box(
            actor=current_actor(),
            client_id=sent_id(),
            box_code=code,
            laboratory_id=sent_id("laboratory_id", missing=N_("Choose a laboratory.")),
            temperature_c=sent_number("temperature_c"),
            anyway=request.form.get("anyway") == "yes",
        )
    except LimsError as refusal:
        return _refuse(code, refusal)
    flash(_("The box is on its way to %(laboratory)s.", laboratory=answer["laboratory"]), "success")
    return redirect(url_for("intake.show_box", code=answer["box"]))


@intake.post("/boxes/<code>/hand-over")
@needs("pack_boxes")
def hand_over_box(code: str) -> Response | tuple[str, int]:
    """Hand a box over by badge."""
    try:
        answer = actions.hand_over_box(
            actor=current_actor(),
            client_id=sent_id(),
            box_code=code,
            badge_code=request.form.get("badge", "")[:200],
        )
    except LimsError as refusal:
        return _refuse(code, refusal)
    flash(_("%(courier)s has the box now.", courier=answer["courier"]), "success")
    return redirect(url_for("intake.show_box", code=answer["box"]))


@intake.get("/tubes/<code>")
@needs("search")
def show_tube(code: str) -> str:
    """Show where a tube is and, to those who may see people, whose it is."""
    session, actor = db.session(), current_actor()
    tube = tube_queries.get_tube_record(session, actor=actor, code=code)
    boxes = tube_queries.list_boxes_of_tube(session, tube_id=tube.id)
    subjects = {tube.id: ""} | {sample.id: sample.declaration.code for sample in tube.samples}
    shown = {sample.person_id for sample in tube.samples} if actor.can("see_people") else set()
    answer = render_template(
        "intake/tube.html",
        tube=tube,
        samples=[sample for sample in tube.samples if sample.status != "void"],
        boxes=boxes,
        box_codes=box_queries.map_box_codes(session, box_ids=[row.box_id for row in boxes]),
        sees_people=actor.can("see_people"),
        events=read_timeline(
            session, subject_ids=subjects, codes_of=subjects, with_findings=actor.can("see_laboratory")
        ),
    )
    if shown:
        record_accesses(actor=actor, person_ids=shown, shown_by="record")
    return answer
