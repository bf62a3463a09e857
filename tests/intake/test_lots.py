"""Tube lots and boxes: every code new, sound and once; the mode fixed by the lot; few statements however many."""

from __future__ import annotations

import uuid

import pytest
from sqlalchemy import func, select
from statements import count_statements

from lims import codes
from lims.audit import Event
from lims.errors import ClientIdReused, InvalidInput, NotFound
from lims.extensions import db
from lims.intake.actions.lots import mint_boxes, mint_tubes
from lims.intake.models import Box, Tube, TubeLot
from lims.intake.new_codes import mint_free
from lims.intake.queries import lots as queries
from lims.transaction import writing


def mint(world, count=3, **changes):
    asked = {"campaign_id": world.campaign_id, "mode": "single", "count": count, "place_id": world.site_id}
    return mint_tubes(actor=world.actor("coordinator"), **{**asked, **changes})


def test_a_lot_has_as_many_tubes_as_were_asked_for_all_of_its_mode(world):
    lot = mint(world, 25, mode="mixed")
    tubes = db.session.scalars(select(Tube).where(Tube.lot_id == uuid.UUID(lot["lot_id"]))).all()
    assert len({tube.code for tube in tubes}) == 25
    assert {(tube.mode, tube.status) for tube in tubes} == {("mixed", "printed")}
    assert all(codes.parse(tube.code, expect="tube") for tube in tubes)


def test_minting_leaves_one_event_in_the_chain_of_the_lot(world):
    mint(world, 25)
    assert [event.verb for event in db.session.scalars(select(Event))] == ["minted"]


def test_the_same_order_sent_twice_prints_one_lot(world):
    client_id = uuid.uuid4()
    assert mint(world, client_id=client_id) == mint(world, client_id=client_id)
    assert db.session.scalar(select(func.count()).select_from(TubeLot)) == 1
    with pytest.raises(ClientIdReused):
        mint(world, 4, client_id=client_id)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"count": 0}, "count"),
        ({"count": 100_001}, "count"),
        ({"count": -5}, "count"),
        ({"mode": "triple"}, "mode"),
    ],
)
def test_a_lot_that_cannot_be_is_refused_and_nothing_is_minted(world, changes, field):
    with pytest.raises(InvalidInput) as refusal:
        mint(world, **changes)
    assert refusal.value.field == field
    assert db.session.scalar(select(func.count()).select_from(Tube)) == 0
    assert db.session.scalar(select(func.count()).select_from(Event)) == 0


def test_a_lot_for_a_place_of_others_is_refused(world):
    with pytest.raises(NotFound):
        mint_tubes(
            actor=world.actor("health_worker"),
            campaign_id=world.campaign_id,
            mode="single",
            count=1,
            place_id=world.other_commune_id,
        )


def test_500_tubes_cost_as_many_statements_as_one(world):
    with count_statements() as one:
        mint(world, 1)
    with count_statements() as many:
        mint(world, 500)
    assert len(one) == len(many)


def test_twenty_thousand_tubes_cost_a_few_statements_more(world):
    with count_statements() as sent:
        mint(world, 20_000)
    assert len(sent) < 20
    lot = db.session.scalars(select(TubeLot)).one()
    assert lot.tube_count == 20_000 == db.session.scalar(select(func.count()).select_from(Tube))


def test_a_code_that_is_taken_is_drawn_again(world, monkeypatch):
    mint(world, 1)
    taken = db.session.scalars(select(Tube.code)).one()
    drawn = iter([[taken, "T00000001"], ["T00000002"]])
    monkeypatch.setattr(codes, "mint_many", lambda kind, count: next(drawn))
    with writing() as session:
        assert mint_free(session, Tube.code, kind="tube", count=2) == ["T00000001", "T00000002"]


def test_labels_are_read_back_in_one_order_by_ranges(world):
    lot_id = uuid.UUID(mint(world, 10)["lot_id"])
    whole = queries.list_tube_codes(db.session(), lot_id=lot_id, first=1, most=100)
    parts = [queries.list_tube_codes(db.session(), lot_id=lot_id, first=first, most=4) for first in (1, 5, 9)]
    assert [code for part in parts for code in part] == list(whole)
    assert len(whole) == 10


def test_lots_are_seen_by_whom_they_were_given_to(world):
    lot_id = uuid.UUID(mint(world)["lot_id"])
    assert queries.get_lot(db.session(), actor=world.actor("collector"), lot_id=lot_id)
    with pytest.raises(NotFound):
        queries.get_lot(db.session(), actor=world.actor("technician"), lot_id=lot_id)
    assert queries.list_lots(db.session(), actor=world.actor("technician")) == []
    mint(world, place_id=None)
    assert len(queries.list_lots(db.session(), actor=world.actor("technician"))) == 1


def test_boxes_are_minted_with_an_event_each_and_are_nowhere_yet(world):
    answer = mint_boxes(actor=world.actor("coordinator"), campaign_id=world.campaign_id, count=3)
    boxes = db.session.scalars(select(Box)).all()
    assert {box.code for box in boxes} == set(answer["boxes"])
    assert {(box.status, box.origin_id) for box in boxes} == {("open", None)}
    assert db.session.scalar(select(func.count()).select_from(Event)) == 3
    with pytest.raises(InvalidInput):
        mint_boxes(actor=world.actor("coordinator"), campaign_id=world.campaign_id, count=1001)


def test_500_boxes_cost_as_many_statements_as_one(world):
    with count_statements() as one:
        mint_boxes(actor=world.actor("coordinator"), campaign_id=world.campaign_id, count=1)
    with count_statements() as many:
        mint_boxes(actor=world.actor("coordinator"), campaign_id=world.campaign_id, count=500)
    assert len(one) == len(many)


def test_box_labels_are_reprinted_only_of_boxes_that_were_printed(world):
    boxes = mint_boxes(actor=world.actor("coordinator"), campaign_id=world.campaign_id, count=2)["boxes"]
    found = queries.list_boxes_by_code(db.session(), box_codes=[codes.grouped(boxes[1]), boxes[0]])
    assert [box.code for box in found] == [boxes[1], boxes[0]]
    with pytest.raises(NotFound):
        queries.list_boxes_by_code(db.session(), box_codes=[codes.mint("box")])
