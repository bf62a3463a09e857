"""Results, runs and lots of kits are withdrawn, with everybody they concern."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import codes
from lims.errors import LimsError
from lims.language import say_error
from lims.results.actions.result_withdrawal import withdraw_result as withdraw_result_action
from lims.results.actions.withdrawal import withdraw_kit_lot as withdraw_lot_action
from lims.results.actions.withdrawal import withdraw_run as withdraw_run_action
from lims.results.views import results
from lims.results.views.steps import do, read_plate, read_sent_id
from lims.security import current_actor, needs


@results.post("/runs/<run_code>/withdrawal")
@needs("amend_results")
def withdraw_run(run_code: str) -> Response:
    """Withdraw a run with everything that hangs on it."""
    try:
        answer = withdraw_run_action(
            actor=current_actor(),
            client_id=request.form.get("client_id", type=uuid.UUID),
            run_code=read_plate(run_code),
            cause=request.form.get("cause", ""),
            reason=request.form.get("reason", ""),
        )
    except LimsError as error:
        flash(say_error(error), "error")
    else:
        _say_withdrawn(answer)
    return redirect(url_for("pooling.show_run", run_code=run_code))


@results.post("/results/<uuid:result_id>/withdrawal")
@needs("amend_results")
def withdraw_result(result_id: uuid.UUID) -> Response:
    """Withdraw one result; its tube is tested again, or its person is asked for a new sample."""

    def step() -> str:
        answer = withdraw_result_action(
            actor=current_actor(),
            client_id=read_sent_id(),
            result_id=result_id,
            then=request.form.get("then", ""),
            reason=request.form.get("reason", ""),
        )
        if answer["pool"]:
            return _("Withdrawn. Pool %(pool)s tests the tube again.", pool=codes.grouped(answer["pool"]))
        if answer["asked"]:
            return _("Withdrawn. The person is asked for a new sample.")
        return _("Withdrawn. A new sample of the person was asked for before.")

    return do(step, back=url_for("results.show_result", result_id=result_id))


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
