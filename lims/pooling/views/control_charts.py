"""Levey-Jennings charts of a laboratory's controls, with Westgard's rules."""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims import clock, codes
from lims.extensions import db
from lims.language import say
from lims.pooling.actions import control_limits as actions
from lims.pooling.models import ControlLimits
from lims.pooling.queries import controls as queries
from lims.pooling.views import pooling
from lims.pooling.views.benches import choose_laboratory, do_and_go, sent_id
from lims.pooling.westgard import LEAST_RUNS, RULES, RUNS_FOR_LIMITS, Limits, Violation, check, limits_of
from lims.security import current_actor, needs


@pooling.get("/control-charts")
@needs("see_laboratory")
def list_control_charts() -> str:
    """Show the charts of one assay and lot on one instrument: the one chosen, else the latest used."""
    laboratory, choices = choose_laboratory()
    session = db.session()
    keys = queries.list_chart_keys(session, laboratory_id=laboratory.place_id)
    wanted = (
        request.args.get("assay", ""),
        request.args.get("lot", ""),
        request.args.get("instrument", ""),
    )
    chosen = next((key for key in keys if _name(key) == wanted), keys[0] if keys else None)
    return render_template(
        "pooling/control_charts.html",
        laboratory=laboratory,
        laboratories=choices,
        keys=keys,
        chosen=chosen,
        charts=make_charts(chosen) if chosen else [],
        rules=RULES,
        least=RUNS_FOR_LIMITS,
    )


def _name(key: queries.ChartKey) -> tuple[str, str, str]:
    return key.assay_name, key.kit_lot, key.instrument


def make_charts(key: queries.ChartKey) -> list[dict[str, Any]]:
    """Return the charts of one assay and lot on one instrument, as the page draws them."""
    session = db.session()
    series = queries.list_series(session, key=key)
    approved = queries.map_limits(session, key=key)
    limits: dict[str, Limits] = {}
    for one in series:
        row = approved.get((one.control, one.target))
        values = [value for value in one.values if value is not None]
        if row is not None:
            limits[one.name] = Limits(row.mean, row.sd, row.count)
        elif len(values) >= LEAST_RUNS:
            limits[one.name] = limits_of(values[:RUNS_FOR_LIMITS])
    broken = check({one.name: one.values for one in series if one.name in limits}, limits)
    return [
        _chart(one, limits.get(one.name), approved.get((one.control, one.target)), broken) for one in series
    ]


def _chart(
    series: queries.Series,
    limits: Limits | None,
    approved: ControlLimits | None,
    broken: tuple[Violation, ...],
) -> dict[str, Any]:
    of_this = [violation for violation in broken if series.name in violation.levels]
    points = [
        {
            "run": code,
            "url": url_for("pooling.show_run", run_code=code),
            "at": f"{clock.local(at):%d/%m %H:%M}",
            "ct": round(value, 2),
            "rules": [one.rule for one in of_this if one.run == place],
            "warning": all(one.is_warning for one in of_this if one.run == place),
        }
        for place, ((code, _id, at), value) in enumerate(zip(series.runs, series.values, strict=True))
        if value is not None
    ]
    return {
        "control": series.control,
        "target": series.target,
        "data": {
            "points": points,
            "mean": limits.mean if limits else None,
            "sd": limits.sd if limits else None,
            "provisional": approved is None,
        },
        "approved": approved,
        "is_provisional": limits is not None and limits.is_provisional,
        "broken": [
            {
                "run": codes.grouped(series.runs[one.run][0]),
                "rule": one.rule,
                "message": say(one.message, dict(one.parameters)),
                "is_warning": one.is_warning,
            }
            for one in of_this
        ],
    }


@pooling.post("/control-charts")
@needs("verify_results")
def approve_limits() -> Response:
    """Freeze a control's limits, or change which rules hold a release."""
    laboratory, _choices = choose_laboratory()
    form = request.form
    key = {
        "assay_name": form.get("assay_name", ""),
        "kit_lot": form.get("kit_lot", ""),
        "instrument": form.get("instrument", ""),
    }
    laboratory_id: uuid.UUID = laboratory.place_id
    return do_and_go(
        lambda: actions.approve_limits(
            actor=current_actor(),
            client_id=sent_id(),
            laboratory_id=laboratory_id,
            control=form.get("control", ""),
            target=form.get("target", ""),
            blocking=form.getlist("blocking"),
            **key,
        ),
        said=_("The limits are approved."),
        to=url_for(
            "pooling.list_control_charts",
            laboratory_id=laboratory_id,
            assay=key["assay_name"],
            lot=key["kit_lot"],
            instrument=key["instrument"],
        ),
    )
