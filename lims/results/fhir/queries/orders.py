"""Declarations, as ServiceRequests are made of them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, or_, select
from sqlalchemy.orm import Session, joinedload

from lims.auth.actors import Actor
from lims.intake.models import Declaration
from lims.results.fhir.dialect import Dialect
from lims.results.fhir.facts import OrderFacts
from lims.results.fhir.queries.changes import changed_within, map_changes
from lims.results.fhir.queries.identifiers import map_numbers, select_owners
from lims.results.fhir.queries.pages import list_keys
from lims.results.fhir.queries.scopes import sees_declaration
from lims.results.fhir.search import Search, Token
from lims.vault import Vault


def list_orders(
    session: Session, *, actor: Actor, vault: Vault, dialect: Dialect, search: Search, after: uuid.UUID | None
) -> Sequence[uuid.UUID]:
    """Return keys of declarations, one more than a page holds."""
    query = select(Declaration.id).where(sees_declaration(actor), changed_within(search, Declaration.id))
    if search.ids is not None:
        query = query.where(Declaration.id.in_(search.ids))
    for _, people in search.references:
        query = query.where(Declaration.person_id.in_(people))
    if search.identifiers is not None:
        query = query.where(_has_number(vault, dialect, search.identifiers))
    return list_keys(session, query, Declaration.id, after=after, most=search.count + 1)


def _has_number(vault: Vault, dialect: Dialect, tokens: Sequence[Token]) -> ColumnElement[bool]:
    ours = dialect.systems["declaration"]
    codes = [token.value for token in tokens if token.system in (None, ours)]
    foreign = [token for token in tokens if token.system != ours]
    conditions: list[ColumnElement[bool]] = [Declaration.code.in_(codes)] if codes else [false()]
    if foreign:
        conditions.append(Declaration.id.in_(select_owners(vault, kind="order", tokens=foreign)))
    return or_(*conditions)


def read_orders(
    session: Session, *, actor: Actor, vault: Vault, keys: Sequence[uuid.UUID]
) -> list[OrderFacts]:
    """Return some declarations of the actor's places, in the order of their keys."""
    rows = (
        session.scalars(
            select(Declaration)
            .where(Declaration.id.in_(keys), sees_declaration(actor))
            .options(joinedload(Declaration.commune), joinedload(Declaration.campaign))
            .order_by(Declaration.id)
        )
        .unique()
        .all()
    )
    ids = [row.id for row in rows]
    changes = map_changes(session, subject_ids=ids)
    foreign = map_numbers(session, vault=vault, kind="order", owner_ids=ids)
    return [
        OrderFacts(
            id=row.id,
            code=row.code,
            foreign=foreign[row.id],
            person_id=row.person_id,
            campaign_id=row.campaign_id,
            campaign=row.campaign.name,
            commune_id=row.commune_id,
            commune_code=row.commune.code,
            commune=row.commune.full_name,
            household_code=row.household_code,
            status=row.status,
            symptoms=tuple(row.symptoms),
            is_contact=row.is_contact,
            created_at=row.created_at,
            changed_at=max(row.created_at, changes.get(row.id, row.created_at)),
        )
        for row in rows
    ]
