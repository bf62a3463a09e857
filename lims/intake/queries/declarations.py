"""Reading declarations, their samples and what was issued for them."""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from lims import codes
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.models import Declaration, ResultCode, Sample, Tube


def get_declaration(session: Session, *, actor: Actor, code: str, lock: bool = False) -> Declaration:
    """Return a declaration of the actor's places with its person and commune.

    Args:
        session: reading or writing session.
        actor: who asks; sees it by the commune declared for, or the one the person lives in.
        code: the declaration's code, as typed or scanned.
        lock: hold the row until the transaction ends; for actions that decide on it.

    Raises:
        InvalidInput: it is not the code of a declaration.
        NotFound: there is none with this code among the actor's places.
    """
    wanted = codes.parse(code, expect="declaration", field="declaration").text
    query = select(Declaration).where(Declaration.code == wanted)
    if lock:
        query = query.with_for_update(of=Declaration)
    found = session.scalars(query).unique().first()
    if found is None:
        raise NotFound("There is no such thing among your places. Check the code, or ask your coordinator.")
    actor.check_place(found.commune_id, found.person.commune_id)
    return found


def map_open_declarations(
    session: Session, *, campaign_id: uuid.UUID, person_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, tuple[uuid.UUID, str]]:
    """Return key and code of the open declaration of some people in a campaign, by person."""
    if not person_ids:
        return {}
    rows = session.execute(
        select(Declaration.person_id, Declaration.id, Declaration.code).where(
            Declaration.campaign_id == campaign_id,
            Declaration.status == "open",
            Declaration.person_id.in_(person_ids),
        )
    )
    return {row.person_id: (row.id, row.code) for row in rows}


def find_natural_keys(session: Session, *, campaign_id: uuid.UUID, keys: Collection[bytes]) -> set[bytes]:
    """Return which rows of a list (keyed hashes, at most some thousands) were imported before."""
    return {
        key
        for key in session.scalars(
            select(Declaration.natural_key).where(
                Declaration.campaign_id == campaign_id, Declaration.natural_key.in_(keys)
            )
        )
        if key is not None
    }


def list_without_natural_key(
    session: Session, *, declaration_ids: Collection[uuid.UUID]
) -> Sequence[uuid.UUID]:
    """Return which of some declarations were made from no row of a list and met none yet, locked."""
    if not declaration_ids:
        return []
    return session.scalars(
        select(Declaration.id)
        .where(Declaration.id.in_(declaration_ids), Declaration.natural_key.is_(None))
        .order_by(Declaration.id)
        .with_for_update()
    ).all()


def list_samples(session: Session, *, declaration_id: uuid.UUID) -> Sequence[Sample]:
    """Return the samples of a declaration with their tubes, oldest first."""
    return (
        session.scalars(
            select(Sample)
            .where(Sample.declaration_id == declaration_id)
            .options(
                joinedload(Sample.tube).options(
                    joinedload(Tube.place), joinedload(Tube.laboratory), joinedload(Tube.box)
                )
            )
            .order_by(Sample.sampled_at, Sample.id)
        )
        .unique()
        .all()
    )


def list_household(session: Session, *, declaration: Declaration, most: int = 40) -> Sequence[Declaration]:
    """Return the other declarations of the same household."""
    if declaration.household_code is None:
        return []
    return (
        session.scalars(
            select(Declaration)
            .where(Declaration.household_code == declaration.household_code, Declaration.id != declaration.id)
            .order_by(Declaration.created_at, Declaration.id)
            .limit(most)
        )
        .unique()
        .all()
    )


def find_live_result_code(session: Session, *, declaration_id: uuid.UUID) -> ResultCode | None:
    """Return the result code that is not revoked, or None where none was issued."""
    return session.scalars(
        select(ResultCode).where(ResultCode.declaration_id == declaration_id, ResultCode.revoked_at.is_(None))
    ).first()


def is_live_result_code(session: Session, *, declaration_id: uuid.UUID, code_hash: bytes) -> bool:
    """Tell whether a result code (its keyed hash) is the live one of a declaration."""
    live = find_live_result_code(session, declaration_id=declaration_id)
    return live is not None and hmac.compare_digest(live.code_hash, code_hash)


def list_without_slip(
    session: Session, *, commune_id: uuid.UUID, campaign_id: uuid.UUID, most: int
) -> Sequence[uuid.UUID]:
    """Return the keys of a commune's listed, open declarations that have no result code yet, oldest first."""
    issued = select(ResultCode.id).where(ResultCode.declaration_id == Declaration.id).exists()
    return session.scalars(
        select(Declaration.id)
        .where(
            Declaration.commune_id == commune_id,
            Declaration.status == "open",
            Declaration.campaign_id == campaign_id,
            Declaration.declared_by == "list",
            ~issued,
        )
        .order_by(Declaration.created_at, Declaration.id)
        .limit(most)
    ).all()


def list_by_code(
    session: Session, *, actor: Actor, declaration_codes: Collection[str]
) -> Sequence[Declaration]:
    """Return some declarations of the actor's communes, held until the transaction ends.

    Raises:
        NotFound: one of them is not there, or not in the actor's communes.
    """
    wanted = set(declaration_codes)
    found = (
        session.scalars(
            select(Declaration)
            .where(Declaration.code.in_(wanted))
            .order_by(Declaration.id)
            .with_for_update(of=Declaration)
        )
        .unique()
        .all()
    )
    if len(found) != len(wanted) or not all(actor.sees(one.commune_id) for one in found):
        raise NotFound("There is no such thing among your places. Check the code, or ask your coordinator.")
    return found


def find_without_result_code(
    session: Session, *, declaration_ids: Collection[uuid.UUID]
) -> Sequence[uuid.UUID]:
    """Return which of some declarations never had a result code."""
    issued = select(ResultCode.id).where(ResultCode.declaration_id == Declaration.id).exists()
    return session.scalars(
        select(Declaration.id)
        .where(Declaration.id.in_(declaration_ids), ~issued)
        .order_by(Declaration.created_at, Declaration.id)
    ).all()


def list_for_slips(session: Session, *, declaration_ids: Collection[uuid.UUID]) -> Sequence[Declaration]:
    """Return declarations with their people and communes, households together, in the order of their names."""
    found = session.scalars(select(Declaration).where(Declaration.id.in_(declaration_ids))).unique().all()
    return sorted(found, key=lambda one: (one.household_code or "", one.person.name_key, one.id))
