"""Pages of alarms: what is beyond its threshold, who has seen it, and the thresholds themselves."""

from __future__ import annotations

import uuid

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.capacity.alarms import actions
from lims.capacity.alarms.rules import KINDS
from lims.capacity.alarms.telling import say_alarm
from lims.capacity.queries import alarms as queries
from lims.capacity.views import capacity
from lims.cursors import read_cursor, write_cursor
from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.language import say_error
from lims.places.views import SentOnce
from lims.security import current_actor, needs


@capacity.get("/alarms")
@needs("see_board")
def list_alarms() -> str:
    """Show what is beyond its threshold now, or what was."""
    actor, session = current_actor(), db.session()
    ended = request.args.get("ended") == "1"
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    alarms = queries.list_alarms(
        session, actor=actor, ended=ended, kind=kind, after=read_cursor(request.args.get("after", ""))
    )
    last = alarms[-1] if len(alarms) == queries.PAGE else None
    return render_template(
        "capacity/alarms.html",
        alarms=alarms,
        sentences={
            row.id: say_alarm(row.kind, subject=row.subject, place=row.place.name, numbers=row.numbers)
            for row in alarms
        },
        kinds=KINDS,
        kind=kind,
        ended=ended,
        more_url=last
        and url_for(
            "capacity.list_alarms",
            ended="1" if ended else None,
            kind=kind or None,
            after=write_cursor(last.raised_at, last.id),
        ),
    )


@capacity.post("/alarms/<uuid:alarm_id>/seen")
@needs("see_board")
def mark_alarm_seen(alarm_id: uuid.UUID) -> Response:
    """Note that the reader has seen an alarm and what they do about it."""
    actions.mark_seen(
        actor=current_actor(),
        client_id=SentOnce().sent_id(),
        alarm_id=alarm_id,
        note=request.form.get("note", ""),
    )
    flash(_("Noted that you have seen it. It stays in the list until it is over."), "success")
    return redirect(url_for("capacity.list_alarms"))


@capacity.route("/alarms/thresholds", methods=["GET", "POST"])
@needs("manage_campaign")
def set_thresholds() -> str | tuple[str, int] | Response:
    """Show from which numbers on something is an alarm in a province, or change one kind's."""
    actor, session = current_actor(), db.session()
    provinces = queries.list_provinces(session, actor=actor)
    province = next((row for row in provinces if str(row.id) == request.values.get("province_id")), None)
    is_other = province is None and bool(request.form.get("province_id"))
    province = province or next(iter(provinces), None)
    refused: dict[str, str] = {}
    if request.method == "POST" and province is not None:
        try:
            if is_other:
                raise InvalidInput("Choose a place of the list.", field="province_id")
            actions.set_threshold(
                actor=actor,
                client_id=SentOnce().sent_id(),
                province_id=province.id,
                kind=request.form.get("kind", ""),
                limits=_read_limits(),
                is_active="is_active" in request.form,
            )
        except LimsError as error:
            refused = {"field": error.field or "", "text": say_error(error)}
        else:
            flash(_("Changed. It holds from the next look, within a minute."), "success")
            return redirect(url_for("capacity.set_thresholds", province_id=province.id))
    changed = queries.map_thresholds(session) if province else {}
    page = render_template(
        "capacity/thresholds.html",
        provinces=provinces,
        province=province,
        kinds=KINDS,
        changed={kind: changed.get((kind, province.id)) for kind in KINDS} if province else {},
        refused=refused,
        sent=request.form,
    )
    return (page, 422) if refused else page


def _read_limits() -> dict[str, float]:
    """Return the numbers that were sent; one that is none is missing, and the action says so."""
    kind = KINDS.get(request.form.get("kind", ""))
    found = {}
    for threshold in kind.thresholds if kind else ():
        written = request.form.get(threshold.name, "").strip().replace(",", ".")
        try:
            found[threshold.name] = float(written)
        except ValueError:
            continue
    return found
