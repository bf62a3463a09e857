"""Plates and runs: plan, start, record what the cycler read, and put the pools back where a run failed."""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes, plates
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.places.models import Laboratory
from lims.places.queries import get_laboratory
from lims.pooling import rules
from lims.pooling.assays import Assay as AssayRules
from lims.pooling.assays import read_definition
from lims.pooling.calls import Call
from lims.pooling.models import Pool, Reading, ResultFile, Run, Well, WellCall
from lims.pooling.plate_calls import PlateWell, call_plate
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as queries
from lims.pooling.readings import Reading as OneReading
from lims.pooling.resolution import put_pools_back
from lims.pooling.typed_readings import read_readings, write_csv
from lims.tables import new_id
from lims.transaction import action


def _lock_run(session: Session, actor: Actor, code: str) -> Run:
    run = queries.get_run(session, code=code, lock=True)
    actor.check_place(run.laboratory_id, missing=queries.no_such_run(run.code))
    return run


@action
def plan_run(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    assay_id: uuid.UUID | None = None,
    size: int = 96,
    pool_codes: Sequence[str] | None = None,
    wells: Mapping[str, str] | None = None,
    kit_lot: str = "",
    instrument: str = "",
) -> dict[str, Any]:
    """Fill a plate with closed pools and the assay's controls.

    Controls take the last wells in filling order, which cannot be taken for each other when the plate is put in the
    wrong way round (`lims.plates.layout`).

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where the cycler stands.
        assay_id: an agreed assay; None: the usual one.
        size: 96 or 384.
        pool_codes: what to test, in order; None: what waits, confirmations first, then retests, repeats and the
            oldest screening pools, as many as there is room for.
        wells: well → pool code, for pools placed by hand; instead of `pool_codes`.
        kit_lot: lot number of the kit.
        instrument: name of the cycler.

    Returns:
        `run`, `status`, `size`, `assay`, `assay_version`, `targets` and `wells` (`position`, `pool`, `control`).

    Raises:
        NotFound: the laboratory is not among the actor's, or no such assay or pool.
        InvalidInput: an impossible plate, or a code that is no pool's.
        Refused: the assay may not be used; a pool is not closed, not in this laboratory, may not be confirmed here or
            is too large for the kit; nothing waits; or more pools than wells.
    """
    actor.check_place(laboratory_id)
    laboratory = get_laboratory(session, laboratory_id=laboratory_id)
    if size not in rules.PLATE_SIZES:
        raise InvalidInput("A plate has 96 or 384 wells.", field="size")
    assay = assay_queries.get_usable_assay(session, assay_id=assay_id)
    kit = read_definition(assay.definition)
    controls = [kind.kind for kind in kit.controls for _ in range(kind.required_count * kit.wells_per_pool)]
    if wells:
        pools = _find_named(session, list(wells.values()), laboratory, kit)
        plan = _lay_by_hand(wells, controls, size=size, wells_per_pool=kit.wells_per_pool)
    else:
        room = (size - len(controls)) // kit.wells_per_pool
        pools = (
            _find_waiting(session, laboratory, kit, room=room)
            if pool_codes is None
            else _find_named(session, pool_codes, laboratory, kit)
        )
        plan = plates.layout(size, [pool.code for pool in pools], controls, wells_per_item=kit.wells_per_pool)
    run = Run(
        id=new_id(),
        code=codes.mint("plate"),
        campaign_id=pools[0].campaign_id,
        laboratory_id=laboratory_id,
        assay_id=assay.id,
        size=size,
        status="planned",
        kit_lot=kit_lot.strip(),
        instrument=instrument.strip(),
        planned_by_id=actor.user_id,
        planned_at=clock.now(),
    )
    session.add(run)
    session.flush()
    _keep_plate(session, run, pools, plan)
    audit.note(
        session,
        "run",
        run.id,
        "planned",
        run=run.code,
        pools=len(pools),
        assay=assay.name,
        version=assay.version,
    )
    by_code = {pool.code for pool in pools}
    return {
        "run": run.code,
        "status": run.status,
        "size": size,
        "assay": assay.name,
        "assay_version": assay.version,
        "targets": [target.name for target in kit.targets],
        "wells": [
            {
                "position": position,
                "pool": item if item in by_code else None,
                "control": None if item in by_code else item,
            }
            for position, item in plan.items()
        ],
    }


