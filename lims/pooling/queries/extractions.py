"""Reading extractions: which pools were extracted together, and what waits to be."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, joinedload, selectinload

from lims import codes
from lims.errors import NotFound
from lims.pooling.models import ExtractedPool, Extraction, Pool
from lims.pooling.queries.pools import pools_to_plate


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


def lock_extracted(session: Session, *, extraction_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools of an extraction in their order, locked."""
    return session.scalars(
        select(Pool)
        .join(ExtractedPool, ExtractedPool.pool_id == Pool.id)
        .where(ExtractedPool.extraction_id == extraction_id)
        .order_by(ExtractedPool.position)
        .with_for_update(of=Pool)
        .execution_options(populate_existing=True)
    ).all()


def list_pool_codes(
    session: Session, *, laboratory_id: uuid.UUID, extraction_codes: Sequence[str]
) -> list[str]:
    """Return the codes of the pools that were extracted together, in the order of the extractions.

    Raises:
        NotFound: one of the extractions is not of this laboratory.
    """
    wanted = [codes.parse(code, expect="extraction", field="extraction").text for code in extraction_codes]
    rows = session.execute(
        select(Extraction.code, Pool.code, Pool.status)
        .join(ExtractedPool, ExtractedPool.extraction_id == Extraction.id)
        .join(Pool, Pool.id == ExtractedPool.pool_id)
        .where(Extraction.code.in_(wanted), Extraction.laboratory_id == laboratory_id)
        .order_by(ExtractedPool.position)
    ).all()
    found: defaultdict[str, list[str]] = defaultdict(list)
    for extraction, pool, status in rows:
        # what was tested or void since does not hinder the others
        found[extraction].extend([pool] if status == "closed" else [])
    missing = next((code for code in wanted if code not in found), None)
    if missing is not None:
        raise no_such_extraction(missing)
    return [pool for code in dict.fromkeys(wanted) for pool in found[code]]


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


def pools_to_extract(laboratory_id: uuid.UUID, *, can_confirm: bool) -> Select[Pool]:
    """Return the query of a laboratory's pools to plate in no extraction that holds, most urgent first."""
    held = (
        select(ExtractedPool.pool_id)
        .join(Extraction)
        .where(ExtractedPool.pool_id == Pool.id, Extraction.failed_at.is_(None))
    )
    return pools_to_plate(laboratory_id, can_confirm=can_confirm).where(~held.exists())


def count_to_extract(session: Session, *, laboratory_id: uuid.UUID, can_confirm: bool) -> int:
    """Count what the next extraction may take."""
    waiting = pools_to_extract(laboratory_id, can_confirm=can_confirm).order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(waiting)) or 0
