"""Reading runs: plates, readings and calls."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, joinedload

from lims import codes
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.errors import NotFound
from lims.pooling.assays import Assay, read_definition
from lims.pooling.models import (
    AmplificationCurve,
    Extraction,
    FileImport,
    Pool,
    Reading,
    ResultFile,
    Run,
    Well,
    WellCall,
)
from lims.pooling.plate_calls import PlateWell

UNFINISHED = ("planned", "running", "imported", "reviewed")


def no_such_run(code: str) -> NotFound:
    """Return the answer for a run that does not exist, or is not among the places of whoever asks."""
    shown = codes.grouped(codes.normalise(code))
    return NotFound("There is no run %(run)s. Scan the plate's label again.", field="run", run=shown)


def get_run(session: Session, *, code: str, lock: bool = False) -> Run:
    """Return a run by the code of its plate, however it is written.

    Args:
        session: reading or writing session.
        code: as scanned.
        lock: hold its row until the transaction ends.

    Raises:
        InvalidInput: it is not a plate's code.
        NotFound: there is no such run.
    """
    query = select(Run).where(Run.code == codes.parse(code, expect="plate", field="run").text)
    if lock:
        # what was read before the lock was had may have been changed by whoever held it
        query = query.with_for_update(of=Run).execution_options(populate_existing=True)
    run = session.scalars(query).unique().first()
    if run is None:
        raise no_such_run(code)
    return run


def get_rules(session: Session, *, run_code: str) -> Assay:
    """Return the rules by which a run is called: its assay's version.

    Raises:
        InvalidInput: it is not a plate's code.
        NotFound: there is no such run.
    """
    return read_definition(get_run(session, code=run_code).assay.definition)


def list_wells(session: Session, *, run_id: uuid.UUID) -> Sequence[Well]:
    """Return a plate's wells with their pools, in filling order (by column)."""
    wells = session.scalars(
        select(Well).where(Well.run_id == run_id).options(joinedload(Well.pool), joinedload(Well.extraction))
    ).all()
    return sorted(wells, key=lambda well: (int(well.position[1:]), well.position[0]))


def load_plate(session: Session, *, run_id: uuid.UUID) -> list[PlateWell]:
    """Return a plate's wells as the rules of the assay need them, in filling order."""
    rows = session.execute(
        select(Well.position, Well.control, Pool.code, Pool.member_count, Extraction.code)
        .outerjoin(Pool, Pool.id == Well.pool_id)
        .outerjoin(Extraction, Extraction.id == Well.extraction_id)
        .where(Well.run_id == run_id)
    ).all()
    plate = [
        PlateWell(position, code, control, tubes=members or 1, block=block or "")
        for position, control, code, members, block in rows
    ]
    return sorted(plate, key=lambda well: (int(well.position[1:]), well.position[0]))


def list_curves(session: Session, *, run_id: uuid.UUID, version: int) -> Sequence[AmplificationCurve]:
    """Return the amplification curves of one version of a run's readings."""
    return session.scalars(
        select(AmplificationCurve).where(
            AmplificationCurve.run_id == run_id, AmplificationCurve.version == version
        )
    ).all()


def map_calls(session: Session, *, run_id: uuid.UUID, version: int) -> dict[str, WellCall]:
    """Return the calls of one version of a run's readings, by well."""
    rows = session.scalars(select(WellCall).where(WellCall.run_id == run_id, WellCall.version == version))
    return {row.position: row for row in rows}


def map_readings(session: Session, *, run_id: uuid.UUID, version: int) -> dict[tuple[str, str], Reading]:
    """Return one version of a run's readings, by well and target."""
    rows = session.scalars(select(Reading).where(Reading.run_id == run_id, Reading.version == version))
    return {(row.position, row.target): row for row in rows}


def list_files(session: Session, *, run_id: uuid.UUID) -> Sequence[Any]:
    """Return what was handed in for a run with what became of it, oldest first, without its content."""
    return session.execute(
        select(
            ResultFile.id,
            FileImport.status,
            FileImport.version,
            FileImport.format,
            FileImport.instrument,
            FileImport.started_at,
            FileImport.problems,
            ResultFile.file_name,
            ResultFile.sha256,
            ResultFile.received_at,
            User.display_name,
        )
        .outerjoin(FileImport, FileImport.file_id == ResultFile.id)
        .outerjoin(User, User.id == ResultFile.received_by_id)
        .where(ResultFile.run_id == run_id)
        .order_by(ResultFile.received_at, ResultFile.id)
    ).all()


def list_runs(
    session: Session,
    *,
    actor: Actor,
    status: str = "",
    laboratory_id: uuid.UUID | None = None,
    after: tuple[datetime, uuid.UUID] | None = None,
    most: int = 50,
) -> Sequence[Run]:
    """Return runs of the actor's laboratories, the newest first, keyset-paged.

    Args:
        session: reading session.
        actor: who asks.
        status: a word of the run's states; "unfinished" for all that wait; empty for all.
        laboratory_id: only of this laboratory.
        after: moment planned and key of the last run of the page before.
        most: how many to return.
    """
    query = (
        select(Run)
        .options(joinedload(Run.laboratory))
        .order_by(Run.planned_at.desc(), Run.id.desc())
        .limit(most)
    )
    if not actor.everywhere:
        query = query.where(Run.laboratory_id.in_(actor.place_ids))
    if laboratory_id is not None:
        query = query.where(Run.laboratory_id == laboratory_id)
    if status == "unfinished":
        query = query.where(Run.status.in_(UNFINISHED))
    elif status:
        query = query.where(Run.status == status)
    if after is not None:
        query = query.where(tuple_(Run.planned_at, Run.id) < tuple_(*after))
    return session.scalars(query).unique().all()


def count_pools(session: Session, *, run_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Return how many pools stand on each of some plates."""
    rows = session.execute(
        select(Well.run_id, func.count(Well.pool_id.distinct()))
        .where(Well.run_id.in_(run_ids))
        .group_by(Well.run_id)
    )
    return {row[0]: row[1] for row in rows}


def list_pools(session: Session, *, run_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools of a plate."""
    return session.scalars(
        select(Pool).where(
            Pool.id.in_(select(Well.pool_id).where(Well.run_id == run_id, Well.pool_id.is_not(None)))
        )
    ).all()