def _find_waiting(session: Session, laboratory: Laboratory, kit: AssayRules, *, room: int) -> list[Pool]:
    """Take what waits, most urgent first; a pool that somebody else is plating at this moment is passed over."""
    query = pool_queries.pools_to_plate(laboratory.place_id, can_confirm=laboratory.can_confirm)
    found = session.scalars(
        query.where(Pool.member_count <= kit.max_pool_size)
        .limit(room)
        .with_for_update(of=Pool, skip_locked=True)
    ).all()
    if not found:
        raise Refused("No closed pool waits for a plate here. Close pools first.", field="pools")
    # a run is of one campaign, that of its most urgent pool
    return [pool for pool in found if pool.campaign_id == found[0].campaign_id]


def _find_named(
    session: Session, pool_codes: Sequence[str], laboratory: Laboratory, kit: AssayRules
) -> list[Pool]:
    wanted = [codes.parse(code, expect="pool", field="pools").text for code in pool_codes]
    if not wanted:
        raise InvalidInput("Name at least one pool.", field="pools")
    here = pool_queries.stands_at(laboratory.place_id)
    rows = session.execute(
        select(Pool, here, pool_queries.tubes_kept()).where(Pool.code.in_(wanted)).with_for_update(of=Pool)
    ).all()
    known = {row[0].code: row for row in rows}
    pools: list[Pool] = []
    for code in dict.fromkeys(wanted):
        words: dict[str, object] = {"pool": codes.grouped(code)}
        pool, stands_here, kept = known.get(code, (None, False, False))
        if pool is None or not stands_here:
            raise Refused("%(pool)s is not a pool of this laboratory. Put it aside.", field="pools", **words)
        rules.POOL.check(pool.status, "on_plate", code=codes.grouped(code), field="pools")
        _check_fits(pool, laboratory, kit, kept=kept, words=words)
        pools.append(pool)
    if len({pool.campaign_id for pool in pools}) > 1:
        raise Refused("These pools are of different campaigns. Plan a plate for each.", field="pools")
    return pools


def _check_fits(
    pool: Pool, laboratory: Laboratory, kit: AssayRules, *, kept: bool, words: dict[str, object]
) -> None:
    if pool.purpose == "confirm" and not laboratory.can_confirm:
        raise Refused(
            "%(pool)s is a confirmation, which this laboratory may not do. Send its tube on.",
            field="pools",
            **words,
        )
    if not kept:
        raise Refused(
            "A tube of %(pool)s is no longer here. Look at the pool's record.", field="pools", **words
        )
    if pool.member_count > kit.max_pool_size:
        raise Refused(
            "%(pool)s holds %(count)s tubes; this assay allows %(most)s. Choose another assay.",
            field="pools",
            count=pool.member_count,
            most=kit.max_pool_size,
            **words,
        )


def _lay_by_hand(
    wells: Mapping[str, str], controls: Sequence[str], *, size: int, wells_per_pool: int
) -> dict[str, str]:
    """Return well → pool or control, in filling order, for pools placed by hand."""
    plan = plates.layout(size, [], controls)
    for text, code in wells.items():
        well = plates.parse_well(text, size=size, field="wells")
        if well in plan:
            raise InvalidInput("The well %(well)s is taken already.", field="wells", well=well)
        plan[well] = codes.parse(code, expect="pool", field="wells").text
    counted = Counter(item for item in plan.values() if item not in controls)
    wrong = next((code for code, count in counted.items() if count != wells_per_pool), None)
    if wrong is not None:
        raise InvalidInput(
            "%(pool)s needs %(count)s wells with this assay.",
            field="wells",
            pool=codes.grouped(wrong),
            count=wells_per_pool,
        )
    return {well: plan[well] for well in plates.well_names(size) if well in plan}


def _keep_plate(session: Session, run: Run, pools: Sequence[Pool], plan: Mapping[str, str]) -> None:
    by_code = {pool.code: pool for pool in pools}
    session.execute(
        insert(Well).execution_options(render_nulls=True),
        [
            {
                "run_id": run.id,
                "position": position,
                "pool_id": by_code[item].id if item in by_code else None,
                "control": None if item in by_code else item,
            }
            for position, item in plan.items()
        ],
    )
    session.execute(
        update(Pool)
        .where(Pool.id.in_([pool.id for pool in pools]))
        .values(status="on_plate", laboratory_id=run.laboratory_id)
    )
    for position, item in plan.items():
        pool = by_code.pop(item, None)
        if pool is not None:
            audit.note(session, "pool", pool.id, "plated", run=run.code, well=position)


