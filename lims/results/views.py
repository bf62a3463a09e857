"""Pages of review, verification, release, a result's record, and the page on which people read."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import StringField

from lims import codes
from lims.auth.queries import map_display_names
from lims.errors import InvalidInput, LimsError
from lims.extensions import db
from lims.intake.queries.discrepancies import list_discrepancies
from lims.intake.settling import OF_THE_LABORATORY
from lims.language import say, say_error
from lims.pooling.rules import FINDINGS
from lims.results import portal
from lims.results.actions import consequences, late_names, suspicions  # noqa: F401  (register what intake asks)
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, release_run, unhold_results
from lims.results.actions.review import review_run
from lims.results.actions.verification import verify_results, verify_run
from lims.results.actions.withdrawal import withdraw_kit_lot as withdraw_lot_action
from lims.results.actions.withdrawal import withdraw_run as withdraw_run_action
from lims.results.obstacles import (
    ENDS_BY_ITSELF,
    HOLDS,
    Obstacle,
    list_obstacles_to_release,
    list_obstacles_to_verify,
)
from lims.results.queries import results as queries
from lims.security import current_actor, needs
from lims.timeline import read_timeline

results = Blueprint("results", __name__)


class ReadingForm(FlaskForm):
    """A result code and a birth date in three small fields."""

    result_code = StringField(_l("Result code"))
    birth_day = StringField(_l("Day"))
    birth_month = StringField(_l("Month"))
    birth_year = StringField(_l("Year"))

    def blame(self, error: LimsError) -> None:
        """Put a refusal beside the field it is about."""
        field = "birth_year" if error.field == "birth_date" else error.field
        blamed = {"birth_month": self.birth_month, "birth_year": self.birth_year}.get(field, self.result_code)
        blamed.errors = [say_error(error)]


@results.route("/results", methods=["GET", "POST"])
def read() -> str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    """Let a person read a result, or see where the sample is."""
    form = ReadingForm()
    if request.method == "GET":
        return render_template("results/read.html", form=form)
    try:
        answer = portal.read_result(
            result_code=form.result_code.data or "",
            birth_date=portal.join_birth_date(
                day=form.birth_day.data or "",
                month=form.birth_month.data or "",
                year=form.birth_year.data or "",
            ),
            address=request.remote_addr or "",
        )
    except LimsError as error:
        form.blame(error)
        if not (form.result_code.data or "").strip():
            form.result_code.errors = [_("Enter the result code of your slip.")]
        return render_template("results/read.html", form=form), error.status
    return render_template("results/answer.html", answer=answer, told=answer.told)


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
        can_settle=actor.can("settle_discrepancies")
        and "intake.show_discrepancy" in current_app.view_functions,
    )


@results.get("/runs/<run_code>/release")
@needs("verify_results")
def release_desk(run_code: str) -> str:
    """Show one run: its negatives as numbers, everything else one by one, and what waits for more."""
    actor, session = current_actor(), db.session()
    run = queries.get_run(session, actor=actor, code=_plate(run_code))
    counts = queries.count_findings_of_run(session, run_id=run.id)
    after = request.args.get("after", type=uuid.UUID)
    singles = queries.list_results(
        session, actor=actor, run_id=run.id, not_finding="not_detected", after=after
    )
    held = queries.list_results(
        session, actor=actor, run_id=run.id, status="held", finding="not_detected", most=20
    )
    return render_template(
        "results/release_run.html",
        run=run,
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
        is_own=run.entered_by_id == actor.user_id,
    )


@results.get("/results/<uuid:result_id>")
@needs("see_laboratory")
def show_result(result_id: uuid.UUID) -> str:
    """Show one version of a result: what it stands on, what blocks it, all versions, its journey."""
    actor, session = current_actor(), db.session()
    result = queries.get_result(session, actor=actor, result_id=result_id)
    versions = queries.list_versions(session, sample_id=result.sample_id)
    standing = queries.get_standing(session, result_id=result.id)
    wanted = {"preliminary": "verify", "verified": "release"}.get(result.status, "")
    obstacles: list[Obstacle] = []
    if wanted == "verify":
        obstacles = list_obstacles_to_verify(standing, verifier_id=actor.user_id)
    elif wanted == "release":
        obstacles = list_obstacles_to_release(standing)
    subjects = [version.id for version in versions] + [result.sample_id, result.sample.tube_id]
    return render_template(
        "results/show_result.html",
        result=result,
        versions=versions,
        names=map_display_names(
            session,
            user_ids=[
                key
                for item in versions
                for key in (item.entered_by_id, item.verified_by_id, item.released_by_id)
            ],
        ),
        obstacles=[say(item.message, item.parameters) for item in obstacles]
        or [say(HOLDS[reason]) for reason in (result.hold_reason,) if reason],
        wanted=wanted,
        can_unhold=result.status == "held" and result.hold_reason not in ENDS_BY_ITSELF,
        is_current=result.status != "superseded",
        findings=FINDINGS,
        events=read_timeline(session, subject_ids=subjects),
        pages=current_app.view_functions,
    )


def _plate(run_code: str) -> str:
    return codes.parse(run_code, expect="plate", field="run_code").text


def _sent_id() -> uuid.UUID:
    """Return the id the form was given.

    Raises:
        InvalidInput: it has none.
    """
    try:
        return uuid.UUID(request.form.get("client_id", ""))
    except ValueError:
        raise InvalidInput("Load the page again, then send the form once more.", field="client_id") from None


def _do(step: Callable[[], str], *, back: str) -> Response:
    """Run a step and go back to a page that says what happened."""
    try:
        flash(step(), "success")
    except LimsError as error:
        flash(say_error(error), "error")
    return redirect(back)


def _say_blocked(verdicts: list[dict[str, Any]]) -> None:
    """Say why results stayed behind: each reason once."""
    for sentence in dict.fromkeys(
        say(verdict["message"], verdict["parameters"])
        for verdict in verdicts
        if verdict["verdict"] == "wrong"
    ):
        flash(sentence, "warning")


@results.post("/runs/<run_code>/review", endpoint="review_run")
@needs("record_readings")
def review_run_form(run_code: str) -> Response:
    """Apply the calls of a run."""

    def step() -> str:
        answer = review_run(actor=current_actor(), client_id=_sent_id(), run_code=_plate(run_code))
        if answer["status"] == "failed":
            return _("The run failed its controls. Its pools wait for a new plate.")
        return ngettext("%(num)s result was written.", "%(num)s results were written.", answer["results"])

    known = "pooling.show_run" in current_app.view_functions
    back = url_for("pooling.show_run", run_code=run_code) if known else url_for("pages.home")
    return _do(step, back=back)


@results.post("/runs/<run_code>/verify", endpoint="verify_run")
@needs("verify_results")
def verify_run_form(run_code: str) -> Response:
    """Verify a run and its negatives."""

    def step() -> str:
        answer = verify_run(actor=current_actor(), client_id=_sent_id(), run_code=_plate(run_code))
        _say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was verified.", "%(num)s results were verified.", answer["verified"])

    return _do(step, back=url_for("results.release_desk", run_code=run_code))


@results.post("/runs/<run_code>/release", endpoint="release_run")
@needs("release_results")
def release_run_form(run_code: str) -> Response:
    """Release the verified negatives of a run."""

    def step() -> str:
        answer = release_run(actor=current_actor(), client_id=_sent_id(), run_code=_plate(run_code))
        _say_blocked(answer["verdicts"])
        return ngettext("%(num)s result was released.", "%(num)s results were released.", answer["released"])

    return _do(step, back=url_for("results.release_desk", run_code=run_code))


def _decide(result_id: uuid.UUID, decide: Callable[[uuid.UUID], dict[str, Any]]) -> Response:
    """Take a step with one result and say its verdict."""
    back = url_for("results.show_result", result_id=result_id)
    try:
        verdict = decide(_sent_id())["verdicts"][0]
        category = {"good": "success", "again": "warning", "wrong": "error"}[verdict["verdict"]]
        flash(say(verdict["message"], verdict["parameters"]), category)
    except LimsError as error:
        flash(say_error(error), "error")
    return redirect(back)


@results.post("/results/<uuid:result_id>/verify")
@needs("verify_results")
def verify_result(result_id: uuid.UUID) -> Response:
    """Verify one result."""
    return _decide(
        result_id, lambda key: verify_results(actor=current_actor(), client_id=key, result_ids=[result_id])
    )


@results.post("/results/<uuid:result_id>/release")
@needs("release_results")
def release_result(result_id: uuid.UUID) -> Response:
    """Release one result."""
    return _decide(
        result_id, lambda key: release_results(actor=current_actor(), client_id=key, result_ids=[result_id])
    )


@results.post("/results/<uuid:result_id>/hold")
@needs("release_results")
def hold_result(result_id: uuid.UUID) -> Response:
    """Put one result on hold."""
    note = request.form.get("note", "")
    return _decide(
        result_id,
        lambda key: hold_results(actor=current_actor(), client_id=key, result_ids=[result_id], note=note),
    )


@results.post("/results/<uuid:result_id>/unhold")
@needs("release_results")
def unhold_result(result_id: uuid.UUID) -> Response:
    """Take one result off hold."""
    return _decide(
        result_id, lambda key: unhold_results(actor=current_actor(), client_id=key, result_ids=[result_id])
    )


@results.post("/results/<uuid:result_id>/amend", endpoint="amend_result")
@needs("amend_results")
def amend_result_form(result_id: uuid.UUID) -> Response:
    """Write the next version of a result and show it."""
    try:
        answer = amend_result(
            actor=current_actor(),
            client_id=_sent_id(),
            result_id=result_id,
            finding=request.form.get("finding", ""),
            reason=request.form.get("reason", ""),
        )
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("results.show_result", result_id=result_id))
    flash(
        _("The amendment waits for a second person, as version %(version)s.", version=answer["version"]),
        "success",
    )
    return redirect(url_for("results.show_result", result_id=answer["result"]))


@results.post("/runs/<run_code>/withdrawal")
@needs("amend_results")
def withdraw_run(run_code: str) -> Response:
    """Withdraw a run with everything that hangs on it."""
    try:
        answer = withdraw_run_action(
            actor=current_actor(),
            client_id=request.form.get("client_id", type=uuid.UUID),
            run_code=_plate(run_code),
            cause=request.form.get("cause", ""),
            reason=request.form.get("reason", ""),
        )
    except LimsError as error:
        flash(say_error(error), "error")
    else:
        _say_withdrawn(answer)
    return redirect(url_for("pooling.show_run", run_code=run_code))


@results.post("/kit-lots/<uuid:kit_lot_id>/withdrawal")
@needs("amend_results")
def withdraw_kit_lot(kit_lot_id: uuid.UUID) -> Response:
    """Withdraw a lot of a kit with every run it was used for."""
    try:
        answer = withdraw_lot_action(
            actor=current_actor(),
            client_id=request.form.get("client_id", type=uuid.UUID),
            lot_id=kit_lot_id,
            reason=request.form.get("reason", ""),
        )
    except LimsError as error:
        if error.status == 404:
            raise
        flash(say_error(error), "error")
    else:
        _say_withdrawn(answer)
    return redirect(url_for("pooling.list_kit_lots"))


def _say_withdrawn(answer: dict[str, Any]) -> None:
    flash(
        _(
            "Withdrawn: %(results)s results, %(told)s of them released before. %(pools)s pools test the tubes again; "
            "of %(asked)s tubes the people are asked for a new sample.",
            results=answer["results"],
            told=answer["told"],
            pools=len(answer["pools"]),
            asked=len(answer["asked"]),
        ),
        "success",
    )
