"""Whatever arrives is received; what is missing, extra, damaged, too warm or too old has a name."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from factories import MORNING
from intake import rows
from intake.people import (
    collect,
    collect_people,
    declare,
    print_boxes,
    print_tubes,
    scan,
    send_box,
)
from statements import count_statements

from lims import clock, codes
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused, WrongState
from lims.intake.actions.boxes import pack_tubes
from lims.intake.actions.reception import receive_box, receive_tubes, reconcile_box, reject_tubes
from lims.intake.receiving import ReceivedTube


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def receive(world, tubes, box=None, role="technician", laboratory_id=None, **more):
    return receive_tubes(
        actor=world.actor(role),
        laboratory_id=laboratory_id or world.laboratory_id,
        box_code=box,
        tubes=[tube if isinstance(tube, ReceivedTube) else ReceivedTube(tube) for tube in tubes],
        **more,
    )


def arrive(world, tubes, temperature_c=4.0):
    """Send the tubes in a box and receive the box."""
    box = send_box(world, tubes)
    receive_box(
        actor=world.actor("technician"),
        box_code=box,
        laboratory_id=world.laboratory_id,
        temperature_c=temperature_c,
    )
    return box


def codes_of(answer):
    return [verdict["code"] for verdict in answer["verdicts"]]


def test_a_box_and_its_tubes_are_received_with_one_event_each(world):
    _, tubes = collect_people(world, 2)
    box = arrive(world, tubes)
    answer = receive(world, tubes, box)
    assert (answer["count"], answer["of"], codes_of(answer)) == (2, 2, ["received", "received"])
    assert rows.verbs(rows.tube(tubes[0]).id) == ["used", "boxed", "received"]
    assert rows.verbs(rows.box(box).id) == ["packed", "sealed", "dispatched", "received", "unpacked"]
    assert [rows.tube(tube).rack_position for tube in tubes] == ["1-01", "1-02"]
    done = reconcile_box(actor=world.actor("technician"), box_code=box)
    assert (done["status"], done["received"], done["missing"]) == ("reconciled", 2, [])
    assert rows.discrepancies() == []


def test_a_box_received_twice_is_said_and_nothing_changes(world):
    _, tubes = collect_people(world, 1)
    box = arrive(world, tubes)
    events = rows.count_events()
    with pytest.raises(AlreadyDone):
        receive_box(actor=world.actor("technician"), box_code=box, laboratory_id=world.laboratory_id)
    assert rows.count_events() == events


def test_a_box_that_was_never_sealed_is_not_received(world):
    _, tubes = collect_people(world, 1)
    (box,) = print_boxes(world)
    pack_tubes(actor=world.actor("collector"), box_code=box, place_id=world.site_id, tube_codes=tubes)
    with pytest.raises(WrongState):
        receive_box(actor=world.actor("technician"), box_code=box, laboratory_id=world.laboratory_id)


def test_a_box_at_the_wrong_laboratory_says_where_it_belongs_and_may_stay(world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    there = {"actor": world.actor("technician_confirming"), "laboratory_id": world.confirming_id}
    with pytest.raises(Refused) as refusal:
        receive_box(box_code=box, **there)
    assert refusal.value.parameters["laboratory"] == "Phòng xét nghiệm A"
    answer = receive_box(box_code=box, anyway=True, **there)
    assert answer["sent_to"] == "Phòng xét nghiệm A"
    assert rows.box(box).laboratory_id == world.confirming_id


def test_nobody_receives_for_another_laboratory(world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    with pytest.raises(NotFound):
        receive_box(
            actor=world.actor("technician_confirming"), box_code=box, laboratory_id=world.laboratory_id
        )
    with pytest.raises(NotFound):
        receive(world, tubes, role="technician_confirming")
    assert rows.box(box).status == "dispatched"


def test_reconciling_names_what_is_missing_extra_damaged_too_warm_and_too_old(world):
    people, tubes = collect_people(world, 4)
    good, missing, broken, old = tubes
    _, (extra,) = collect_people(world, 1)
    box = arrive(world, tubes, temperature_c=12.0)
    age_by_hours(old, 50)
    answer = receive(world, [good, ReceivedTube(broken, "broken"), old, extra], box)
    assert codes_of(answer) == ["received", "refused_condition", "too_old", "extra"]
    done = reconcile_box(actor=world.actor("technician"), box_code=box)
    named = {name: done[name] for name in ("missing", "extra", "damaged", "too_old", "too_warm", "received")}
    assert named == {
        "missing": [missing],
        "extra": [extra],
        "damaged": [broken],
        "too_old": [old],
        "too_warm": True,
        "received": 2,
    }
    assert sorted(kept.kind for kept in rows.discrepancies()) == [
        "too_old",
        "too_warm",
        "tube_extra",
        "tube_missing",
    ]
    assert (rows.tube(missing).status, rows.tube(broken).status) == ("missing", "damaged")
    assert rows.box_states(box) == {
        good: "received",
        missing: "missing",
        broken: "damaged",
        old: "received",
        extra: "extra",
    }
    assert (rows.declaration(people[2]).status, rows.declaration(people[2]).resample_reason) == (
        "open",
        "broken",
    )
    assert rows.verbs(rows.tube(missing).id)[-1] == "missing"
    with pytest.raises(AlreadyDone):
        reconcile_box(actor=world.actor("technician"), box_code=box)


def age_by_hours(tube, hours):
    from lims.transaction import writing

    with writing() as session:
        row = session.get(type(rows.tube(tube)), rows.tube(tube).id)
        row.collected_at = MORNING - timedelta(hours=hours)


def test_a_missing_tube_that_is_found_is_received_and_no_longer_missing(world):
    _, (here, lost) = collect_people(world, 2)
    box = arrive(world, [here, lost])
    receive(world, [here], box)
    reconcile_box(actor=world.actor("technician"), box_code=box)
    assert codes_of(receive(world, [lost])) == ["received"]
    assert rows.tube(lost).status == "received"
    assert rows.box_states(box)[lost] == "received"


def test_a_tube_that_comes_before_its_names_is_received_and_waits_for_them(world):
    (tube,), (person,) = print_tubes(world), declare(world)
    answer = receive(world, [tube])
    assert codes_of(answer) == ["waits_for_names"]
    found = rows.tube(tube)
    assert (found.status, found.closed_count, found.laboratory_id) == ("received", None, world.laboratory_id)
    assert rows.verbs(found.id) == ["received"]
    assert collect(world, [scan(tube, person)])[0]["code"] == "bound"
    assert rows.tube(tube).status == "received"


def test_a_tube_of_another_boxs_list_leaves_that_list_and_is_extra_here(world):
    _, (mine, stray) = collect_people(world, 2)
    here, there = arrive(world, [mine]), send_box(world, [stray])
    assert codes_of(receive(world, [mine, stray], here)) == ["received", "extra"]
    assert rows.box_states(there) == {stray: "taken_out"}
    assert rows.box_states(here)[stray] == "extra"


def test_scanning_a_tube_again_is_said_and_changes_nothing(world):
    _, tubes = collect_people(world, 1)
    box = arrive(world, tubes)
    key = uuid.uuid4()
    first = receive(world, tubes, box, client_id=key)
    events = rows.count_events()
    assert receive(world, tubes, box, client_id=key) == first
    assert codes_of(receive(world, tubes, box)) == ["received_already"]
    assert rows.count_events() == events


def test_what_cannot_be_received_is_said_and_kept_where_somebody_must_look(world):
    _, (away,) = collect_people(world, 1)
    receive(world, [away])
    stranger = codes.mint("tube")
    answer = receive(
        world, [away, stranger, "T12"], role="technician_confirming", laboratory_id=world.confirming_id
    )
    assert codes_of(answer) == ["at_another_laboratory", "unknown_code", "unreadable"]
    assert sorted(kept.kind for kept in rows.discrepancies()) == ["tube_extra", "unknown_code"]
    assert rows.tube(away).laboratory_id == world.laboratory_id


def test_tubes_are_not_scanned_before_their_box_or_after_it_is_reconciled(world):
    _, tubes = collect_people(world, 1)
    box = send_box(world, tubes)
    with pytest.raises(Refused):
        receive(world, tubes, box)
    assert rows.tube(tubes[0]).status == "boxed"


def test_a_rejected_tube_asks_everybody_in_it_for_a_new_sample(world):
    people, (tube,), session = declare(world, 3), print_tubes(world, 1, "mixed"), uuid.uuid4()
    collect(world, [scan(tube, person) for person in people], session)
    receive(world, [tube])
    answer = reject_tubes(actor=world.actor("technician"), tube_codes=[tube, tube], reason="leaked")
    assert (answer["asked_again"], codes_of(answer)) == (3, ["rejected", "rejected_already"])
    assert (rows.tube(tube).status, rows.tube(tube).rejection_reason) == ("rejected", "leaked")
    assert {sample.status for sample in rows.samples(tube)} == {"rejected"}
    for person in people:
        found = rows.declaration(person)
        assert (found.status, found.attempt, found.resample_reason) == ("open", 2, "leaked")
        assert rows.verbs(found.id) == ["sampled", "opened_again"]
    assert rows.verbs(rows.tube(tube).id) == ["used", "received", "rejected"]


def test_a_tube_is_rejected_for_a_known_reason_after_it_was_received(world):
    _, (tube,) = collect_people(world, 1)
    with pytest.raises(InvalidInput):
        reject_tubes(actor=world.actor("technician"), tube_codes=[tube], reason="dirty")
    with pytest.raises(InvalidInput):
        receive(world, [ReceivedTube(tube, "fine")])
    answer = reject_tubes(actor=world.actor("technician"), tube_codes=[tube], reason="leaked")
    assert codes_of(answer) == ["unknown_code"]
    assert rows.tube(tube).status == "used"


def test_five_hundred_tubes_cost_the_statements_of_one(world):
    def cost(count):
        _, tubes = collect_people(world, count)
        box = arrive(world, tubes)
        with count_statements() as receiving:
            receive(world, tubes, box)
        with count_statements() as reconciling:
            reconcile_box(actor=world.actor("technician"), box_code=box)
        with count_statements() as rejecting:
            reject_tubes(actor=world.actor("technician"), tube_codes=tubes, reason="leaked")
        return len(receiving), len(reconciling), len(rejecting)

    assert cost(1) == cost(500)
