"""Files of thermocyclers: kept as they came, read and matched to the plate, looked at, accepted or declined.

Reading a file takes longer than a transaction should: `lims.pooling.handing_in` keeps it, reads it, and then calls
`stage_file` or `accept_file` with what was read.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.msgid import N_
from lims.pooling import rules
from lims.pooling.actions.readings import (
    check_open_for_readings,
    describe_readings,
    keep_result_file,
    use_readings,
)
from lims.pooling.actions.runs import lock_run
from lims.pooling.assays import read_definition
from lims.pooling.instruments.matching import Match, MatchProblem, match_plate
from lims.pooling.instruments.run_file import FileRefused, RunFile
from lims.pooling.models import FileImport, Instrument, ResultFile, Run
from lims.pooling.plate_calls import call_plate
from lims.pooling.queries import files as queries
from lims.pooling.queries import runs as run_queries
from lims.tables import new_id
from lims.transaction import action

MOST_PROBLEMS = 500
"""More than every well of a plate has targets; a file that is wrong throughout says so in fewer."""


@action
def keep_file(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    run_code: str,
    file_name: str,
    content: bytes,
) -> dict[str, Any]:
    """Keep a file for a run as it came, before anything is known of it.

    Args:
        actor: technician.
        client_id: id made by the sender.
        run_code: as scanned.
        file_name: its name, for the record; never trusted.
        content: its bytes.

    Returns:
        `file` (its key) and `run`.

    Raises:
        NotFound: no such run among the actor's laboratories.
        WrongState: the run is reviewed, failed or void.
        InvalidInput: nothing was sent.
    """
    run = lock_run(session, actor, run_code)
    check_open_for_readings(run)
    if not content:
        raise InvalidInput("The file is empty. Export the run again.", field="file")
    file = keep_result_file(session, actor, run, content, file_name=file_name)
    audit.note(session, "run", run.id, "file_received", name=file.file_name)
    return {"file": str(file.id), "run": run.code}


@action
def stage_file(
    session: Session,
    *,
    actor: Actor,
    file_id: uuid.UUID,
    read: RunFile | FileRefused,
    column_map: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Match a file that was read to its plate: staged to be looked at, or refused with every reason at once.

    Args:
        actor: technician.
        file_id: as `keep_file` answered.
        read: what the file holds, or why it could not be read.
        column_map: how its columns were read, where a person has named them.

    Returns:
        `file`, `run`, `status` ("staged" or "refused"), `format`, `matched_by`, and `problems`, each with `code`,
        `message`, `parameters`, `sheet`, `row` and `column`.

    Raises:
        NotFound: no such file among the actor's laboratories.
        WrongState: the run is reviewed, failed or void, or the file was accepted or declined.
    """
    file, run, known = _lock_file(session, actor, file_id)
    # columns that were named wrongly are named again while nothing of the file was used
    if known is not None and not (known.status == "staged" and column_map):
        rules.FILE.check(known.status, "staged", code=file.file_name, field="file")
    matched = _match(session, run, read)
    if isinstance(read, FileRefused):
        problems = _problems_of(read)
    else:
        problems = _find_duplicate(session, file, run) + [
            _shown(problem) for problem in (matched.problems if matched else ())
        ]
    row = known or FileImport(file_id=file.id, run_id=run.id, status="staged")
    if known is None:
        session.add(row)
    row.status = "refused" if problems else "staged"
    row.problems = problems[:MOST_PROBLEMS] or None
    row.matched_by = matched.by if matched and not problems else ""
    row.column_map = dict(column_map) if column_map else None
    if isinstance(read, RunFile):
        row.format, row.instrument = read.format[:40], read.instrument[:80]
        row.started_at = (read.started_at or "")[:40]
        row.thresholds = dict(matched.thresholds) if matched else None
        row.quantity = read.curves[0].quantity if read.curves else ""
    session.flush()
    audit.note(session, "run", run.id, "file_refused" if problems else "file_staged", name=file.file_name)
    return describe_import(row, run)


def describe_import(known: FileImport, run: Run) -> dict[str, Any]:
    """Return what became of a file, as `stage_file` answers."""
    return {
        "file": str(known.file_id),
        "run": run.code,
        "status": known.status,
        "format": known.format,
        "matched_by": known.matched_by,
        "problems": known.problems or [],
    }


