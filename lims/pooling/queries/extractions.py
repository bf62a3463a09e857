"""Reading extractions: which pools were extracted together, and what waits to be."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from lims import codes
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.pooling.models import ExtractedPool, Extraction, Pool


def no_such_extraction(code: str) -> NotFound:
    """Return the answer for an extraction that does not exist, or is not among the places of whoever asks."""
    shown = codes.grouped(codes.normalise(code))
    return NotFound(
        "There is no extraction %(extraction)s. Scan its label again.", field="extraction", extraction=shown
    )


def get_extraction(session: Session, *, code: str, lock: bool = False) -> Extraction:
    """Return an extraction by its code, however it is written.

    Raises:
        InvalidInput: it is not an extraction's code.
        NotFound: there is no such extraction.
    """
    text = codes.parse(code, expect="extraction", field="extraction").text
    query = select(Extraction).where(Extraction.code == text)
    found = session.scalars(query.with_for_update(of=Extraction) if lock else query).first()
    if found is None:
        raise no_such_extraction(code)
    return found


def list_extractions(session: Session, *, laboratory_id: uuid.UUID, most: int = 50) -> Sequence[Extraction]:
    """Return a laboratory's extractions with their pools, the newest first."""
    return session.scalars(
        select(Extraction)
        .where(Extraction.laboratory_id == laboratory_id)
        .options(selectinload(Extraction.pools).joinedload(ExtractedPool.pool))
        .order_by(Extraction.made_at.desc(), Extraction.id.desc())
        .limit(most)
    ).all()


def list_extracted(session: Session, *, extraction_id: uuid.UUID) -> Sequence[ExtractedPool]:
    """Return the pools of an extraction in their order."""
    return session.scalars(
        select(ExtractedPool)
        .where(ExtractedPool.extraction_id == extraction_id)
        .options(joinedload(ExtractedPool.pool))
        .order_by(ExtractedPool.position)
    ).all()


def list_pool_codes(
    session: Session, *, laboratory_id: uuid.UUID, extraction_codes: Sequence[str]
) -> list[str]:
    """Return the codes of the pools that were extracted together, in the order of the extractions.

    Raises:
        NotFound: one of the extractions is not of this laboratory.
    """
    found: list[str] = []
    for code in extraction_codes:
        extraction = get_extraction(session, code=code)
        if extraction.laboratory_id != laboratory_id:
            raise no_such_extraction(code)
        found.extend(
            row.pool.code
            for row in list_extracted(session, extraction_id=extraction.id)
            if row.pool.status == "closed"
        )
    return found


def map_extractions(session: Session, *, pool_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Extraction]:
    """Return the extraction that holds for each of some pools: the last one that has not failed."""
    found: dict[uuid.UUID, Extraction] = {}
    for pool_id, extraction in session.execute(
        select(ExtractedPool.pool_id, Extraction)
        .join(Extraction, Extraction.id == ExtractedPool.extraction_id)
        .where(ExtractedPool.pool_id.in_(pool_ids), Extraction.failed_at.is_(None))
        .order_by(Extraction.made_at, Extraction.id)
    ):
        found[pool_id] = extraction
    return found


def list_to_extract(
    session: Session, *, actor: Actor, laboratory_id: uuid.UUID, most: int = 500
) -> list[Pool]:
    """Return closed pools of a laboratory in no extraction that holds, the most urgent first."""
    from lims.pooling.queries.pools import list_waiting_pools

    actor.check_place(laboratory_id)
    waiting = [
        pool
        for pool in list_waiting_pools(session, laboratory_id=laboratory_id, most=most)
        if pool.status == "closed"
    ]
    extracted = map_extractions(session, pool_ids=[pool.id for pool in waiting])
    return [pool for pool in waiting if pool.id not in extracted]
