"""The release desk: what waits, one run, and the steps with a whole run."""

from __future__ import annotations

import uuid

from flask import current_app, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims.extensions import db
from lims.intake.queries.discrepancies import list_discrepancies
from lims.intake.settling import OF_THE_LABORATORY
from lims.results.actions.release import release_run
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_run
from lims.results.queries import desk, lists
from lims.results.queries import results as queries
from lims.results.views import results
from lims.results.views.desk import describe_run, draw_charts, may_settle, speak_blocked
from lims.results.views.steps import do, read_plate, read_sent_id, say_blocked
from lims.security import current_actor, needs


@results.get("/release")
@needs("verify_results")
def list_to_verify() -> str:
    """Show the runs with results that wait for a second person or for release."""
    actor, session = current_actor(), db.session()
    return render_template(
        "results/worklist.html",
        reviews=queries.list_runs_to_review(session, actor=actor),
        runs=queries.list_runs_to_release(session, actor=actor),
        discrepancies=[
            item
            for kind in sorted(OF_THE_LABORATORY)
            for item in list_discrepancies(session, actor=actor, kind=kind, most=20)
        ],
        communes=lists.count_waiting_by_commune(session, actor=actor),
        can_settle=may_settle(),
    )


@results.get("/runs/<run_code>/release")
@needs("verify_results")
def release_desk(run_code: str) -> str:
    """Show one run: its negatives as numbers, everything else one by one, and what waits for more."""
    actor, session = current_actor(), db.session()
    run = queries.get_run(session, actor=actor, code=read_plate(run_code))
    counts = queries.count_findings_of_run(session, run_id=run.id)
    described = describe_run(run)
    after = request.args.get("after", type=uuid.UUID)
    singles = queries.list_results(
        session, actor=actor, run_id=run.id, not_finding="not_detected", after=after
    )
    held = queries.list_results(
        session, actor=actor, run_id=run.id, status="held", finding="not_detected", most=20
    )
    return render_template(
        "results/release_run.html",
        waiting=(waiting := desk.read_waiting(session, *desk.run_criteria(run), actor=actor)),
        blocked=speak_blocked(waiting.blocked),
        charts=draw_charts(run),
        can_settle=may_settle(),
        negatives={
            status: counts.get((status, "not_detected"), 0)
            for status in ("preliminary", "verified", "held", "released")
        },
        total=sum(count for (status, _finding), count in counts.items() if status != "superseded"),
        singles=singles,
        held=held,
        more_url=url_for("results.release_desk", run_code=run.code, after=singles[-1].id)
        if len(singles) == queries.PAGE
        else None,
        unreported=queries.list_unreported(session, run_id=run.id),
        **described,
    )


@results.post("/runs/<run_code>/review", endpoint="review_run")
@needs("record_readings")
def review_run_form(run_code: str) -> Response:
    """Apply the calls of a run."""

    def step() -> str:
        answer = review_run(actor=current_actor(), client_id=read_sent_id(), run_code=read_plate(run_code))
        if answer["status"] == "failed":
            return _("The run failed its controls. Its pools wait for a new plate.")
        return ngettext("%(num)s result was written.", "%(num)s results were written.", answer["results"])

    known = "pooling.show_run" in current_app.view_functions
    back = url_for("pooling.show_run", run_code=run_code) if known else url_for("pages.home")
    return do(step, back=back)


@results.post("/runs/<run_code>/verify", endpoint="verify_run")
@needs("verify_results")
def verify_run_form(run_code: str) -> Response:
    """Verify a run and its negatives."""

    def step() -> str:
        answer = verify_run(actor=current_actor(), client_id=read_sent_id(), run_code=read_plate(run_code))
        say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was verified.", "%(num)s results were verified.", answer["verified"])

    return do(step, back=url_for("results.release_desk", run_code=run_code))


@results.post("/runs/<run_code>/release", endpoint="release_run")
@needs("release_results")
def release_run_form(run_code: str) -> Response:
    """Release the verified negatives of a run."""

    def step() -> str:
        answer = release_run(actor=current_actor(), client_id=read_sent_id(), run_code=read_plate(run_code))
        say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was released.", "%(num)s results were released.", answer["released"])

    return do(step, back=url_for("results.release_desk", run_code=run_code))
