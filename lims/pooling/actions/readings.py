"""What a run's cycler read: typed by hand or as a plain CSV, and how any readings are kept and called."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.pooling import rules
from lims.pooling.actions.runs import lock_run
from lims.pooling.assays import read_definition
from lims.pooling.curves import pack_curve
from lims.pooling.instruments.run_file import Curve
from lims.pooling.models import AmplificationCurve, FileImport, Reading, ResultFile, Run, WellCall
from lims.pooling.plate_calls import PlateCalls, call_plate
from lims.pooling.queries import runs as queries
from lims.pooling.readings import Reading as OneReading
from lims.pooling.typed_readings import read_readings, write_csv
from lims.tables import new_id
from lims.transaction import action


@action
def record_readings(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    run_code: str,
    readings: Sequence[Mapping[str, Any]] | None = None,
    file_name: str = "",
    content: bytes | None = None,
) -> dict[str, Any]:
    """Record a run's readings, typed or as a plain CSV, and call its wells by the assay's version.

    Entered again before the review, they are a new version beside the first. Nothing of a list or a file with a
    mistake is used.

    Args:
        actor: technician.
        client_id: id made by the sender.
        run_code: as scanned.
        readings: typed: each with `well`, `target` and `ct` (text or number; empty for no Ct).
        file_name: name of the file, for the record.
        content: the CSV's bytes (well, target, Ct), instead of `readings`.

    Returns:
        `run`, `status`, `version`, `valid`, `failure` (msgids with parameters) and `pools` (`pool`, `finding`).

    Raises:
        NotFound: no such run among the actor's laboratories.
        WrongState: the run is reviewed, failed or void.
        ReadingsRefused: with every mistake, each with its line and column.
        InvalidInput: the file cannot be read at all.
    """
    run = lock_run(session, actor, run_code)
    check_open_for_readings(run)
    kit = read_definition(run.assay.definition)
    plate = queries.load_plate(session, run_id=run.id)
    read = read_readings(kit, plate, size=run.size, typed=readings, content=content)
    raw = content if content is not None else write_csv(readings or ())
    file = keep_result_file(session, actor, run, raw, file_name=file_name.strip() or "readings.csv")
    called = call_plate(kit, plate, read)
    version = use_readings(session, actor, run, read, called, sha256=hashlib.sha256(raw).hexdigest())
    session.add(
        FileImport(
            file_id=file.id,
            run_id=run.id,
            status="accepted",
            version=version,
            format="typed" if content is None else "plain",
            matched_by="position",
        )
    )
    return describe_readings(run, called, [well.pool for well in plate], [well.position for well in plate])


def check_open_for_readings(run: Run) -> None:
    """Refuse readings of a run that was reviewed, failed or is void.

    Raises:
        WrongState: it is.
    """
    if run.status != "imported":
        rules.RUN.check(run.status, "imported", code=codes.grouped(run.code), field="run")


def keep_result_file(session: Session, actor: Actor, run: Run, raw: bytes, *, file_name: str) -> ResultFile:
    """Keep a file as it came, with its hash; it can never be changed."""
    row = ResultFile(
        id=new_id(),
        run_id=run.id,
        # no folders, and no line break: the name stands in a header when the file is sent back
        file_name=" ".join(file_name.replace("\\", "/").rsplit("/", 1)[-1].split())[:200] or "file",
        sha256=hashlib.sha256(raw).digest(),
        content=raw,
        received_by_id=actor.user_id,
        received_at=clock.now(),
    )
    session.add(row)
    session.flush()
    return row


def use_readings(
    session: Session,
    actor: Actor,
    run: Run,
    read: Sequence[OneReading],
    called: PlateCalls,
    *,
    sha256: str,
    curves: Sequence[Curve] = (),
) -> int:
    """Keep the next version of a run's readings, curves and calls; used inside actions.

    Args:
        session: writing session.
        actor: who enters them.
        run: locked.
        read: complete readings of the plate.
        called: what the assay's version makes of them.
        sha256: of the file they came in, hexadecimal.
        curves: in the assay's spelling of the targets.

    Returns:
        The number of the version.
    """
    run.readings_version += 1
    run.status = "imported"
    run.entered_by_id, run.entered_at = actor.user_id, clock.now()
    run.failure = [{"message": p.message, "parameters": dict(p.parameters)} for p in called.problems] or None
    session.flush()
    key = {"run_id": run.id, "version": run.readings_version}
    session.execute(
        insert(Reading).execution_options(render_nulls=True),
        [
            {
                **key,
                "position": one.well,
                "target": one.target,
                "ct": one.ct,
                "raw_ct": one.raw[:40],
                "flags": list(one.flags) or None,
            }
            for one in read
        ],
    )
    if curves:
        session.execute(
            insert(AmplificationCurve),
            [
                {**key, "position": curve.well, "target": curve.target, **pack_curve(curve)}
                for curve in curves
            ],
        )
    session.execute(
        insert(WellCall),
        [
            {
                **key,
                "position": position,
                "assay_id": run.assay_id,
                "finding": call.finding,
                "reason": call.reason,
                "reason_parameters": dict(call.parameters),
            }
            for position, call in called.calls.items()
        ],
    )
    audit.note(
        session,
        "run",
        run.id,
        "readings_recorded",
        version=run.readings_version,
        file={"sha256": sha256},
        valid=called.valid,
    )
    return run.readings_version


def describe_readings(
    run: Run, called: PlateCalls, pools: Sequence[str | None], positions: Sequence[str]
) -> dict[str, Any]:
    """Return the answer of an action that has kept readings."""
    found = {
        pool: called.calls[position].finding for pool, position in zip(pools, positions, strict=True) if pool
    }
    return {
        "run": run.code,
        "status": run.status,
        "version": run.readings_version,
        "valid": called.valid,
        "failure": run.failure or [],
        "pools": [{"pool": pool, "finding": finding} for pool, finding in found.items()],
    }
