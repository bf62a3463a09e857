"""Tubes that stand received in a laboratory, for tests of the bench that need not collect and transport first."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import insert, select

from lims import clock, codes, names, uncounted
from lims.extensions import db
from lims.intake.models import Declaration, Person, Sample, Tube, TubeLot
from lims.tables import new_id
from lims.transaction import writing


def receive(
    world,
    count: int = 1,
    *,
    mode: str = "single",
    people: int = 1,
    named: bool = True,
    laboratory_id: uuid.UUID | None = None,
    person_ids: Sequence[uuid.UUID] | None = None,
    symptoms: bool = False,
    contact: bool = False,
    status: str = "received",
    campaign_id: uuid.UUID | None = None,
) -> list[str]:
    """Save tubes with their people and return the tubes' codes, in the order received.

    Args:
        world: the small world.
        count: tubes.
        mode: single or mixed.
        people: people a tube was closed with.
        named: bind the people; False: the tubes came before their names.
        laboratory_id: where they stand; the screening laboratory when left out.
        person_ids: of the people, in order, to have one person in two tubes; made when left out.
        symptoms: all have symptoms.
        contact: all are contacts.
        status: of the tubes.
        campaign_id: another campaign than the world's.
    """
    now = clock.now()
    campaign = campaign_id or world.campaign_id
    lot = {
        "id": new_id(),
        "campaign_id": campaign,
        "mode": mode,
        "tube_count": count,
        "minted_at": now,
    }
    tubes = [
        {
            "id": new_id(),
            "code": code,
            "lot_id": lot["id"],
            "campaign_id": campaign,
            "mode": mode,
            "status": status,
            "closed_count": people,
            "place_id": world.site_id,
            "collected_at": now,
            "laboratory_id": laboratory_id or world.laboratory_id,
            "received_at": now,
            "rack_position": f"1-{place:04}",
        }
        for place, code in enumerate(codes.mint_many("tube", count), start=1)
    ]
    with writing() as session:
        session.execute(insert(TubeLot), [lot])
        session.execute(insert(Tube), tubes)
    if named:
        bind(
            world,
            [tube["code"] for tube in tubes],
            people=people,
            person_ids=person_ids,
            symptoms=symptoms,
            contact=contact,
        )
    return [tube["code"] for tube in tubes]


def bind(
    world, tube_codes: Sequence[str], *, people: int = 1, person_ids=None, symptoms=False, contact=False
) -> list[uuid.UUID]:
    """Bind people to tubes, as a collector's names that come early or late; return the samples' keys."""
    now = clock.now()
    with writing() as session:
        tubes = {tube.code: tube for tube in session.scalars(select(Tube).where(Tube.code.in_(tube_codes)))}
        wanted = len(tube_codes) * people
        known = list(person_ids or [])
        fresh = [_person(world, place) for place in range(wanted - len(known))]
        if fresh:
            session.execute(insert(Person), fresh)
        keys = known + [person["id"] for person in fresh]
        made = codes.mint_many("declaration", wanted)
        declarations = [
            {
                "id": new_id(),
                "code": made[place],
                "campaign_id": world.campaign_id,
                "person_id": key,
                "commune_id": world.commune_id,
                "status": "sampled",
                "symptoms": ["fever"] if symptoms else [],
                "has_symptoms": symptoms,
                "is_contact": contact,
                "declared_by": "self",
                "consent_version": "2021-07",
                "consented_at": now,
                "client_id": uuid.uuid4(),
                "created_at": now,
            }
            for place, key in enumerate(keys)
        ]
        session.execute(insert(Declaration), declarations)
        samples = [
            {
                "id": new_id(),
                "campaign_id": world.campaign_id,
                "declaration_id": declaration["id"],
                "person_id": declaration["person_id"],
                "tube_id": tubes[tube_codes[place // people]].id,
                "slot": place % people + 1,
                # a person who is in two tubes was asked again, else the database would refuse the second sample
                "attempt": 1 + keys[:place].count(declaration["person_id"]) + (2 if person_ids else 0),
                "status": "bound",
                "place_id": world.site_id,
                "commune_id": world.commune_id,
                "sampled_on": clock.today(),
                "sampled_at": now,
                "recorded_at": now,
                "client_id": uuid.uuid4(),
            }
            for place, declaration in enumerate(declarations)
        ]
        session.execute(insert(Sample), samples)
        uncounted.touch(session, "sample", [sample["id"] for sample in samples])
        uncounted.touch(session, "declaration", [declaration["id"] for declaration in declarations])
    return [sample["id"] for sample in samples]


def _person(world, place: int) -> dict[str, object]:
    name = f"Nguyễn Thị {place}"
    return {
        "id": new_id(),
        "name": name,
        "name_key": names.sort_key(name),
        "name_folded": names.fold(name),
        "birth_on": date(1980, 1, 1),
        "birth_precision": "year",
        "sex": "female",
        "commune_id": world.commune_id,
        "created_at": clock.now(),
    }


def person_of(tube_code: str) -> uuid.UUID:
    """Return the first person bound to a tube."""
    found = db.session.scalars(
        select(Sample.person_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .where(Tube.code == tube_code)
        .order_by(Sample.slot)
    ).first()
    db.session.rollback()
    return found


def samples_of(tube_code: str) -> list[Sample]:
    """Return the samples of a tube, in order, as they are now."""
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Sample)
            .join(Tube, Tube.id == Sample.tube_id)
            .where(Tube.code == tube_code)
            .order_by(Sample.slot)
        )
    )
