"""What the release desk shows of a run or a list: what waits and why, the controls, what the instrument marked."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from lims.auth.actors import Actor
from lims.intake.models import Discrepancy
from lims.pooling.models import Run
from lims.pooling.queries import runs as run_queries
from lims.results.models import Result
from lims.results.obstacles import Blocked, Obstacle, Standing, gather_obstacles, list_obstacles
from lims.results.queries.standings import read_standings
from lims.results.rules import MOST_AT_ONCE

WAITING = ("preliminary", "verified", "held")


@dataclass(frozen=True)
class ControlWell:
    """A control of a plate as the run's rules called it.

    Args:
        position: its well.
        control: its kind.
        values: Ct by target, None where there was none.
        is_right: whether it shows what it must.
        reason, parameters: what the rules say of it, a msgid and its values.
    """

    position: str
    control: str
    values: tuple[tuple[str, float | None], ...]
    is_right: bool
    reason: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class FlaggedWell:
    """A well of a pool to be looked at: marked by the instrument, or without a clear finding.

    Args:
        position: its well.
        pool: code of its pool.
        finding: what the rules call it.
        marks: marks of the instrument by target.
        reason, parameters: what the rules say of it, a msgid and its values.
    """

    position: str
    pool: str
    finding: str
    marks: tuple[tuple[str, tuple[str, ...]], ...]
    reason: str
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Waiting:
    """What waits of a run or a list.

    Args:
        clean_to_verify, clean_to_release: negatives that nothing blocks; done in one step.
        blocked: what blocks the others, and everything else.
        is_cut: there is more than one step takes; the rest follows with the next.
    """

    clean_to_verify: int
    clean_to_release: int
    blocked: Sequence[Blocked]
    is_cut: bool


def run_criteria(run: Run) -> list[ColumnElement[bool]]:
    """Return the conditions on `Result` for what hangs on a run."""
    return [Result.run_id == run.id]


def read_waiting(session: Session, *criteria: ColumnElement[bool], actor: Actor) -> Waiting:
    """Return what waits of some results for an actor, in a constant number of statements.

    Args:
        session: reading session.
        criteria: conditions on `Result`, as of `run_criteria`.
        actor: who would verify or release.
    """
    standings = read_standings(session, *criteria, Result.status.in_(WAITING), most=MOST_AT_ONCE)
    found = [(one, list_obstacles(one, verifier_id=actor.user_id)) for one in standings]
    return Waiting(
        clean_to_verify=_count_clean(found, "preliminary"),
        clean_to_release=_count_clean(found, "verified"),
        blocked=gather_obstacles(found),
        is_cut=len(standings) == MOST_AT_ONCE,
    )


def _count_clean(found: Sequence[tuple[Standing, Sequence[Obstacle]]], status: str) -> int:
    return sum(
        1
        for one, obstacles in found
        if one.status == status and one.finding == "not_detected" and not obstacles
    )


def read_wells(session: Session, *, run: Run) -> tuple[list[ControlWell], list[FlaggedWell]]:
    """Return a plate's controls, and its wells that are to be looked at, in filling order."""
    calls = run_queries.map_calls(session, run_id=run.id, version=run.readings_version)
    readings = run_queries.map_readings(session, run_id=run.id, version=run.readings_version)
    targets = [str(target["name"]) for target in run.assay.definition["targets"]]
    controls, flagged = [], []
    for well in run_queries.list_wells(session, run_id=run.id):
        call = calls.get(well.position)
        of_well = {
            name: readings[well.position, name] for name in targets if (well.position, name) in readings
        }
        if call is None:
            continue
        if well.pool is None:
            controls.append(
                ControlWell(
                    position=well.position,
                    control=well.control or "",
                    values=tuple((name, row.ct) for name, row in of_well.items()),
                    is_right=call.finding != "invalid",
                    reason=call.reason,
                    parameters=call.reason_parameters,
                )
            )
            continue
        marks = tuple((name, tuple(row.flags)) for name, row in of_well.items() if row.flags)
        if marks or call.finding in ("invalid", "inconclusive"):
            flagged.append(
                FlaggedWell(
                    position=well.position,
                    pool=well.pool.code,
                    finding=call.finding,
                    marks=marks,
                    reason=call.reason,
                    parameters=call.reason_parameters,
                )
            )
    return controls, flagged


def list_open_discrepancies(session: Session, *, standing: Standing) -> Sequence[Discrepancy]:
    """Return what is open about a result's tube, person, pool or run and holds it, the oldest first."""
    of_run = and_(Discrepancy.pool_id.is_(None), Discrepancy.run_id == standing.run_id)
    return session.scalars(
        select(Discrepancy)
        .where(
            Discrepancy.status == "open",
            Discrepancy.holds_results,
            or_(
                Discrepancy.tube_id == standing.tube_id,
                Discrepancy.declaration_id == standing.declaration_id,
                Discrepancy.pool_id == standing.pool_id,
                of_run,
            ),
        )
        .order_by(Discrepancy.opened_at, Discrepancy.id)
    ).all()


def list_readings_of_pool(
    session: Session, *, run: Run, pool_id: uuid.UUID
) -> list[tuple[str, str, float | None, str]]:
    """Return what was read in the wells of one pool: well, target, Ct, and what the instrument marked."""
    readings = run_queries.map_readings(session, run_id=run.id, version=run.readings_version)
    wells = [one.position for one in run_queries.list_wells(session, run_id=run.id) if one.pool_id == pool_id]
    targets = [str(target["name"]) for target in run.assay.definition["targets"]]
    return [
        (position, name, reading.ct, ", ".join(reading.flags or ()))
        for position in wells
        for name in targets
        if (reading := readings.get((position, name))) is not None
    ]
