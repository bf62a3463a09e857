"""Reading tubes: facts to decide on (locked), and the record of one tube."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, or_, select, true
from sqlalchemy.orm import Session, joinedload, selectinload

from lims import clock, codes
from lims.auth.actors import Actor
from lims.errors import NotFound
from lims.intake.collecting import Binding, CampaignFacts, DeclarationFacts, TubeFacts
from lims.intake.models import BoxTube, Declaration, Sample, SecondSwab, Tube
from lims.msgid import N_
from lims.places.models import Campaign

NOT_THERE = N_("There is no tube %(code)s among your places. Check the code, or ask your coordinator.")


def lock_tubes(
    session: Session, *, tube_codes: Collection[str], province_id: uuid.UUID | None
) -> dict[str, TubeFacts]:
    """Lock the tubes of some codes, in one order, and return their facts without bindings.

    Args:
        session: writing session.
        tube_codes: normalised codes; unknown ones are not in the answer.
        province_id: tubes of other provinces look as if they did not exist.
    """
    return _lock_tubes(session, tube_codes, Tube.campaign_id.in_(_campaigns_of(province_id)))


def lock_visible_tubes(
    session: Session, *, actor: Actor, tube_codes: Collection[str]
) -> dict[str, TubeFacts]:
    """Lock the tubes of some codes that were used at, or lie at, one of the actor's places."""
    facts = _lock_tubes(session, tube_codes, true())
    return {
        code: tube
        for code, tube in facts.items()
        if any(actor.sees(place) for place in (tube.place_id, tube.laboratory_id) if place)
    }


def _lock_tubes(
    session: Session, tube_codes: Collection[str], condition: ColumnElement[bool]
) -> dict[str, TubeFacts]:
    rows = session.execute(
        select(
            Tube.id,
            Tube.code,
            Tube.campaign_id,
            Tube.mode,
            Tube.status,
            Tube.session_id,
            Tube.closed_count,
            Tube.place_id,
            Tube.laboratory_id,
            Tube.box_id,
            Tube.collected_at,
        )
        .where(Tube.code.in_(sorted(tube_codes)), condition)
        .order_by(Tube.id)
        .with_for_update()
    )
    return {row.code: TubeFacts(**row._asdict()) for row in rows}


def lock_declarations(
    session: Session, *, declaration_codes: Collection[str], province_id: uuid.UUID | None
) -> dict[str, DeclarationFacts]:
    """Lock the declarations of some codes, in one order, and return their facts without bindings.

    Args:
        session: writing session.
        declaration_codes: normalised codes; unknown ones are not in the answer.
        province_id: declarations of other provinces look as if they did not exist.
    """
    rows = session.execute(
        select(
            Declaration.id,
            Declaration.code,
            Declaration.campaign_id,
            Declaration.person_id,
            Declaration.commune_id,
            Declaration.status,
            Declaration.attempt,
        )
        .where(
            Declaration.code.in_(sorted(declaration_codes)),
            Declaration.campaign_id.in_(_campaigns_of(province_id)),
        )
        .order_by(Declaration.id)
        .with_for_update()
    )
    return {row.code: DeclarationFacts(**row._asdict()) for row in rows}


def fill_bindings(
    session: Session, *, tubes: Collection[TubeFacts], declarations: Collection[DeclarationFacts] = ()
) -> None:
    """Add the samples that count to the facts of their tubes and of their persons, in two statements."""
    by_tube = {tube.id: tube for tube in tubes}
    for binding in _list_bindings(session, Sample.tube_id.in_(sorted(by_tube))):
        by_tube[binding.tube_id].bindings.append(binding)
    if not declarations:
        return
    # One list for all declarations of a person, so that a scan of one is seen by the next scan of another.
    of_person: dict[uuid.UUID, list[Binding]] = {}
    for declaration in declarations:
        declaration.bindings = of_person.setdefault(declaration.person_id, [])
    for binding in _list_bindings(session, Sample.person_id.in_(sorted(of_person))):
        of_person[binding.person_id].append(binding)


def _list_bindings(session: Session, condition: ColumnElement[bool]) -> list[Binding]:
    rows = session.execute(
        select(
            Sample.tube_id,
            Sample.declaration_id,
            Sample.person_id,
            Sample.slot,
            Sample.attempt,
            Sample.status,
            Sample.sampled_at,
        )
        .where(condition, Sample.status != "void")
        .order_by(Sample.tube_id, Sample.slot)
    )
    return [Binding(*row[:-1], clock.local(row.sampled_at)) for row in rows]


