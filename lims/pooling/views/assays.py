"""Pages of assays: all versions, one with its rules and their source, drafting the next, agreeing to it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.auth.queries import map_display_names
from lims.errors import LimsError
from lims.extensions import db
from lims.language import say_error
from lims.pooling.actions import assays as actions
from lims.pooling.assay_forms import MOST_CONTROLS, MOST_TARGETS, read_form, write_form
from lims.pooling.assays import (
    COMPARISONS,
    CONTROL_KINDS,
    EXPECTATIONS,
    EXTRACTED_CONTROLS,
    INTERNAL_CONTROLS,
    ROLES,
    STOPS,
)
from lims.pooling.queries import assays as queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import do_and_go, sent_id
from lims.security import current_actor, needs
from lims.timeline import read_timeline


@pooling.get("/assays")
@needs("see_laboratory")
def list_assays() -> str:
    """Show every version of every assay."""
    return render_template("pooling/assays.html", assays=queries.list_assays(db.session()))


@pooling.get("/assays/<uuid:assay_id>")
@needs("see_laboratory")
def show_assay(assay_id: uuid.UUID) -> str:
    """Show an assay's rules, where they come from, and who agreed to them."""
    session = db.session()
    assay = queries.get_assay(session, assay_id=assay_id)
    people = [key for key in (assay.drafted_by_id, assay.agreed_by_id) if key]
    return render_template(
        "pooling/assay.html",
        assay=assay,
        names=map_display_names(session, user_ids=people),
        versions=[one for one in queries.list_assays(session) if one.name == assay.name],
        may_agree=assay.status == "draft" and assay.drafted_by_id != current_actor().user_id,
        events=read_timeline(session, subject_ids=[assay.id]),
    )


@pooling.route("/assays/<uuid:assay_id>/next", methods=["GET", "POST"])
@needs("verify_results")
def draft_assay(assay_id: uuid.UUID) -> str | tuple[str, int] | Response:
    """Show an assay's rules as a form, or draft the next version; under another name it is another assay's first."""
    assay = queries.get_assay(db.session(), assay_id=assay_id)
    refusals: list[dict[str, str]] = []
    fields: Mapping[str, str] = write_form(assay.definition)
    if request.method == "POST":
        fields = request.form
        try:
            drafted = actions.draft_assay(
                actor=current_actor(), client_id=sent_id(), definition=read_form(request.form)
            )
        except LimsError as error:
            refusals = [{"message": say_error(error), "field": error.field}]
        else:
            flash(_("The draft is kept. A second supervisor must agree before it can be used."), "success")
            return redirect(url_for("pooling.show_assay", assay_id=drafted["assay_id"]))
    page = render_template(
        "pooling/draft_assay.html",
        assay=assay,
        fields=fields,
        refusals=refusals,
        targets=_rows(fields, "target", "name", MOST_TARGETS),
        controls=_rows(fields, "control", "kind", MOST_CONTROLS),
        roles=ROLES,
        comparisons=COMPARISONS,
        internal_controls=INTERNAL_CONTROLS,
        kinds=CONTROL_KINDS,
        extracted=EXTRACTED_CONTROLS,
        expectations=EXPECTATIONS,
        stops=STOPS,
    )
    return (page, 422) if refusals else page


def _rows(fields: Mapping[str, Any], thing: str, first: str, most: int) -> list[int]:
    """Return the numbers of the rows to show: those that are filled in and one more."""
    filled = [place for place in range(most) if fields.get(f"{thing}-{place}-{first}", "")]
    return list(range(min(most, max(filled, default=-1) + 2)))


@pooling.post("/assays/<uuid:assay_id>/agree")
@needs("verify_results")
def agree_assay(assay_id: uuid.UUID) -> Response:
    """Agree to a draft as the second person."""
    return do_and_go(
        lambda: actions.agree_assay(actor=current_actor(), client_id=sent_id(), assay_id=assay_id),
        said=_("Agreed. From now on plates are filled with this version."),
        to=url_for("pooling.show_assay", assay_id=assay_id),
    )
