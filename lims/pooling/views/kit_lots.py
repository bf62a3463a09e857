"""The page of kit lots: what is left, for how many days, until when; adding one."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.language import say_error
from lims.pooling.actions import kit_lots as actions
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import kit_lots as queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, sent_id
from lims.security import current_actor, needs


@pooling.get("/kit-lots")
@needs("see_laboratory")
def list_kit_lots() -> str:
    """Show a laboratory's lots, the first to expire at the head."""
    return _page([])


@pooling.post("/kit-lots/new")
@needs("fill_plates")
def add_kit_lot() -> str | tuple[str, int] | Response:
    """Add a lot."""
    laboratory, _choices = choose_laboratory()
    try:
        actions.add_kit_lot(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory.place_id,
            assay_name=request.form.get("assay_name", ""),
            lot=request.form.get("lot", ""),
            expires_on=_read_date(request.form.get("expires_on", "")),
            reactions=request.form.get("reactions", 0, type=int),
        )
    except LimsError as error:
        return _page([{"message": say_error(error), "field": error.field}]), 422
    flash(_("The lot is added. Plates of this assay take their lot from this list now."), "success")
    return redirect(url_for("pooling.list_kit_lots", laboratory_id=laboratory.place_id))


def _read_date(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput("Enter the date on the box: day, month and year.", field="expires_on") from None


def _page(refusals: list[dict[str, str]]) -> str:
    laboratory, choices = choose_laboratory()
    session = db.session()
    return render_template(
        "pooling/kit_lots.html",
        laboratory=laboratory,
        laboratories=choices,
        stock=queries.list_stock(session, laboratory_id=laboratory.place_id),
        assays=list(dict.fromkeys(one.name for one in assay_queries.list_agreed_assays(session))),
        sent=request.form,
        refusals=refusals,
    )
