"""A box holds what its list says, from the first tube to the courier's hands."""

from __future__ import annotations

import uuid

import pytest
from factories import MORNING
from intake import rows
from intake.people import collect, collect_people, declare, print_boxes, print_tubes, scan, send_box
from statements import count_statements

from lims import clock, codes
from lims.auth.models import User
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.extensions import db
from lims.intake.actions.boxes import (
    dispatch_box,
    hand_over_box,
    open_box,
    pack_tubes,
    seal_box,
    take_out_tubes,
)
from lims.transaction import writing


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def pack(world, box, tubes, role="collector", **more):
    return pack_tubes(
        actor=world.actor(role),
        box_code=box,
        place_id=more.pop("place_id", world.site_id),
        tube_codes=tubes,
        **more,
    )


def codes_of(answer):
    return [verdict["code"] for verdict in answer["verdicts"]]


def test_used_tubes_are_packed_with_one_event_each_and_one_for_the_box(world):
    _, tubes = collect_people(world, 2)
    (box,) = print_boxes(world)
    answer = pack(world, box, tubes)
    assert (answer["count"], codes_of(answer)) == (2, ["packed", "packed"])
    assert {rows.tube(tube).status for tube in tubes} == {"boxed"}
    assert rows.verbs(rows.tube(tubes[0]).id) == ["used", "boxed"]
    assert rows.verbs(rows.box(box).id) == ["packed"]
    assert rows.box(box).origin_id == world.site_id


