"""What dispatch counts as waiting to be screened or confirmed; no laboratory is chosen that does none of it."""

from __future__ import annotations

import pytest
from factories import MORNING
from intake.people import collect_people, print_boxes
from pooling import bench
from pooling.received import receive
from results import desk
from sqlalchemy import update

from lims import clock
from lims.capacity.counting.folding import fold_all
from lims.capacity.dispatch import actions
from lims.capacity.queries import dispatch as queries
from lims.errors import Refused
from lims.extensions import db
from lims.intake.actions.boxes import pack_tubes, seal_box
from lims.intake.models import Tube
from lims.places.models import Campaign, Laboratory
from lims.transaction import writing


@pytest.fixture(autouse=True)
def morning():
    with clock.at(MORNING):
        yield


def count_waiting(world) -> dict[str, tuple[int, int]]:
    """Return what waits to be screened and to be confirmed, by laboratory."""
    fold_all()
    db.session.rollback()
    facts = queries.read_facts(db.session(), province_id=world.province_id)
    names = {world.laboratory_id: "here", world.confirming_id: "confirming"}
    return {names[one.id]: (one.waiting, one.waiting_to_confirm) for one in facts.laboratories}


def pack(world, tube: str, *, role: str, place_id) -> str:
    """Pack a tube and seal its box; return its code."""
    (box,) = print_boxes(world)
    pack_tubes(actor=world.actor(role), box_code=box, place_id=place_id, tube_codes=[tube])
    seal_box(actor=world.actor(role), box_code=box)
    return box


@pytest.mark.parametrize("all_members", [False, True])
def test_tubes_to_be_confirmed_take_nothing_off_what_waits_to_be_screened(world, all_members):
    bench.install(world)
    with writing() as session:
        session.execute(update(Campaign).values(confirm_all_members=all_members))
    _run, tubes = desk.run_tubes(world, 2, size=2 if all_members else 1, finding="detected")
    receive(world, 3)
    assert count_waiting(world) == {"here": (3, 0), "confirming": (0, 0)}
    with writing() as session:
        session.execute(update(Tube).where(Tube.code.in_(tubes)).values(laboratory_id=world.confirming_id))
    assert count_waiting(world)["confirming"] == (0, 2)


def test_a_laboratory_that_does_none_of_what_a_box_needs_is_not_chosen_by_hand(world):
    bench.install(world)
    _declarations, (tube,) = collect_people(world, 1)
    screened = pack(world, tube, role="collector", place_id=world.site_id)
    _run, (tube,) = desk.run_tubes(world, 1, finding="detected")
    confirmed = pack(world, tube, role="technician", place_id=world.laboratory_id)
    chosen = {"actor": world.actor("coordinator"), "laboratory_id": world.confirming_id, "reason": "gần"}
    for box, other, column in (
        (screened, confirmed, "screening_per_day"),
        (confirmed, screened, "confirmation_per_day"),
    ):
        with writing() as session:
            session.execute(
                update(Laboratory).values(screening_per_day=8, confirmation_per_day=0, can_confirm=True)
            )
            session.execute(update(Laboratory).values(confirmation_per_day=8))
            session.execute(update(Laboratory).values({column: 0}))
        with pytest.raises(Refused) as refused:
            actions.overrule_box(box_code=box, **chosen)
        assert (refused.value.field, refused.value.parameters["laboratory"]) == (
            "laboratory_id",
            "Phòng xét nghiệm B",
        )
        # the other kind's reactions are not asked for
        actions.overrule_box(box_code=other, **chosen)
