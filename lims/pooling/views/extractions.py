"""Pages of extractions: what was extracted together, and what waits to be."""

from __future__ import annotations

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims.errors import LimsError
from lims.extensions import db
from lims.labels.sheets import Label, pool_labels_pdf
from lims.language import say_error
from lims.pooling.actions import extractions as actions
from lims.pooling.models import Extraction
from lims.pooling.queries import extractions as queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, do_and_go, sent_id
from lims.security import current_actor, needs
from lims.timeline import read_timeline


@pooling.get("/extractions")
@needs("see_laboratory")
def list_extractions() -> str:
    """Show a laboratory's extractions, and how many pools wait for one."""
    laboratory, choices = choose_laboratory()
    session = db.session()
    return render_template(
        "pooling/extractions.html",
        laboratory=laboratory,
        laboratories=choices,
        extractions=queries.list_extractions(session, laboratory_id=laboratory.place_id),
        waiting=queries.count_to_extract(
            session, laboratory_id=laboratory.place_id, can_confirm=laboratory.can_confirm
        ),
    )


@pooling.post("/extractions")
@needs("fill_plates")
def make_extraction() -> Response:
    """Note that pools are extracted together."""
    laboratory, _choices = choose_laboratory()
    lines = [line.strip() for line in request.form.get("pools", "").splitlines() if line.strip()]
    try:
        made = actions.make_extraction(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory.place_id,
            pool_codes=lines or None,
            most=request.form.get("most", 95, type=int),
            kit_lot=request.form.get("kit_lot", ""),
            instrument=request.form.get("instrument", ""),
        )
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("pooling.list_extractions", laboratory_id=laboratory.place_id))
    count = len(made["pools"])
    flash(ngettext("%(num)s pool is extracted.", "%(num)s pools are extracted together.", count), "success")
    return redirect(url_for("pooling.show_extraction", extraction_code=made["extraction"]))


def _get(extraction_code: str) -> Extraction:
    extraction = queries.get_extraction(db.session(), code=extraction_code)
    current_actor().check_place(extraction.laboratory_id, missing=queries.no_such_extraction(extraction.code))
    return extraction


@pooling.get("/extractions/<extraction_code>")
@needs("see_laboratory")
def show_extraction(extraction_code: str) -> str:
    """Show what was extracted together, in the order of the deck."""
    extraction, session = _get(extraction_code), db.session()
    return render_template(
        "pooling/extraction.html",
        extraction=extraction,
        pools=queries.list_extracted(session, extraction_id=extraction.id),
        events=read_timeline(session, subject_ids=[extraction.id]),
    )


@pooling.get("/extractions/<extraction_code>/label.pdf")
@needs("fill_plates")
def print_extraction_label(extraction_code: str) -> FlaskResponse:
    """Print an extraction's label."""
    extraction = _get(extraction_code)
    words = (_("Extraction"), extraction.kit_lot or extraction.instrument)
    return FlaskResponse(
        pool_labels_pdf([Label(extraction.code, words)], title=_("Extraction")),
        mimetype="application/pdf",
        headers={"Content-Disposition": 'inline; filename="extraction.pdf"'},
    )


@pooling.post("/extractions/<extraction_code>/fail")
@needs("fill_plates")
def fail_extraction(extraction_code: str) -> Response:
    """Give an extraction up with its reason."""
    return do_and_go(
        lambda: actions.fail_extraction(
            actor=current_actor(),
            client_id=sent_id(),
            extraction_code=extraction_code,
            reason=request.form.get("reason", ""),
        ),
        said=_("The extraction has failed. Its pools wait to be extracted again."),
        to=url_for("pooling.show_extraction", extraction_code=extraction_code),
    )