def test_packing_twice_is_said_and_changes_nothing(world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    key = uuid.uuid4()
    first = pack(world, box, tubes, client_id=key)
    events = rows.count_events()
    assert pack(world, box, tubes, client_id=key) == first
    assert codes_of(pack(world, box, tubes)) == ["packed_already"]
    assert rows.count_events() == events


def test_a_tube_that_may_not_be_packed_is_named_with_its_reason(world):
    _, (good, elsewhere) = collect_people(world, 2)
    box, other = print_boxes(world, 2)
    pack(world, other, [elsewhere])
    (unused,) = print_tubes(world)
    (mixed,) = print_tubes(world, 1, "mixed")
    collect(world, [scan(mixed, declare(world)[0])])
    stranger = codes.mint("tube")
    answer = pack(world, box, [good, elsewhere, unused, mixed, stranger, box, good])
    assert codes_of(answer) == [
        "packed",
        "in_another_box",
        "no_names",
        "not_closed",
        "unknown_code",
        "unreadable",
        "packed_already",
    ]
    assert answer["verdicts"][1]["parameters"]["box"] == codes.grouped(other)
    assert rows.box_states(box) == {good: "packed"}


def test_a_tube_taken_out_goes_back_to_the_site_and_can_be_packed_again(world):
    _, tubes = collect_people(world, 2)
    (box,) = print_boxes(world)
    pack(world, box, tubes)
    answer = take_out_tubes(actor=world.actor("collector"), box_code=box, tube_codes=[tubes[0], tubes[0]])
    assert (answer["count"], codes_of(answer)) == (1, ["taken_out", "not_in_box"])
    assert (rows.tube(tubes[0]).status, rows.tube(tubes[0]).box_id) == ("used", None)
    assert pack(world, box, tubes[:1])["count"] == 2
    assert rows.verbs(rows.tube(tubes[0]).id) == ["used", "boxed", "taken_out", "boxed"]


def test_sealing_fixes_the_count_and_an_empty_box_is_not_sealed(world):
    _, tubes = collect_people(world, 3)
    full, empty = print_boxes(world, 2)
    actor = world.actor("collector")
    pack(world, full, tubes)
    assert seal_box(actor=actor, box_code=full)["count"] == 3
    with pytest.raises(Refused):
        seal_box(actor=actor, box_code=empty)
    with pytest.raises(AlreadyDone):
        seal_box(actor=actor, box_code=full)
    with pytest.raises(Refused):
        pack(world, full, tubes)
    with pytest.raises(Refused):
        take_out_tubes(actor=actor, box_code=full, tube_codes=tubes[:1])
    assert rows.verbs(rows.box(full).id) == ["packed", "sealed"]
    open_box(actor=actor, box_code=full)
    assert (rows.box(full).status, rows.box(full).sealed_count) == ("open", None)


def test_a_box_is_sent_to_another_place_of_its_province_at_a_possible_temperature(world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    actor = world.actor("collector")
    pack(world, box, tubes)
    with pytest.raises(WrongState):
        dispatch_box(actor=actor, box_code=box, laboratory_id=world.laboratory_id)
    seal_box(actor=actor, box_code=box)
    with pytest.raises(InvalidInput) as refusal:
        dispatch_box(actor=actor, box_code=box, laboratory_id=world.laboratory_id, temperature_c=900)
    assert refusal.value.field == "temperature_c"
    with pytest.raises(InvalidInput):
        dispatch_box(actor=actor, box_code=box, laboratory_id=world.laboratory_id, temperature_c=float("nan"))
    with pytest.raises(NotFound):
        dispatch_box(actor=actor, box_code=box, laboratory_id=world.commune_id)
    assert rows.box(box).status == "sealed"
    sent = dispatch_box(
        actor=actor, box_code=box, laboratory_id=world.laboratory_id, temperature_c=9.5, anyway=True
    )
    assert sent["outside_limits"] is True
    assert rows.verbs(rows.box(box).id) == ["packed", "sealed", "dispatched"]
    with pytest.raises(WrongState):
        open_box(actor=actor, box_code=box)


@pytest.mark.parametrize(("temperature_c", "words"), [(8.1, "warmer than"), (1.9, "colder than")])
def test_a_box_too_cold_or_too_warm_leaves_only_when_asked_twice(world, temperature_c, words):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    pack(world, box, tubes)
    actor = world.actor("collector")
    seal_box(actor=actor, box_code=box)
    asked = {"actor": actor, "box_code": box, "laboratory_id": world.laboratory_id}
    with pytest.raises(Refused, match=words) as refusal:
        dispatch_box(**asked, temperature_c=temperature_c)
    assert refusal.value.field == "temperature_c"
    assert (rows.box(box).status, rows.box(box).temperature_out_c) == ("sealed", None)
    assert rows.verbs(rows.box(box).id) == ["packed", "sealed"]
    dispatch_box(**asked, temperature_c=temperature_c, anyway=True)
    assert rows.box(box).temperature_out_c == temperature_c


def test_a_box_at_the_limits_or_not_measured_leaves_at_once(world):
    for temperature_c in (2.0, 8.0, None):
        _, tubes = collect_people(world, 1)
        (box,) = print_boxes(world)
        pack(world, box, tubes)
        seal_box(actor=world.actor("collector"), box_code=box)
        dispatch_box(
            actor=world.actor("collector"),
            box_code=box,
            laboratory_id=world.laboratory_id,
            temperature_c=temperature_c,
        )
        assert rows.box(box).status == "dispatched"


def test_a_box_is_handed_to_whoever_wears_the_badge(world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    courier = db.session.get(User, world.actor("courier").user_id)
    badge, key = courier.badge_code, courier.id
    answer = hand_over_box(actor=world.actor("collector"), box_code=box, badge_code=badge)
    assert answer["courier"] == "Courier"
    assert rows.box(box).courier_id == key
    assert rows.verbs(rows.box(box).id)[-1] == "handed_over"
    with pytest.raises(NotFound):
        hand_over_box(actor=world.actor("collector"), box_code=box, badge_code=codes.mint("badge"))


def test_a_box_of_other_places_looks_as_if_it_were_not_there(world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    with pytest.raises(NotFound):
        open_box(actor=world.actor("technician_confirming"), box_code=box)
    with pytest.raises(NotFound):
        open_box(actor=world.actor("collector"), box_code=codes.mint("box"))


def test_a_laboratory_packs_its_received_tubes_for_another_and_nobody_elses(world):
    _, tubes = collect_people(world, 2)
    with writing() as session:
        for tube, laboratory in zip(tubes, (world.laboratory_id, world.confirming_id), strict=True):
            row = session.get(type(rows.tube(tube)), rows.tube(tube).id)
            row.status, row.laboratory_id, row.received_at = "received", laboratory, MORNING
    (box,) = print_boxes(world)
    answer = pack(world, box, tubes, "technician", place_id=world.laboratory_id)
    assert codes_of(answer) == ["packed", "at_another_place"]
    take_out_tubes(actor=world.actor("technician"), box_code=box, tube_codes=tubes[:1])
    assert rows.tube(tubes[0]).status == "received"


def test_five_hundred_tubes_cost_the_statements_of_one(world):
    def cost(count):
        _, tubes = collect_people(world, count)
        (box,) = print_boxes(world)
        with count_statements() as packing:
            pack(world, box, tubes)
        with count_statements() as taking:
            take_out_tubes(actor=world.actor("collector"), box_code=box, tube_codes=tubes)
        return len(packing), len(taking)

    assert cost(1) == cost(500)
