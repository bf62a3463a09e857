"""Pages of dispatch: which box goes where and why, laboratories closed and opened, hours and ways."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.capacity.dispatch import actions, answering, board, planning
from lims.capacity.dispatch.telling import say_line
from lims.capacity.queries import dispatch as queries
from lims.capacity.views import capacity
from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.language import say_error
from lims.places.models import Place
from lims.places.views import SentOnce
from lims.security import current_actor, needs

__all__ = ["answering"]


@dataclass(frozen=True)
class _Refusal:
    """A form that was refused.

    Args:
        text: the sentence.
        status: of HTTP.
        about: the box's code or the laboratory's key that the form was for.
    """

    text: str
    status: int
    about: str


@capacity.get("/dispatch")
@needs("see_board")
def dispatch() -> str:
    """Show where each box that is ready should go, and what waits at each laboratory."""
    return _show()


def _show(refusal: _Refusal | None = None) -> str:
    actor = current_actor()
    provinces = queries.list_provinces(db.session(), actor=actor)
    province = _choose_province(provinces)
    return render_template(
        "capacity/dispatch.html",
        provinces=provinces,
        province=province,
        shown=board.read_board(db.session(), actor=actor, province_id=province.id) if province else None,
        may_change=province is not None and actor.can("manage_campaign") and actor.sees(province.id),
        say_line=say_line,
        refusal=refusal,
        sent=request.form,
    )


def _choose_province(provinces: Any) -> Place | None:
    wanted = request.values.get("province_id")
    found: Place | None = next((one for one in provinces if str(one.id) == wanted), None)
    return found or next(iter(provinces), None)


@capacity.post("/dispatch/plan")
@needs("manage_campaign")
def plan_dispatch() -> Response | tuple[str, int]:
    """Work out where all boxes go, from what there is now."""
    try:
        province_id = _sent_key("province_id")
        return _plan(province_id, _("Worked out anew."))
    except LimsError as error:
        return _refuse(error, "")


@capacity.post("/dispatch/overrule")
@needs("manage_campaign")
def overrule_box() -> Response | tuple[str, int]:
    """Choose a laboratory for a box by hand; all others are worked out again."""
    code = request.form.get("box", "")

    def act() -> Mapping[str, str]:
        return actions.overrule_box(
            actor=current_actor(),
            client_id=SentOnce().sent_id(),
            box_code=code,
            laboratory_id=_sent_key("laboratory_id"),
            reason=request.form.get("reason", ""),
        )

    return _act(act, code, lambda: _("Chosen by hand. The other boxes were worked out again."))


@capacity.post("/dispatch/overrule/end")
@needs("manage_campaign")
def end_overrule() -> Response | tuple[str, int]:
    """Take back what was chosen by hand."""
    code = request.form.get("box", "")

    def act() -> Mapping[str, str]:
        return actions.end_overrule(actor=current_actor(), client_id=SentOnce().sent_id(), box_code=code)

    return _act(act, code, lambda: _("Taken back. All boxes were worked out again."))


@capacity.post("/dispatch/close")
@needs("manage_campaign")
def close_laboratory() -> Response | tuple[str, int]:
    """Close a laboratory that has failed; its waiting boxes are worked out again."""
    about = request.form.get("laboratory_id", "")

    def act() -> Mapping[str, str]:
        return actions.close_laboratory(
            actor=current_actor(),
            client_id=SentOnce().sent_id(),
            laboratory_id=_sent_key("laboratory_id"),
            reason=request.form.get("reason", ""),
        )

    return _act(act, about, lambda: _("Closed. Its waiting boxes were worked out again."))


@capacity.post("/dispatch/open")
@needs("manage_campaign")
def open_laboratory() -> Response | tuple[str, int]:
    """Open a laboratory again."""
    about = request.form.get("laboratory_id", "")

    def act() -> Mapping[str, str]:
        return actions.open_laboratory(
            actor=current_actor(),
            client_id=SentOnce().sent_id(),
            laboratory_id=_sent_key("laboratory_id"),
        )

    return _act(act, about, lambda: _("Open again. All boxes were worked out again."))


def _act(
    act: Callable[[], Mapping[str, str]], about: str, say: Callable[[], str]
) -> Response | tuple[str, int]:
    """Do something and plan again, or show the page with the refusal beside its form."""
    try:
        answer = act()
    except LimsError as error:
        return _refuse(error, about)
    # a plan of its own: sent again, the first one is answered
    return _plan(uuid.UUID(answer["province_id"]), say())


def _plan(province_id: uuid.UUID, said: str) -> Response:
    planning.plan_dispatch(actor=current_actor(), client_id=SentOnce().sent_id(), province_id=province_id)
    flash(said, "good")
    return redirect(url_for("capacity.dispatch", province_id=province_id))


def _refuse(error: LimsError, about: str) -> tuple[str, int]:
    db.session.rollback()
    return _show(_Refusal(say_error(error), error.status, about)), error.status


def _sent_key(field: str) -> uuid.UUID:
    try:
        return uuid.UUID(request.form.get(field, ""))
    except ValueError:
        if field == "laboratory_id":
            raise InvalidInput("Choose a laboratory.", field=field) from None
        raise InvalidInput("Choose a place of the list.", field=field) from None


@capacity.route("/dispatch/settings", methods=["GET", "POST"])
@needs("manage_campaign")
def set_dispatch() -> str | tuple[str, int] | Response:
    """Show when laboratories work and how far it is to them, or change one of it."""
    actor = current_actor()
    refused: dict[str, str] = {}
    if request.method == "POST":
        try:
            if request.form.get("what") == "way":
                actions.set_travel_time(
                    actor=actor,
                    client_id=SentOnce().sent_id(),
                    origin_id=_sent_key("origin_id"),
                    laboratory_id=_sent_key("laboratory_id"),
                    minutes=_sent_number("minutes"),
                )
            else:
                actions.set_hours(
                    actor=actor,
                    client_id=SentOnce().sent_id(),
                    laboratory_id=_sent_key("laboratory_id"),
                    opens_hour=_sent_number("opens_hour"),
                    closes_hour=_sent_number("closes_hour"),
                    days="".join(request.form.getlist("days"))[:20],
                )
        except LimsError as error:
            db.session.rollback()
            refused = {
                "text": say_error(error),
                "field": error.field,
                "about": request.form.get("laboratory_id", ""),
                "what": request.form.get("what", ""),
            }
        else:
            flash(_("Changed. The next plan keeps to it."), "good")
            return redirect(
                url_for("capacity.set_dispatch", province_id=request.form.get("province_id") or None)
            )
    session = db.session()
    provinces = [one for one in queries.list_provinces(session, actor=actor) if actor.sees(one.id)]
    province = _choose_province(provinces)
    facts = queries.read_facts(session, province_id=province.id) if province else None
    page = render_template(
        "capacity/dispatch_settings.html",
        provinces=provinces,
        province=province,
        laboratories=facts.laboratories if facts else [],
        ways=queries.list_travel_times(session, province_id=province.id) if province else [],
        origins=queries.list_origins(session, province_id=province.id) if province else [],
        refused=refused,
        sent=request.form,
    )
    return (page, 422) if refused else page


def _sent_number(field: str) -> int:
    try:
        return int(request.form.get(field, ""))
    except ValueError:
        raise InvalidInput("Enter a whole number.", field=field) from None
