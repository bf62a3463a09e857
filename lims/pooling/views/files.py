"""Pages of thermocyclers' files: hand one in, look at what it holds, accept it or leave it."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.errors import LimsError
from lims.extensions import db
from lims.language import say, say_error
from lims.pooling import handing_in
from lims.pooling.actions import files as actions
from lims.pooling.assays import read_definition
from lims.pooling.instruments.column_map import FIELDS, ColumnMap, preview
from lims.pooling.instruments.matching import match_plate
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.models import FileImport, ResultFile
from lims.pooling.plate_calls import call_plate
from lims.pooling.queries import files as queries
from lims.pooling.queries import runs as run_queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import do_and_go, sent_id
from lims.pooling.views.plates import draw_plate
from lims.security import current_actor, needs

SHOWN_PROBLEMS = 100
# a person may help where the format is not known; a damaged file stays damaged
MAPPABLE = frozenset({"unknown_format", "no_readings"})


@pooling.post("/runs/<run_code>/files")
@needs("record_readings")
def hand_in_file(run_code: str) -> Response:
    """Keep a file, read it, and show what it holds."""
    file = request.files.get("file")
    if file is None or not file.filename:
        flash(_("Choose the file that the instrument has exported."), "error")
        return redirect(url_for("pooling.show_run", run_code=run_code))
    try:
        answer = handing_in.hand_in(
            actor=current_actor(),
            client_id=sent_id(),
            run_code=run_code,
            file_name=file.filename,
            content=file.read(),
        )
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("pooling.show_run", run_code=run_code))
    return redirect(url_for("pooling.show_file", file_id=answer["file"]))


@pooling.get("/result-files/<uuid:file_id>")
@needs("record_readings")
def show_file(file_id: uuid.UUID) -> str:
    """Show what a file holds and how it fits its plate, before anything of it is used."""
    session = db.session()
    file = queries.get_file(session, actor=current_actor(), file_id=file_id, with_content=True)
    known = queries.find_import(session, file_id=file_id)
    read = handing_in.read_again(file, column_map=known.column_map if known else None)
    return render_template(
        "pooling/file.html",
        file=file,
        run=file.run,
        known=known,
        read=read if isinstance(read, RunFile) else None,
        problems=_spoken(known),
        mapping=_mapping(file, read, known),
        **(_looked_at(file, read) if known is not None and known.status == "staged" else {}),
    )


def _spoken(known: FileImport | None) -> list[dict[str, Any]]:
    problems = (known.problems or []) if known else []
    return [
        {**problem, "message": say(str(problem["message"]), dict(problem["parameters"]))}
        for problem in problems[:SHOWN_PROBLEMS]
    ]


def _looked_at(file: ResultFile, read: RunFile | FileRefused) -> dict[str, Any]:
    """Return what the rules would make of a staged file."""
    if isinstance(read, FileRefused):
        return {}
    run, session = file.run, db.session()
    kit = read_definition(run.assay.definition)
    plate = run_queries.load_plate(session, run_id=run.id)
    matched = match_plate(kit, plate, read, size=run.size, run_code=run.code)
    called = call_plate(kit, plate, matched.readings)
    findings = {well.pool: called.calls[well.position].finding for well in plate if well.pool}
    lost = [problem for block in called.blocks.values() for problem in block]
    return {
        "plate": draw_plate(
            run_queries.list_wells(session, run_id=run.id),
            {position: call.finding for position, call in called.calls.items()},
        ),
        "failure": [say(one.message, dict(one.parameters)) for one in (*called.problems, *lost)],
        "valid": called.valid,
        "counts": {
            word: sum(finding == word for finding in findings.values())
            for word in ("detected", "inconclusive", "invalid", "not_detected")
        },
        "notes": [say(note.message, dict(note.parameters)) for note in matched.notes[:SHOWN_PROBLEMS]],
    }


def _mapping(
    file: ResultFile, read: RunFile | FileRefused, known: FileImport | None
) -> dict[str, Any] | None:
    """Return what the columns' form needs, for a file whose format nobody knows or that was read by its columns."""
    by_hand = known is not None and known.column_map
    unknown = isinstance(read, FileRefused) and read.reason in MAPPABLE
    if not (by_hand or unknown) or (known is not None and known.status not in ("refused", "staged")):
        return None
    try:
        sheets = preview(file.content)
    except FileRefused:
        return None
    return {"sheets": sheets, "fields": FIELDS, "map": known.column_map if known and known.column_map else {}}


@pooling.post("/result-files/<uuid:file_id>/columns")
@needs("record_readings")
def name_columns(file_id: uuid.UUID) -> Response:
    """Read a file by columns that a person has named; kept for the instrument's next files."""
    form = request.form
    named = {
        field: form.get(f"column-{field}", type=int) for field in FIELDS if form.get(f"column-{field}", "")
    }
    column_map = ColumnMap(
        sheet=form.get("sheet", ""), header_row=form.get("header_row", 0, type=int), columns=named
    )
    return do_and_go(
        lambda: handing_in.read_kept(actor=current_actor(), file_id=file_id, column_map=column_map.to_json()),
        said=_("The file was read by these columns."),
        to=url_for("pooling.show_file", file_id=file_id),
    )


@pooling.post("/result-files/<uuid:file_id>/accept")
@needs("record_readings")
def accept_file(file_id: uuid.UUID) -> Response:
    """Use a staged file's readings."""
    run = queries.get_file(db.session(), actor=current_actor(), file_id=file_id).run
    run_code = run.code
    try:
        answer = handing_in.accept(actor=current_actor(), file_id=file_id)
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("pooling.show_file", file_id=file_id))
    if answer["valid"]:
        flash(_("The readings are recorded. Look at the plate, then review the run."), "success")
    else:
        flash(_("A control is not as it must be. Look at the plate."), "warning")
    return redirect(url_for("pooling.show_run", run_code=run_code))


@pooling.post("/result-files/<uuid:file_id>/decline")
@needs("record_readings")
def decline_file(file_id: uuid.UUID) -> Response:
    """Leave a staged file unused."""
    run_code = queries.get_file(db.session(), actor=current_actor(), file_id=file_id).run.code
    return do_and_go(
        lambda: actions.decline_file(actor=current_actor(), client_id=sent_id(), file_id=file_id),
        said=_("The file was not used. It stays in the record."),
        to=url_for("pooling.show_run", run_code=run_code),
    )


@pooling.get("/result-files/<uuid:file_id>/original")
@needs("see_laboratory")
def download_file(file_id: uuid.UUID) -> FlaskResponse:
    """Send a file as it came."""
    file = queries.get_file(db.session(), actor=current_actor(), file_id=file_id, with_content=True)
    response = FlaskResponse(file.content, mimetype="application/octet-stream")
    response.headers.set("Content-Disposition", "attachment", filename=file.file_name)
    return response
