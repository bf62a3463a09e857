"""What the desk of a run and that of a list show alike, in the reader's words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import current_app

from lims.extensions import db
from lims.intake.queries.discrepancies import list_of_run
from lims.language import say
from lims.pooling.models import Run
from lims.pooling.queries.controls import key_of
from lims.pooling.views.control_charts import make_charts
from lims.results.obstacles import Blocked
from lims.results.queries import desk as queries
from lims.security import current_actor


def speak_blocked(rows: Sequence[Blocked]) -> list[dict[str, Any]]:
    """Return what blocks results as the page says it: a sentence for each, with some of the tubes."""
    return [
        {
            "code": row.code,
            "count": row.count,
            "first": [
                {
                    "message": say(obstacle.message, obstacle.parameters),
                    "tube": standing.tube_code,
                    "id": standing.result_id,
                }
                for standing, obstacle in row.first
            ],
        }
        for row in rows
    ]


def draw_charts(run: Run) -> list[dict[str, Any]]:
    """Return the control charts that a run's controls are on, each with this run's own point."""
    charts = make_charts(key_of(run))
    for chart in charts:
        points = chart["data"]["points"]
        chart["own"] = next((point for point in points if point["run"] == run.code), None)
    # what broke a rule in this run comes first
    return sorted(charts, key=lambda chart: not (chart["own"] and chart["own"]["rules"]))


def describe_run(run: Run) -> dict[str, Any]:
    """Return a run's controls, what was marked on it, and what is open about it."""
    controls, flagged = queries.read_wells(db.session(), run=run)
    return {
        "run": run,
        "controls": [
            {"well": one, "reason": say(one.reason, dict(one.parameters)) if one.reason else ""}
            for one in controls
        ],
        "flagged": [
            {"well": one, "reason": say(one.reason, dict(one.parameters)) if one.reason else ""}
            for one in flagged
        ],
        "discrepancies": list_of_run(db.session(), run_id=run.id),
        "is_own": run.entered_by_id == current_actor().user_id,
    }


def may_settle() -> bool:
    """Tell whether the page may lead to the settling of discrepancies."""
    return (
        current_actor().can("settle_discrepancies")
        and "intake.show_discrepancy" in current_app.view_functions
    )