@action
def start_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str
) -> dict[str, Any]:
    """Say that the plate is in the cycler.

    Raises:
        NotFound: no such run among the actor's laboratories.
        AlreadyDone, WrongState: it is not planned.
    """
    run = _lock_run(session, actor, run_code)
    rules.RUN.check(run.status, "running", code=codes.grouped(run.code), field="run")
    run.status, run.started_at = "running", clock.now()
    session.flush()
    audit.note(session, "run", run.id, "started")
    return {"run": run.code, "status": run.status}


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
    run = _lock_run(session, actor, run_code)
    if run.status != "imported":
        rules.RUN.check(run.status, "imported", code=codes.grouped(run.code), field="run")
    kit = read_definition(run.assay.definition)
    plate = [
        PlateWell(well.position, codes.grouped(well.pool.code) if well.pool else None, well.control)
        for well in queries.list_wells(session, run_id=run.id)
    ]
    read = read_readings(kit, plate, size=run.size, typed=readings, content=content)
    called = call_plate(kit, plate, read)
    raw = content if content is not None else write_csv(readings or ())
    run.readings_version += 1
    run.status = "imported"
    run.entered_by_id, run.entered_at = actor.user_id, clock.now()
    run.failure = [{"message": p.message, "parameters": dict(p.parameters)} for p in called.problems] or None
    _keep_version(session, actor, run, raw, file_name=file_name, read=read, calls=called.calls)
    audit.note(
        session,
        "run",
        run.id,
        "readings_recorded",
        version=run.readings_version,
        file={"sha256": hashlib.sha256(raw).hexdigest()},
        valid=called.valid,
    )
    found = {well.pool: called.calls[well.position].finding for well in plate if well.pool}
    return {
        "run": run.code,
        "status": run.status,
        "version": run.readings_version,
        "valid": called.valid,
        "failure": run.failure or [],
        "pools": [{"pool": codes.normalise(pool), "finding": finding} for pool, finding in found.items()],
    }


def _keep_version(
    session: Session,
    actor: Actor,
    run: Run,
    raw: bytes,
    *,
    file_name: str,
    read: Sequence[OneReading],
    calls: Mapping[str, Call],
) -> None:
    """Keep one version of a run's readings: the file as it came, each reading, and what the rules call each well."""
    session.add(
        ResultFile(
            id=new_id(),
            run_id=run.id,
            version=run.readings_version,
            file_name=(file_name.strip() or "readings.csv")[:200],
            sha256=hashlib.sha256(raw).digest(),
            content=raw,
            received_by_id=actor.user_id,
            received_at=clock.now(),
        )
    )
    session.flush()
    session.execute(
        insert(Reading).execution_options(render_nulls=True),
        [
            {
                "run_id": run.id,
                "version": run.readings_version,
                "position": one.well,
                "target": one.target,
                "ct": one.ct,
                "raw_ct": one.raw[:40],
            }
            for one in read
        ],
    )
    session.execute(
        insert(WellCall),
        [
            {
                "run_id": run.id,
                "version": run.readings_version,
                "position": position,
                "assay_id": run.assay_id,
                "finding": call.finding,
                "reason": call.reason,
                "reason_parameters": dict(call.parameters),
            }
            for position, call in calls.items()
        ],
    )


@action
def fail_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str, reason: str
) -> dict[str, Any]:
    """Fail a run (power cut, spilt plate, controls): its pools wait for another plate.

    Args:
        actor: technician or supervisor.
        client_id: id made by the sender.
        run_code: as scanned.
        reason: what happened, for the record; no names of people.

    Raises:
        NotFound: no such run among the actor's laboratories.
        AlreadyDone, WrongState: it is planned (void it instead), reviewed or over.
        InvalidInput: no reason.
    """
    return _end_run(session, actor, run_code, "failed", reason)


@action
def void_run(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, run_code: str, reason: str
) -> dict[str, Any]:
    """Void a run that should not have been planned; see `fail_run`. A reviewed run is withdrawn instead."""
    return _end_run(session, actor, run_code, "void", reason)


def _end_run(session: Session, actor: Actor, run_code: str, status: str, reason: str) -> dict[str, Any]:
    run = _lock_run(session, actor, run_code)
    rules.RUN.check(run.status, status, code=codes.grouped(run.code), field="run")
    if run.status in ("reviewed", "verified"):
        raise Refused(
            "%(run)s was reviewed already: its results must be withdrawn instead.",
            field="run",
            run=codes.grouped(run.code),
        )
    reason = reason.strip()[:200]
    if not reason:
        raise InvalidInput("Say in a few words what happened.", field="reason")
    run.status = status
    run.failure = [*(run.failure or []), {"message": "%(text)s", "parameters": {"text": reason}}]
    session.flush()
    put_pools_back(session, run=run)
    audit.note(session, "run", run.id, "failed" if status == "failed" else "voided", reason=reason)
    return {"run": run.code, "status": run.status}
