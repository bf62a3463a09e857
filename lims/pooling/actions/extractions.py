"""Extractions: which pools had their RNA extracted together, so that a failed control points at something."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.errors import AlreadyDone, InvalidInput, Refused
from lims.intake.new_codes import mint_free
from lims.places.queries import get_laboratory
from lims.pooling.actions.runs import find_named_pools
from lims.pooling.models import ExtractedPool, Extraction, Pool
from lims.pooling.queries import extractions as queries
from lims.tables import new_id
from lims.transaction import action

MOST_POOLS = 384


@action
def make_extraction(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    pool_codes: Sequence[str] | None = None,
    most: int = 95,
    kit_lot: str = "",
    instrument: str = "",
) -> dict[str, Any]:
    """Note that pools are extracted together, with one control; each plate they stand on takes that control too.

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where.
        pool_codes: closed pools in the order of the deck; None: what waits, most urgent first.
        most: without codes, how many at most; one place is the control's.
        kit_lot: lot of the extraction kit.
        instrument: name of the extractor.

    Returns:
        `extraction` (its code) and `pools` (codes in order).

    Raises:
        NotFound: the laboratory is not among the actor's.
        InvalidInput: a code that is no pool's, or too many.
        Refused: a pool is not closed, not here, or in an extraction that holds; or nothing waits.
    """
    actor.check_place(laboratory_id)
    laboratory = get_laboratory(session, laboratory_id=laboratory_id)
    if not 1 <= most <= MOST_POOLS or (pool_codes is not None and len(pool_codes) > MOST_POOLS):
        raise InvalidInput("An extraction holds 1 to %(most)s pools.", field="pools", most=MOST_POOLS)
    if pool_codes is None:
        pools = _find_waiting(session, laboratory_id, can_confirm=laboratory.can_confirm, most=most)
    else:
        pools = find_named_pools(session, pool_codes, laboratory)
        _check_not_extracted(session, pools)
    extraction = Extraction(
        id=new_id(),
        code=mint_free(session, Extraction.code, kind="extraction", count=1)[0],
        laboratory_id=laboratory_id,
        kit_lot=kit_lot.strip()[:40],
        instrument=instrument.strip()[:80],
        made_by_id=actor.user_id,
        made_at=clock.now(),
    )
    session.add(extraction)
    session.flush()
    session.execute(
        insert(ExtractedPool),
        [
            {"extraction_id": extraction.id, "pool_id": pool.id, "position": place}
            for place, pool in enumerate(pools, start=1)
        ],
    )
    audit.note(
        session, "extraction", extraction.id, "extracted", extraction=extraction.code, pools=len(pools)
    )
    for pool in pools:
        audit.note(session, "pool", pool.id, "extracted", extraction=extraction.code)
    return {"extraction": extraction.code, "pools": [pool.code for pool in pools]}


def _find_waiting(session: Session, laboratory_id: uuid.UUID, *, can_confirm: bool, most: int) -> list[Pool]:
    locked = session.scalars(
        queries.pools_to_extract(laboratory_id, can_confirm=can_confirm)
        .limit(most)
        .with_for_update(of=Pool, skip_locked=True)
    ).all()
    # asked again under the locks: an extraction that was noted meanwhile has changed no pool's row
    taken = queries.map_extractions(session, pool_ids=[pool.id for pool in locked])
    found = [pool for pool in locked if pool.id not in taken]
    if not found:
        raise Refused("No closed pool waits for an extraction here. Close pools first.", field="pools")
    return found


def _check_not_extracted(session: Session, pools: Sequence[Pool]) -> None:
    known = queries.map_extractions(session, pool_ids=[pool.id for pool in pools])
    for pool in pools:
        if pool.id in known:
            raise Refused(
                "%(pool)s was extracted in %(extraction)s already. Plate it, or give that extraction up first.",
                field="pools",
                pool=codes.grouped(pool.code),
                extraction=codes.grouped(known[pool.id].code),
            )


@action
def fail_extraction(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, extraction_code: str, reason: str
) -> dict[str, Any]:
    """Give an extraction up: its pools that are on no plate wait to be extracted again.

    Args:
        actor: technician.
        client_id: id made by the sender.
        extraction_code: as scanned.
        reason: what happened; no names of people.

    Raises:
        NotFound: no such extraction among the actor's laboratories.
        AlreadyDone: it is given up.
        Refused: pools of it are on a plate: that run is given up first.
        InvalidInput: no reason.
    """
    extraction = queries.get_extraction(session, code=extraction_code, lock=True)
    actor.check_place(extraction.laboratory_id, missing=queries.no_such_extraction(extraction.code))
    words: dict[str, object] = {"extraction": codes.grouped(extraction.code)}
    if extraction.failed_at is not None:
        raise AlreadyDone("%(extraction)s has failed already.", field="extraction", **words)
    if not reason.strip():
        raise InvalidInput("Say in a few words what happened.", field="reason")
    # locked: a plate is perhaps being planned with them at this moment
    pools = queries.lock_extracted(session, extraction_id=extraction.id)
    if any(pool.status == "on_plate" for pool in pools):
        raise Refused(
            "Pools of %(extraction)s are on a plate. Give that run up first.", field="extraction", **words
        )
    if pools and all(pool.status in ("called", "resolved") for pool in pools):
        raise Refused(
            "All pools of %(extraction)s were tested. Withdraw their run instead.",
            field="extraction",
            **words,
        )
    extraction.failed_at, extraction.failure = clock.now(), reason.strip()[:200]
    audit.note(session, "extraction", extraction.id, "failed", extraction=extraction.code)
    return {"extraction": extraction.code, "pools": [pool.code for pool in pools if pool.status == "closed"]}
