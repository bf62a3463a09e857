"""A result's record, and the steps with one result."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from flask import current_app, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.auth.queries import map_display_names
from lims.errors import LimsError
from lims.extensions import db
from lims.language import say, say_error
from lims.pooling.rules import FINDINGS
from lims.results.actions.amendment import amend_result
from lims.results.actions.release import hold_results, release_results, unhold_results
from lims.results.actions.verification import verify_results
from lims.results.models import Result
from lims.results.obstacles import (
    ENDS_BY_ITSELF,
    HOLDS,
    Obstacle,
    list_obstacles_to_release,
    list_obstacles_to_verify,
)
from lims.results.queries import results as queries
from lims.results.queries.desk import list_open_discrepancies, list_readings_of_pool
from lims.results.queries.versions import map_certificates, map_messages
from lims.results.rules import RESULT
from lims.results.views import results
from lims.results.views.desk import may_settle
from lims.results.views.steps import read_sent_id
from lims.security import current_actor, needs
from lims.timeline import read_timeline


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
        obstacles = list_obstacles_to_release(standing, looked=True)
    version_ids = [version.id for version in versions]
    readings = list_readings_of_pool(session, run=result.run, pool_id=result.pool_id)
    return render_template(
        "results/show_result.html",
        result=result,
        versions=versions,
        names=map_display_names(session, user_ids=[key for item in versions for key in _people_of(item)]),
        certificates=map_certificates(session, result_ids=version_ids),
        messages=map_messages(session, result_ids=version_ids),
        readings=readings,
        first_well=readings[0][0] if readings else "",
        discrepancies=list_open_discrepancies(session, standing=standing),
        can_settle=may_settle(),
        obstacles=[say(item.message, item.parameters) for item in obstacles]
        or [say(HOLDS[reason]) for reason in (result.hold_reason,) if reason],
        wanted=wanted,
        can_unhold=result.status == "held" and result.hold_reason not in ENDS_BY_ITSELF,
        is_current=result.status != "superseded",
        latest=versions[0],
        next_id=queries.find_next_to_look_at(session, result=result) if actor.can("verify_results") else None,
        can_withdraw=RESULT.can(result.status, "withdrawn") and result.hold_reason not in ENDS_BY_ITSELF,
        can_amend=result.status not in ("held", "superseded") and result.sample.status == "resulted",
        findings=FINDINGS,
        events=read_timeline(session, subject_ids=[*version_ids, result.sample_id, result.sample.tube_id]),
        pages=current_app.view_functions,
    )


def _people_of(result: Result) -> tuple[uuid.UUID | None, ...]:
    return (
        result.entered_by_id,
        result.verified_by_id,
        result.released_by_id,
        result.held_by_id,
        result.hold_ended_by_id,
        result.withdrawn_by_id,
    )


@results.get("/samples/<uuid:sample_id>/result")
@needs("see_laboratory")
def find_result(sample_id: uuid.UUID) -> Response:
    """Go to the result of a sample as it stands now."""
    found = queries.get_current_id(db.session(), actor=current_actor(), sample_id=sample_id)
    return redirect(url_for("results.show_result", result_id=found), code=303)


def _decide(result_id: uuid.UUID, decide: Callable[[uuid.UUID], dict[str, Any]]) -> Response:
    """Take a step with one result and say its verdict."""
    back = url_for("results.show_result", result_id=result_id)
    try:
        verdict = decide(read_sent_id())["verdicts"][0]
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
        result_id,
        lambda key: release_results(
            actor=current_actor(),
            client_id=key,
            result_ids=[result_id],
            looked=request.form.get("looked") == "yes",
        ),
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
    note = request.form.get("note", "")
    return _decide(
        result_id,
        lambda key: unhold_results(actor=current_actor(), client_id=key, result_ids=[result_id], note=note),
    )


@results.post("/results/<uuid:result_id>/amend", endpoint="amend_result")
@needs("amend_results")
def amend_result_form(result_id: uuid.UUID) -> Response:
    """Write the next version of a result and show it."""
    try:
        answer = amend_result(
            actor=current_actor(),
            client_id=read_sent_id(),
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
