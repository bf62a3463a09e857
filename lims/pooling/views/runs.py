"""Pages of runs: the list, filling a plate, its record, and entering what the cycler read."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.cursors import read_cursor, write_cursor
from lims.errors import LimsError
from lims.extensions import db
from lims.intake.queries.discrepancies import list_of_run
from lims.language import say, say_error
from lims.pooling.actions import readings as reading_actions
from lims.pooling.actions import runs as actions
from lims.pooling.api.sent import spoken_problems
from lims.pooling.assays import Assay, read_definition
from lims.pooling.instruments.plate_files import list_formats
from lims.pooling.models import Run, Well, WellCall
from lims.pooling.plate_calls import PlateWell, group_wells
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import kit_lots as lot_queries
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as queries
from lims.pooling.rules import RUN, WITHDRAWAL_CAUSES
from lims.pooling.typed_readings import ReadingsRefused
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, do_and_go, sent_id
from lims.pooling.views.plates import draw_plate
from lims.security import current_actor, needs
from lims.timeline import read_timeline

PAGE = 50


@pooling.get("/runs")
@needs("see_laboratory")
def list_runs() -> str:
    """Show the runs of the actor's laboratories, the newest first."""
    status = request.args.get("status", "unfinished")
    after = read_cursor(request.args.get("after", ""))
    session = db.session()
    runs = queries.list_runs(session, actor=current_actor(), status=status, after=after, most=PAGE)
    more = None
    if len(runs) == PAGE:
        last = runs[-1]
        more = url_for("pooling.list_runs", status=status, after=write_cursor(last.planned_at, last.id))
    return render_template(
        "pooling/runs.html",
        runs=runs,
        pools=queries.count_pools(session, run_ids=[run.id for run in runs]),
        status=status,
        states=RUN.words,
        more_url=more,
    )


@pooling.route("/runs/new", methods=["GET", "POST"])
@needs("fill_plates")
def plan_run() -> str | tuple[str, int] | Response:
    """Show what waits for a plate, or fill one."""
    laboratory, choices = choose_laboratory()
    refusal = ""
    if request.method == "POST":
        try:
            planned = actions.plan_run(
                actor=current_actor(),
                client_id=sent_id(),
                laboratory_id=laboratory.place_id,
                assay_id=request.form.get("assay_id", type=uuid.UUID),
                size=request.form.get("size", 96, type=int),
                pool_codes=_lines("pools"),
                extraction_codes=_lines("extractions"),
                kit_lot=request.form.get("kit_lot", "")[:40],
                instrument=request.form.get("instrument", "")[:80],
            )
            return redirect(url_for("pooling.show_run", run_code=planned["run"]))
        except LimsError as error:
            refusal = say_error(error)
    session = db.session()
    page = render_template(
        "pooling/plan_run.html",
        laboratory=laboratory,
        laboratories=choices,
        assays=assay_queries.list_agreed_assays(session),
        waiting=pool_queries.count_waiting(
            session, laboratory_id=laboratory.place_id, can_confirm=laboratory.can_confirm
        ),
        stock=lot_queries.list_stock(session, laboratory_id=laboratory.place_id),
        extraction=request.args.get("extraction", ""),
        sent=request.form,
        refusals=[{"message": refusal, "field": ""}] if refusal else [],
    )
    return (page, 422) if refusal else page


def _lines(field: str) -> list[str] | None:
    lines = [line.strip() for line in request.form.get(field, "").splitlines() if line.strip()]
    return lines or None


def get_run_of_actor(run_code: str) -> Run:
    """Return a run of the actor's laboratories.

    Raises:
        NotFound: there is none among them.
    """
    run = queries.get_run(db.session(), code=run_code)
    current_actor().check_place(run.laboratory_id, missing=queries.no_such_run(run.code))
    return run


@pooling.get("/runs/<run_code>")
@needs("see_laboratory")
def show_run(run_code: str) -> str:
    """Show a run's record: the plate as a picture, its controls and calls with their reasons, the next step."""
    run, session = get_run_of_actor(run_code), db.session()
    wells = queries.list_wells(session, run_id=run.id)
    calls = queries.map_calls(session, run_id=run.id, version=run.readings_version)
    known = current_app.view_functions
    return render_template(
        "pooling/show_run.html",
        run=run,
        wells=wells,
        calls={position: _spoken(call) for position, call in calls.items()},
        plate=draw_plate(wells, {position: call.finding for position, call in calls.items()}),
        failure=[say(str(one["message"]), dict(one.get("parameters") or {})) for one in run.failure or []],
        files=queries.list_files(session, run_id=run.id),
        events=read_timeline(session, subject_ids=[run.id]),
        plate_formats=[{"name": one.name, "title": gettext(one.title)} for one in list_formats()],
        causes=WITHDRAWAL_CAUSES,
        suspicions=list_of_run(session, run_id=run.id),
        review_url=url_for("results.review_run", run_code=run.code)
        if "results.review_run" in known
        else None,
        release_url=url_for("results.release_desk", run_code=run.code)
        if "results.release_desk" in known and run.status in ("reviewed", "verified")
        else None,
    )


def _spoken(call: WellCall) -> dict[str, str]:
    return {"finding": call.finding, "reason": say(call.reason, call.reason_parameters)}


