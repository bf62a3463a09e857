"""Which rows an account sees, as conditions: what is not among its places is not there (SECURITY R1).

A person and what names them is seen by communes alone: a laboratory sees no names. A sample is seen where its person
declared, where it was taken, and where its tube stands or was tested.
"""

from __future__ import annotations

import uuid

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, aliased

from lims.auth.actors import Actor
from lims.intake.models import Declaration, Person, Sample, Tube
from lims.pooling.models import Pool, PoolMember


def sees_person(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Person`."""
    if actor.everywhere:
        return true()
    own = aliased(Declaration)
    declared = select(own.id).where(own.person_id == Person.id, own.commune_id.in_(actor.place_ids))
    return or_(Person.commune_id.in_(actor.place_ids), declared.correlate(Person).exists())


def sees_declaration(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Declaration`."""
    if actor.everywhere:
        return true()
    own = aliased(Sample)
    # a condition that the partial index on declaration_id can serve
    sampled = select(own.id).where(
        own.declaration_id == Declaration.id, own.status != "void", _sees_tube(actor, own.tube_id)
    )
    return or_(Declaration.commune_id.in_(actor.place_ids), sampled.correlate(Declaration).exists())


def sees_sample(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Sample`, which results share."""
    if actor.everywhere:
        return true()
    return or_(
        Sample.commune_id.in_(actor.place_ids),
        Sample.place_id.in_(actor.place_ids),
        _sees_tube(actor, Sample.tube_id),
    )


def sees_pool(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on `Pool`: it lies in its laboratory."""
    return true() if actor.everywhere else Pool.laboratory_id.in_(actor.place_ids)


def _sees_tube(actor: Actor, tube_id: InstrumentedAttribute[uuid.UUID]) -> ColumnElement[bool]:
    tube, member, pool = aliased(Tube), aliased(PoolMember), aliased(Pool)
    stands = select(tube.id).where(tube.id == tube_id, tube.laboratory_id.in_(actor.place_ids))
    tested = (
        select(member.pool_id)
        .join(pool, pool.id == member.pool_id)
        .where(member.tube_id == tube_id, pool.laboratory_id.in_(actor.place_ids))
    )
    return or_(stands.exists(), tested.exists())
