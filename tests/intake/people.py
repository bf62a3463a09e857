"""People with declarations, printed tubes and boxes, as rows, so that each station is tested alone."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from datetime import date, datetime

from factories import MORNING, World

from lims import clock, codes, names, uncounted
from lims.intake.actions.boxes import dispatch_box, pack_tubes, seal_box
from lims.intake.actions.collections import register_collections
from lims.intake.collecting import CollectionScan
from lims.intake.models import Box, Declaration, Person, Tube, TubeLot
from lims.intake.rules import CONSENT_VERSION
from lims.tables import new_id
from lims.transaction import writing

_numbers = itertools.count(1)


def declare(world: World, count: int = 1, **more: object) -> list[str]:
    """Save people with an open declaration each and return the declarations' codes.

    Args:
        world: the small world.
        count: how many.
        more: columns of the declarations, as person_id or attempt.
    """
    made = []
    with writing() as session:
        for code in codes.mint_many("declaration", count):
            person_id = more.get("person_id")
            if person_id is None:
                person_id = new_id()
                name = f"Người Thử {next(_numbers)}"
                session.add(
                    Person(
                        id=person_id,
                        name=name,
                        name_key=names.sort_key(name),
                        name_folded=names.fold(name),
                        birth_on=date(1980, 1, 1),
                        birth_precision="year",
                        sex="female",
                        commune_id=world.commune_id,
                        created_at=clock.now(),
                    )
                )
                session.flush()
            columns: dict[str, object] = {
                "campaign_id": world.campaign_id,
                "symptoms": [],
                "has_symptoms": False,
                "is_contact": False,
                "declared_by": "self",
            } | more
            key = new_id()
            uncounted.touch(session, "declaration", [key])
            session.add(
                Declaration(
                    id=key,
                    code=code,
                    commune_id=world.commune_id,
                    consent_version=CONSENT_VERSION,
                    consented_at=clock.now(),
                    client_id=uuid.uuid4(),
                    created_at=clock.now(),
                    **columns | {"person_id": person_id},
                )
            )
            made.append(code)
    return made


def print_tubes(
    world: World, count: int = 1, mode: str = "single", campaign_id: uuid.UUID | None = None
) -> list[str]:
    """Save a lot of printed tubes and return their codes."""
    campaign = campaign_id or world.campaign_id
    made = codes.mint_many("tube", count)
    with writing() as session:
        lot = TubeLot(
            id=new_id(),
            campaign_id=campaign,
            mode=mode,
            tube_count=count,
            place_id=world.site_id,
            minted_at=clock.now(),
        )
        session.add(lot)
        session.flush()
        session.add_all(
            Tube(id=new_id(), code=code, lot_id=lot.id, campaign_id=campaign, mode=mode, status="printed")
            for code in made
        )
    return made


def print_boxes(world: World, count: int = 1) -> list[str]:
    """Save printed box labels and return their codes."""
    made = codes.mint_many("box", count)
    with writing() as session:
        session.add_all(
            Box(id=new_id(), code=code, campaign_id=world.campaign_id, status="open", minted_at=clock.now())
            for code in made
        )
    return made


def scan(
    tube: str, declaration: str, at: datetime = MORNING, client_id: uuid.UUID | None = None
) -> CollectionScan:
    """Return a scan of a collector."""
    return CollectionScan(client_id or uuid.uuid4(), tube, declaration, at)


def collect(
    world: World,
    scans: Sequence[CollectionScan],
    session_id: uuid.UUID | None = None,
    role: str = "collector",
) -> list[dict]:
    """Register scans at the world's site."""
    return register_collections(
        actor=world.actor(role), place_id=world.site_id, session_id=session_id or uuid.uuid4(), scans=scans
    )


def collect_people(world: World, count: int) -> tuple[list[str], list[str]]:
    """Declare people and sample each into a tube of their own; return declaration and tube codes."""
    declarations, tubes = declare(world, count), print_tubes(world, count)
    verdicts = collect(world, [scan(*pair) for pair in zip(tubes, declarations, strict=True)])
    assert all(verdict["verdict"] == "good" for verdict in verdicts)
    return declarations, tubes


def send_box(world: World, tubes: Sequence[str], laboratory_id: uuid.UUID | None = None) -> str:
    """Pack tubes, seal the box and send it; return its code."""
    (box,) = print_boxes(world)
    actor = world.actor("collector")
    pack_tubes(actor=actor, box_code=box, place_id=world.site_id, tube_codes=tubes)
    seal_box(actor=actor, box_code=box)
    dispatch_box(
        actor=actor, box_code=box, laboratory_id=laboratory_id or world.laboratory_id, temperature_c=4.0
    )
    return box