@action
def accept_file(session: Session, *, actor: Actor, file_id: uuid.UUID, read: RunFile) -> dict[str, Any]:
    """Use a staged file: its readings are the run's next version, called by the assay's version.

    Args:
        actor: technician, who has looked at it.
        file_id: of a staged file.
        read: what the file holds, read again from what was kept.

    Returns:
        `run`, `status`, `version`, `valid`, `failure` and `pools`, as `record_readings` answers.

    Raises:
        NotFound: no such file among the actor's laboratories.
        AlreadyDone: it is accepted.
        WrongState: it was refused or declined, or the run is reviewed, failed or void.
        Refused: it does not fit its plate any more.
    """
    file, run, known = _lock_file(session, actor, file_id)
    if known is None:
        raise Refused("This file was kept but not read. Hand it in again.", field="file")
    rules.FILE.check(known.status, "accepted", code=file.file_name, field="file")
    matched = _match(session, run, read)
    for problem in _find_duplicate(session, file, run):
        said, words = str(problem["message"]), dict(problem["parameters"])
        raise Refused(said, field="file", **words)
    if matched is None or matched.problems:
        raise Refused("This file does not fit its plate. Open its page to see why.", field="file")
    kit = read_definition(run.assay.definition)
    plate = run_queries.load_plate(session, run_id=run.id)
    called = call_plate(kit, plate, matched.readings)
    known.version = use_readings(
        session, actor, run, matched.readings, called, sha256=file.sha256.hex(), curves=matched.curves
    )
    known.status = "accepted"
    if known.column_map and run.instrument:
        _remember_columns(session, actor, run, known.column_map)
    if not run.instrument:
        run.instrument = known.instrument
    return describe_readings(run, called, [well.pool for well in plate], [well.position for well in plate])


@action
def decline_file(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, file_id: uuid.UUID
) -> dict[str, Any]:
    """Leave a staged file unused; it stays kept.

    Raises:
        NotFound: no such file among the actor's laboratories.
        WrongState, AlreadyDone: it is not staged.
    """
    file, run, known = _lock_file(session, actor, file_id)
    if known is None:
        raise Refused("This file was kept but not read. Hand it in again.", field="file")
    rules.FILE.check(known.status, "set_aside", code=file.file_name, field="file")
    known.status = "set_aside"
    audit.note(session, "run", run.id, "file_declined", name=file.file_name)
    return {"file": str(file.id), "run": run.code}


def _lock_file(
    session: Session, actor: Actor, file_id: uuid.UUID
) -> tuple[ResultFile, Run, FileImport | None]:
    file = queries.get_file(session, actor=actor, file_id=file_id)
    run = lock_run(session, actor, file.run.code)
    check_open_for_readings(run)
    known = session.get(FileImport, file.id, populate_existing=True)
    return file, run, known


def _match(session: Session, run: Run, read: RunFile | FileRefused) -> Match | None:
    if isinstance(read, FileRefused):
        return None
    kit = read_definition(run.assay.definition)
    plate = run_queries.load_plate(session, run_id=run.id)
    return match_plate(kit, plate, read, size=run.size, run_code=run.code)


def _problems_of(refusal: FileRefused) -> list[dict[str, Any]]:
    return [_problem(refusal.reason, refusal.message, refusal.parameters)]


def _shown(problem: MatchProblem) -> dict[str, Any]:
    place = problem.place
    return _problem(
        problem.code,
        problem.message,
        problem.parameters,
        sheet=place.sheet,
        row=place.row,
        column=place.column,
    )


def _problem(
    code: str,
    message: str,
    parameters: Mapping[str, object],
    *,
    sheet: str = "",
    row: int = 0,
    column: str = "",
) -> dict[str, Any]:
    return {
        "code": code,
        "message": message,
        "parameters": dict(parameters),
        "sheet": sheet,
        "row": row,
        "column": column,
    }


def _find_duplicate(session: Session, file: ResultFile, run: Run) -> list[dict[str, Any]]:
    """Find the run that uses the same bytes already: handed in twice, or for two plates."""
    before = session.execute(
        select(Run.code, Run.laboratory_id, FileImport.version)
        .join(FileImport, FileImport.run_id == Run.id)
        .join(ResultFile, ResultFile.id == FileImport.file_id)
        .where(
            ResultFile.sha256 == file.sha256, FileImport.status == "accepted", FileImport.file_id != file.id
        )
    ).first()
    if before is None:
        return []
    if before.code == run.code:
        message = N_("The same file is version %(version)s of this run's readings already.")
        return [_problem("duplicate_file", message, {"version": before.version})]
    if before.laboratory_id != run.laboratory_id:
        message = N_("The same file was accepted in another laboratory. Choose the export of this run.")
        return [_problem("duplicate_file", message, {})]
    message = N_("The same file was accepted for run %(run)s. Choose the export of this run.")
    return [_problem("duplicate_file", message, {"run": codes.grouped(before.code)})]


def _remember_columns(session: Session, actor: Actor, run: Run, column_map: Mapping[str, Any]) -> None:
    row = queries.find_instrument(session, laboratory_id=run.laboratory_id, name=run.instrument)
    if row is None:
        row = Instrument(id=new_id(), laboratory_id=run.laboratory_id, name=run.instrument)
        session.add(row)
    row.column_map = dict(column_map)
    row.mapped_by_id, row.mapped_at = actor.user_id, clock.now()
