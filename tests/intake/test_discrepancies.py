"""A discrepancy holds what it concerns until a person settles it and says why."""

from __future__ import annotations

import uuid

import pytest
from factories import MORNING
from intake import rows
from intake.people import collect, collect_people, declare, print_tubes, scan, send_box

from lims import clock, codes
from lims.errors import AlreadyDone, InvalidInput, NotFound, Refused
from lims.extensions import db
from lims.intake import consequences, settling
from lims.intake.actions.discrepancies import Finding, open_discrepancies, settle_discrepancy
from lims.intake.actions.reception import receive_box, reconcile_box
from lims.intake.queries.discrepancies import count_open_by_kind, find_held_samples, list_discrepancies
from lims.transaction import writing


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def reuse(world):
    """Let a second person be scanned into a used tube; return tube, both people and the discrepancy."""
    people, (tube,) = declare(world, 2), print_tubes(world)
    collect(world, [scan(tube, person) for person in people])
    return tube, people, rows.discrepancies()[0]


def settle(world, discrepancy, settlement="accepted", note="The tube was read twice.", role="coordinator"):
    return settle_discrepancy(
        actor=world.actor(role),
        client_id=uuid.uuid4(),
        discrepancy_id=discrepancy.id,
        settlement=settlement,
        note=note,
    )


def held(samples):
    return find_held_samples(db.session(), sample_ids=[sample.id for sample in samples])


@pytest.mark.parametrize("settlement", ["accepted", "dismissed"])
def test_settling_lets_go_of_what_was_held_and_changes_no_sample(world, settlement):
    tube, people, discrepancy = reuse(world)
    samples = rows.samples(tube)
    assert held(samples) == {samples[0].id: "tube_reused"}
    settle(world, discrepancy, settlement)
    assert held(samples) == {}
    (settled,) = rows.discrepancies()
    assert (settled.status, settled.settlement) == ("settled", settlement)
    assert settled.settled_by_id == world.actor("coordinator").user_id
    assert rows.verbs(settled.id) == ["opened", "settled"]
    assert rows.samples(tube)[0].status == "bound"
    assert rows.declaration(people[0]).status == "sampled"


def test_a_person_sampled_twice_is_held_by_the_persons_other_tube_too(world):
    (person,), tubes = declare(world), print_tubes(world, 2)
    collect(world, [scan(tube, person) for tube in tubes])
    samples = rows.samples(tubes[0])
    assert held(samples) == {samples[0].id: "sampled_twice"}


def test_asking_again_closes_the_samples_and_puts_the_tube_out_of_use(world):
    tube, people, discrepancy = reuse(world)
    assert settle(world, discrepancy, "resample")["asked_again"] == 1
    (sample,) = rows.samples(tube)
    assert sample.status == "superseded"
    assert (rows.tube(tube).status, rows.tube(tube).rejection_reason) == ("rejected", "tube_reused")
    found = rows.declaration(people[0])
    assert (found.status, found.attempt, found.resample_reason) == ("open", 2, "tube_reused")
    assert rows.verbs(sample.id) == ["bound", "superseded"]


def test_a_missing_tubes_people_are_asked_again_and_their_samples_are_lost(world):
    people, tubes = collect_people(world, 2)
    box = send_box(world, tubes)
    technician = world.actor("technician")
    receive_box(actor=technician, box_code=box, laboratory_id=world.laboratory_id)
    reconcile_box(actor=technician, box_code=box)
    settle(world, rows.discrepancies()[0], "resample", role="supervisor")
    assert sorted(rows.samples(tube)[0].status for tube in tubes) == ["bound", "lost"]
    assert sorted(rows.declaration(person).status for person in people) == ["open", "sampled"]


def test_nobody_is_asked_again_where_no_sample_is_known(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    collect(world, [scan(tube, person)])
    collect(world, [scan(codes.mint("tube"), declare(world)[0])])
    unknown = rows.discrepancies(kind="unknown_code")[0]
    with pytest.raises(Refused):
        settle(world, unknown, "resample")
    assert rows.discrepancies(kind="unknown_code")[0].status == "open"


def test_settling_needs_a_note_and_is_done_once(world):
    _, _, discrepancy = reuse(world)
    events = rows.count_events()
    with pytest.raises(InvalidInput) as refusal:
        settle(world, discrepancy, note="  ")
    assert refusal.value.field == "note"
    with pytest.raises(InvalidInput):
        settle(world, discrepancy, "forgotten")
    assert rows.count_events() == events
    settle(world, discrepancy)
    with pytest.raises(AlreadyDone):
        settle(world, discrepancy)


def test_a_discrepancy_of_other_places_looks_as_if_it_were_not_there(world):
    _, _, discrepancy = reuse(world)
    with pytest.raises(NotFound):
        settle(world, discrepancy, role="supervisor_confirming")
    assert list_discrepancies(db.session(), actor=world.actor("supervisor_confirming")) == []
    assert count_open_by_kind(db.session(), actor=world.actor("coordinator")) == {"tube_reused": 1}


def test_kinds_of_the_laboratory_are_settled_by_the_laboratorys_own_action(world):
    with writing() as session:
        open_discrepancies(
            session, findings=[Finding("discordance", {"pool": "P"}, place_id=world.laboratory_id)]
        )
    (discrepancy,) = rows.discrepancies()
    with pytest.raises(Refused):
        settle(world, discrepancy, role="supervisor")
    with pytest.raises(ValueError, match="settled by intake"):
        settling.settle_with("tube_reused", settle_discrepancy)
    assert settling.settler_of("tube_reused") is settle_discrepancy


def test_the_laboratory_is_told_of_closed_samples_and_gone_tubes_in_the_same_transaction(world, monkeypatch):
    tube, _, discrepancy = reuse(world)
    [sample] = rows.samples(tube)
    told = []
    for what, listeners in consequences._listeners.items():
        monkeypatch.setitem(
            consequences._listeners,
            what,
            [*listeners, lambda _s, keys, reason, what=what: told.append((what, [*keys], reason)) or 0],
        )
    settle(world, discrepancy, "resample")
    assert told == [
        ("samples_closed", [sample.id], "tube_reused"),
        ("tubes_gone", [sample.tube_id], "tube_reused"),
    ]


def test_the_list_goes_on_after_the_last_one_seen(world):
    people, (tube,) = declare(world, 4), print_tubes(world)
    collect(world, [scan(tube, person) for person in people])
    actor = world.actor("coordinator")
    first = list_discrepancies(db.session(), actor=actor, most=2)
    rest = list_discrepancies(db.session(), actor=actor, after=(first[-1].opened_at, first[-1].id))
    assert len({row.id for row in [*first, *rest]}) == 3
