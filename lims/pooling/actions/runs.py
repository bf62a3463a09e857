"""Plates and runs: plan, start, record what the cycler read, and put the pools back where a run failed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes, plates
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.intake.new_codes import mint_free
from lims.places.models import Laboratory
from lims.places.queries import get_laboratory
from lims.pooling import rules
from lims.pooling.assays import Assay as AssayRules
from lims.pooling.assays import read_definition
from lims.pooling.models import Extraction, KitLot, Pool, Run, Well
from lims.pooling.plates_with_extractions import ControlWell, list_controls
from lims.pooling.queries import assays as assay_queries
from lims.pooling.queries import extractions as extraction_queries
from lims.pooling.queries import kit_lots as lot_queries
from lims.pooling.queries import pools as pool_queries
from lims.pooling.queries import runs as queries
from lims.pooling.resolution import put_pools_back
from lims.tables import new_id
from lims.transaction import action


def lock_run(session: Session, actor: Actor, code: str) -> Run:
    """Return a run of the actor's laboratories, locked.

    Raises:
        NotFound: no such run among them.
    """
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
    extraction_codes: Sequence[str] | None = None,
    kit_lot: str = "",
    instrument: str = "",
) -> dict[str, Any]:
    """Fill a plate with closed pools and the assay's controls.

    Controls take the last wells in filling order, which cannot be taken for each other when the plate is put in the
    wrong way round (`lims.plates.layout`). Each extraction that the pools went through has its own controls.

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where the cycler stands.
        assay_id: an agreed assay; None: the usual one.
        size: 96 or 384.
        pool_codes: what to test, in order; None: what waits, confirmations first, then retests, repeats and the
            oldest screening pools, as many as there is room for.
        wells: well → pool code, for pools placed by hand; instead of `pool_codes`.
        extraction_codes: extractions whose pools are tested, in their order; instead of `pool_codes`.
        kit_lot: lot number of the kit.
        instrument: name of the cycler.

    Returns:
        `run`, `status`, `size`, `assay`, `assay_version`, `targets` and `wells` (`position`, `pool`, `control`).

    Raises:
        NotFound: the laboratory is not among the actor's, or no such assay or pool.
        InvalidInput: an impossible plate, or a code that is no pool's.
        Refused: the assay may not be used; a pool is not closed, not in this laboratory, may not be confirmed here or
            is too large for the kit; nothing waits; more pools than wells; or the lot has expired, is withdrawn, used
            up or not among the lots that the laboratory keeps account of.
    """
    actor.check_place(laboratory_id)
    laboratory = get_laboratory(session, laboratory_id=laboratory_id)
    if size not in rules.PLATE_SIZES:
        raise InvalidInput("A plate has 96 or 384 wells.", field="size")
    assay = assay_queries.get_usable_assay(session, assay_id=assay_id)
    kit = read_definition(assay.definition)
    lot = _find_lot(session, laboratory_id, assay.name, kit_lot)
    if extraction_codes:
        pool_codes = extraction_queries.list_pool_codes(
            session, laboratory_id=laboratory_id, extraction_codes=extraction_codes
        )
    if wells:
        pools = _find_named(session, list(wells.values()), laboratory, kit)
    elif pool_codes is not None:
        pools = _find_named(session, pool_codes, laboratory, kit)
    else:
        room = (
            size - sum(kind.required_count * kit.wells_per_pool for kind in kit.controls)
        ) // kit.wells_per_pool
        pools = _find_waiting(session, laboratory, kit, room=room)
    extractions = extraction_queries.map_extractions(session, pool_ids=[pool.id for pool in pools])
    controls = list_controls(kit, [extractions.get(pool.id) for pool in pools])
    if not wells and pool_codes is None:
        # each further extraction needs a control of its own: what no longer fits waits for the next plate
        pools = pools[: (size - len(controls)) // kit.wells_per_pool]
        controls = list_controls(kit, [extractions.get(pool.id) for pool in pools])
    kinds = [control.kind for control in controls]
    plan = (
        _lay_by_hand(wells, kinds, size=size, wells_per_pool=kit.wells_per_pool)
        if wells
        else plates.layout(size, [pool.code for pool in pools], kinds, wells_per_item=kit.wells_per_pool)
    )
    _check_lot(session, lot, reactions=len(plan))
    run = Run(
        id=new_id(),
        code=mint_free(session, Run.code, kind="plate", count=1)[0],
        campaign_id=pools[0].campaign_id,
        laboratory_id=laboratory_id,
        assay_id=assay.id,
        size=size,
        status="planned",
        kit_lot=lot.lot if lot else kit_lot.strip(),
        kit_lot_id=lot.id if lot else None,
        instrument=instrument.strip(),
        planned_by_id=actor.user_id,
        planned_at=clock.now(),
    )
    session.add(run)
    session.flush()
    _keep_plate(session, run, pools, plan, controls, extractions)
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


def _find_lot(session: Session, laboratory_id: uuid.UUID, assay_name: str, written: str) -> KitLot | None:
    """Return the lot of a number; None where the laboratory keeps no account of this kit's lots.

    Raises:
        Refused: it keeps account, and this number is not among its lots.
    """
    lots = lot_queries.list_lots(session, laboratory_id=laboratory_id, assay_name=assay_name)
    if not lots:
        return None
    lot = next((one for one in lots if one.lot.casefold() == written.strip().casefold()), None)
    if lot is None:
        raise Refused(
            "Lot “%(lot)s” is not among this laboratory's lots of %(assay)s. Choose one, or add it to the lots first.",
            field="kit_lot",
            lot=written.strip() or "–",
            assay=assay_name,
        )
    # two plates planned at once must not both take its last reactions, nor one take a lot that is being withdrawn
    session.refresh(lot, with_for_update=True)
    return lot


def _check_lot(session: Session, lot: KitLot | None, *, reactions: int) -> None:
    if lot is None:
        return
    words: dict[str, object] = {"lot": lot.lot}
    if lot.expires_on < clock.today():
        raise Refused(
            "Lot %(lot)s expired on %(date)s. Take another lot.",
            field="kit_lot",
            date=f"{lot.expires_on:%d/%m/%Y}",
            **words,
        )
    if lot.withdrawn_at is not None:
        raise Refused("Lot %(lot)s is withdrawn. Take another lot.", field="kit_lot", **words)
    left = lot.reactions - lot_queries.count_used(session, lot_ids=[lot.id]).get(lot.id, 0)
    if left < reactions:
        raise Refused(
            "Lot %(lot)s has %(left)s reactions left, the plate needs %(needed)s. Take another lot or fewer pools.",
            field="kit_lot",
            left=left,
            needed=reactions,
            **words,
        )


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


def find_named_pools(session: Session, pool_codes: Sequence[str], laboratory: Laboratory) -> list[Pool]:
    """Return closed pools that are to be tested in a laboratory, in the order named, locked.

    Raises:
        InvalidInput: a code that is no pool's, or none at all.
        Refused: one of them is not closed, not to be tested here, or has lost a tube.
    """
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
        pools.append(pool)
    return pools


def _find_named(
    session: Session, pool_codes: Sequence[str], laboratory: Laboratory, kit: AssayRules
) -> list[Pool]:
    pools = find_named_pools(session, pool_codes, laboratory)
    for pool in pools:
        if pool.member_count > kit.max_pool_size:
            raise Refused(
                "%(pool)s holds %(count)s tubes; this assay allows %(most)s. Choose another assay.",
                field="pools",
                pool=codes.grouped(pool.code),
                count=pool.member_count,
                most=kit.max_pool_size,
            )
    if len({pool.campaign_id for pool in pools}) > 1:
        raise Refused("These pools are of different campaigns. Plan a plate for each.", field="pools")
    return pools


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


def _keep_plate(
    session: Session,
    run: Run,
    pools: Sequence[Pool],
    plan: Mapping[str, str],
    controls: Sequence[ControlWell[Extraction]],
    extractions: Mapping[uuid.UUID, Extraction],
) -> None:
    by_code = {pool.code: pool for pool in pools}
    # the plan names kinds only; wells of one kind are given to the extractions in the order of the list
    waiting = list(controls)
    rows = []
    for position, item in plan.items():
        control, extraction = None, None
        if item in by_code:
            extraction = extractions.get(by_code[item].id)
        else:
            control = next(one for one in waiting if one.kind == item)
            waiting.remove(control)
            extraction = control.extraction
        rows.append(
            {
                "run_id": run.id,
                "position": position,
                "pool_id": by_code[item].id if item in by_code else None,
                "control": control.kind if control else None,
                "extraction_id": extraction.id if extraction else None,
            }
        )
    session.execute(insert(Well).execution_options(render_nulls=True), rows)
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
    run = lock_run(session, actor, run_code)
    rules.RUN.check(run.status, "running", code=codes.grouped(run.code), field="run")
    run.status, run.started_at = "running", clock.now()
    session.flush()
    audit.note(session, "run", run.id, "started")
    return {"run": run.code, "status": run.status}


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
    run = lock_run(session, actor, run_code)
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