@pooling.post("/runs/<run_code>/start")
@needs("fill_plates")
def start_run(run_code: str) -> Response:
    """Say that the plate is in the cycler."""
    return do_and_go(
        lambda: actions.start_run(actor=current_actor(), client_id=sent_id(), run_code=run_code),
        said=_("The run has started."),
        to=url_for("pooling.show_run", run_code=run_code),
    )


@pooling.post("/runs/<run_code>/fail")
@needs("record_readings")
def fail_run(run_code: str) -> Response:
    """Fail a run with its reason."""
    return do_and_go(
        lambda: actions.fail_run(
            actor=current_actor(),
            client_id=sent_id(),
            run_code=run_code,
            reason=request.form.get("reason", ""),
        ),
        said=_("The run has failed. Its pools wait for another plate."),
        to=url_for("pooling.show_run", run_code=run_code),
    )


@pooling.post("/runs/<run_code>/void")
@needs("fill_plates")
def void_run(run_code: str) -> Response:
    """Void a run with its reason."""
    return do_and_go(
        lambda: actions.void_run(
            actor=current_actor(),
            client_id=sent_id(),
            run_code=run_code,
            reason=request.form.get("reason", ""),
        ),
        said=_("The run is void. Its pools wait for another plate."),
        to=url_for("pooling.show_run", run_code=run_code),
    )


@pooling.route("/runs/<run_code>/readings", methods=["GET", "POST"])
@needs("record_readings")
def enter_readings(run_code: str) -> str | tuple[str, int] | Response:
    """Show the table of wells and targets, or record what was typed or pasted."""
    run = get_run_of_actor(run_code)
    kit = read_definition(run.assay.definition)
    wells = queries.list_wells(db.session(), run_id=run.id)
    fields = _fields(kit, wells)
    problems: list[dict[str, Any]] = []
    if request.method == "POST":
        try:
            answer = reading_actions.record_readings(
                actor=current_actor(), client_id=sent_id(), run_code=run.code, **_sent_readings(fields)
            )
        except ReadingsRefused as refused:
            problems = _point_at(spoken_problems(refused.problems), fields)
        except LimsError as error:
            problems = [{"message": say_error(error), "field": ""}]
        else:
            if answer["valid"]:
                flash(_("The readings are recorded. Look at the plate, then review the run."), "success")
            else:
                flash(_("A control is not as it must be. Look at the plate."), "warning")
            return redirect(url_for("pooling.show_run", run_code=run.code))
    page = render_template(
        "pooling/enter_readings.html",
        run=run,
        wells=wells,
        targets=[target.name for target in kit.targets],
        fields=fields,
        values=_values(run, fields),
        pasted=request.form.get("csv", ""),
        problems=problems,
    )
    return (page, 422) if problems else page


def _fields(kit: Assay, wells: Sequence[Well]) -> dict[str, list[str]]:
    """Return the targets to be typed for each well: all, or one a well for kits with a well for each target."""
    names = [target.name for target in kit.targets]
    if kit.wells_per_pool != len(names):
        return {well.position: names for well in wells}
    plate = [PlateWell(well.position, well.pool.code if well.pool else None, well.control) for well in wells]
    return {
        well.position: [names[place]] for group in group_wells(kit, plate) for place, well in enumerate(group)
    }


def _name(position: str, target: str) -> str:
    return f"ct-{position}-{target}"


def _sent_readings(fields: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return what was sent: pasted lines, or the table."""
    if request.form.get("csv", "").strip():
        return {"file_name": "pasted.csv", "content": request.form["csv"].encode()}
    return {
        "readings": [
            {"well": position, "target": target, "ct": request.form.get(_name(position, target), "")}
            for position, targets in fields.items()
            for target in targets
        ]
    }


def _values(run: Run, fields: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what to show in the table: what was typed just now, else the last version recorded."""
    known = queries.map_readings(db.session(), run_id=run.id, version=run.readings_version)
    values = {_name(position, target): row.raw_ct for (position, target), row in known.items()}
    return values | {
        name: request.form[name]
        for position, targets in fields.items()
        for name in (_name(position, target) for target in targets)
        if name in request.form
    }


def _point_at(
    problems: Iterable[Mapping[str, Any]], fields: Mapping[str, Sequence[str]]
) -> list[dict[str, str]]:
    """Return problems as the summary shows them: by line for a pasted table, else by field."""
    if request.form.get("csv", "").strip():
        return [{"message": _tell(one), "field": ""} for one in problems]
    typed = [(position, target) for position, targets in fields.items() for target in targets]
    return [_point_at_typed(one, typed) for one in problems]


def _point_at_typed(problem: Mapping[str, Any], typed: Sequence[tuple[str, str]]) -> dict[str, str]:
    if not 1 <= (problem["line"] or 0) <= len(typed):
        return {"message": _tell(problem), "field": ""}
    position, target = typed[problem["line"] - 1]
    return {"message": f"{position}, {target}: {problem['message']}", "field": _name(position, target)}


def _tell(problem: Mapping[str, Any]) -> str:
    if not problem["line"]:
        return str(problem["message"])
    return _("Line %(line)s: %(problem)s", line=problem["line"], problem=problem["message"])