def map_campaigns(session: Session, *, campaign_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, CampaignFacts]:
    """Return what each of some campaigns allows, by its key."""
    rows = session.execute(
        select(Campaign.id, Campaign.starts_on, Campaign.ends_on, Campaign.mixed_tube_size).where(
            Campaign.id.in_(sorted(campaign_ids))
        )
    )
    return {row.id: CampaignFacts(*row) for row in rows}


def _campaigns_of(province_id: uuid.UUID | None) -> Select[uuid.UUID]:
    return select(Campaign.id).where(Campaign.province_id == province_id)


def get_tube_record(session: Session, *, actor: Actor, code: str) -> Tube:
    """Return a tube with its people, its box and its places, for its record.

    Args:
        session: reading session.
        actor: who asks; a tube none of whose places is theirs looks as if it did not exist.
        code: as scanned or typed.

    Raises:
        InvalidInput: it is not a tube's code.
        NotFound: there is no such tube among the actor's places.
    """
    wanted = codes.parse(code, expect="tube", field="code").text
    tube = session.scalars(
        select(Tube)
        .where(Tube.code == wanted)
        .options(
            joinedload(Tube.place),
            joinedload(Tube.laboratory),
            joinedload(Tube.box),
            joinedload(Tube.campaign),
            selectinload(Tube.samples).joinedload(Sample.declaration),
        )
    ).first()
    if tube is None:
        raise NotFound(NOT_THERE, field="code", code=codes.grouped(wanted))
    # the laboratory that misses a tube of its box must be able to look for it
    sent_to = tube.box.laboratory_id if tube.box else None
    places = {place for place in (tube.place_id, tube.laboratory_id, sent_to) if place}
    if not any(actor.sees(place) for place in places or {tube.campaign.province_id}):
        raise NotFound(NOT_THERE, field="code", code=codes.grouped(wanted))
    return tube


def list_tubes_without_names(session: Session, *, actor: Actor, most: int = 200) -> Sequence[Tube]:
    """Return the received tubes that wait for names or for their count, oldest first.

    None is bound, or fewer than were counted; or it is a mixed tube that was never counted, so that nobody knows
    whether all names are there.
    """
    bound = (
        select(func.count())
        .where(Sample.tube_id == Tube.id, Sample.status != "void")
        .correlate(Tube)
        .scalar_subquery()
    )
    counted = case((Tube.mode == "single", 1), else_=Tube.closed_count)
    # its person is that of the first swab
    is_second = select(SecondSwab.tube_id).where(SecondSwab.second_tube_id == Tube.id).exists()
    query = (
        select(Tube)
        .where(Tube.status.in_(("received", "stored")), or_(counted.is_(None), bound < counted), ~is_second)
        .options(joinedload(Tube.laboratory), joinedload(Tube.place))
        .order_by(Tube.received_at, Tube.id)
        .limit(most)
    )
    if not actor.everywhere:
        query = query.where(Tube.laboratory_id.in_(actor.place_ids))
    return session.scalars(query).all()


def list_boxes_of_tube(session: Session, *, tube_id: uuid.UUID) -> Sequence[BoxTube]:
    """Return the boxes a tube was in, oldest first."""
    return session.scalars(
        select(BoxTube).where(BoxTube.tube_id == tube_id).order_by(BoxTube.packed_at, BoxTube.box_id)
    ).all()


def find_tube_at_collection(
    session: Session, *, code: str, province_id: uuid.UUID | None
) -> dict[str, Any] | None:
    """Return what a collector must know of a tube before binding: mode, status, people in it and the most allowed."""
    bound = (
        select(func.count())
        .select_from(Sample)
        .where(Sample.tube_id == Tube.id, Sample.status != "void")
        .scalar_subquery()
    )
    row = session.execute(
        select(Tube.mode, Tube.status, bound.label("bound"), Campaign.mixed_tube_size)
        .join(Campaign, Campaign.id == Tube.campaign_id)
        .where(Tube.code == code, Campaign.province_id == province_id)
    ).first()
    if row is None:
        return None
    limit = row.mixed_tube_size if row.mode == "mixed" else 1
    return {"mode": row.mode, "status": row.status, "count": row.bound, "limit": limit}
