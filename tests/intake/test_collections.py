"""A collector's scan binds a person to a tube once, says what is wrong at once, and is never lost."""

from __future__ import annotations

import json
import threading
import uuid
from datetime import date, timedelta

import pytest
from factories import MORNING
from intake import rows
from intake.people import collect, collect_people, declare, print_tubes, scan
from statements import count_statements

from lims import clock, codes
from lims.errors import NotFound, WrongState
from lims.extensions import db, vault
from lims.intake import late_names
from lims.intake.actions.collections import close_tubes, register_collections, undo_collection
from lims.intake.asking_again import ask_for_new_samples
from lims.intake.collecting import TubeClosing
from lims.places.models import Campaign
from lims.tables import new_id
from lims.transaction import writing


@pytest.fixture(autouse=True)
def eight_in_the_morning():
    with clock.at(MORNING):
        yield


def codes_of(verdicts):
    return [verdict["code"] for verdict in verdicts]


def test_a_scan_binds_person_and_tube_with_one_event_for_each(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    (verdict,) = collect(world, [scan(tube, person)])
    assert verdict["verdict"] == "good"
    (sample,) = rows.samples(tube)
    assert (sample.slot, sample.attempt, sample.sampled_on) == (1, 1, date(2021, 8, 16))
    assert (rows.tube(tube).status, rows.tube(tube).closed_count) == ("used", 1)
    assert rows.declaration(person).status == "sampled"
    assert rows.verbs(sample.id) == ["bound"]
    assert rows.verbs(rows.tube(tube).id) == ["used"]
    assert rows.verbs(rows.declaration(person).id) == ["sampled"]


def test_a_batch_sent_twice_changes_nothing_and_is_answered_the_same(world):
    people, tubes, session = declare(world, 3), print_tubes(world, 3), uuid.uuid4()
    scans = [scan(*pair) for pair in zip(tubes, people, strict=True)] + [scan(tubes[0], people[1])]
    first = collect(world, scans, session)
    events = rows.count_events()
    assert collect(world, scans, session) == first
    assert rows.count_events() == events
    assert len(rows.discrepancies()) == 1


def test_a_client_id_that_comes_back_with_other_content_changes_nothing(world):
    people, tubes, session = declare(world, 2), print_tubes(world, 2), uuid.uuid4()
    one = scan(tubes[0], people[0])
    collect(world, [one], session)
    other = scan(tubes[1], people[1], client_id=one.client_id)
    assert codes_of(collect(world, [other], session)) == ["client_id_reused"]
    fresh = scan(tubes[1], people[1])
    twin = scan(tubes[0], people[1], client_id=fresh.client_id)
    assert codes_of(collect(world, [fresh, twin], session)) == ["bound", "client_id_reused"]
    assert rows.discrepancies() == []


def test_the_same_pair_again_is_said_to_be_so_already(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    collect(world, [scan(tube, person)])
    (verdict,) = collect(world, [scan(tube, person)])
    assert (verdict["verdict"], verdict["code"]) == ("again", "bound_already")
    assert len(rows.samples(tube)) == 1


def test_a_used_tube_names_the_time_of_its_use_and_keeps_the_scan_sealed(world):
    people, (tube,) = declare(world, 2), print_tubes(world)
    collect(world, [scan(tube, people[0], MORNING - timedelta(minutes=18))])
    again = scan(codes.grouped(tube).lower(), people[1])
    (verdict,) = collect(world, [again])
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "tube_reused")
    assert verdict["message"] % verdict["parameters"] == (
        f"Tube {codes.grouped(tube)} was used for somebody else at 07:42. Take a new tube."
    )
    (kept,) = rows.discrepancies()
    assert (kept.kind, kept.holds_results, str(kept.id)) == ("tube_reused", True, verdict["discrepancy"])
    raw = json.loads(vault().unseal_record(kept.raw_sealed, record_id=kept.id, column="discrepancy.raw"))
    assert raw["tube"] == codes.grouped(tube).lower()
    assert rows.verbs(kept.id) == ["opened"]
    assert rows.declaration(people[1]).status == "open"


def test_a_person_is_sampled_once_a_day_unless_asked_for_again(world):
    (person,), tubes = declare(world), print_tubes(world, 3)
    collect(world, [scan(tubes[0], person)])
    assert codes_of(collect(world, [scan(tubes[1], person)])) == ["sampled_twice"]
    assert rows.tube(tubes[1]).status == "printed"
    with writing() as session:
        ask_for_new_samples(session, samples=rows.samples(tubes[0]), reason="leaked")
    assert codes_of(collect(world, [scan(tubes[2], person)])) == ["bound"]
    (sample,) = rows.samples(tubes[2])
    assert sample.attempt == 2


def test_two_declarations_of_one_person_do_not_make_two_samples_on_one_day(world):
    (first,), tubes = declare(world), print_tubes(world, 2)
    (second,) = declare(world, person_id=rows.declaration(first).person_id)
    verdicts = collect(world, [scan(tubes[0], first), scan(tubes[1], second)])
    assert codes_of(verdicts) == ["bound", "sampled_twice"]
    with clock.at(MORNING + timedelta(days=1)):
        assert codes_of(collect(world, [scan(tubes[1], second, clock.now())])) == ["bound"]


def test_an_unknown_code_is_kept_and_never_minted(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    stranger, nobody = codes.mint("tube"), codes.mint("declaration")
    verdicts = collect(world, [scan(stranger, person), scan(tube, nobody)])
    assert codes_of(verdicts) == ["unknown_code", "unknown_code"]
    assert [kept.kind for kept in rows.discrepancies()] == ["unknown_code", "unknown_code"]
    assert rows.tube(stranger) is None
    assert rows.declaration(nobody) is None


def test_a_misread_code_and_a_code_of_another_kind_change_nothing(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    wrong = tube[:-1] + ("0" if tube[-1] != "0" else "1")
    verdicts = collect(
        world, [scan(wrong, person), scan(person, tube), scan("", person), scan(tube, "Nguyễn")]
    )
    assert codes_of(verdicts) == ["unreadable"] * 4
    assert "Did you mean" in verdicts[0]["message"]
    assert "code of a declaration" in verdicts[1]["message"]
    assert rows.discrepancies() == []
    assert rows.tube(tube).status == "printed"


@pytest.mark.parametrize("status", ["void", "missing", "rejected", "damaged", "discarded"])
def test_a_tube_out_of_use_is_refused(world, status):
    (person,), (tube,) = declare(world), print_tubes(world)
    with writing() as session:
        session.get(type(rows.tube(tube)), rows.tube(tube).id).status = status
    assert codes_of(collect(world, [scan(tube, person)])) == ["tube_gone"]
    assert rows.samples(tube) == []


def test_a_withdrawn_declaration_is_refused(world):
    (person,), (tube,) = declare(world, status="withdrawn"), print_tubes(world)
    assert codes_of(collect(world, [scan(tube, person)])) == ["declaration_over"]


def test_times_to_come_and_before_the_campaign_are_refused(world):
    people, tubes = declare(world, 3), print_tubes(world, 3)
    moments = [MORNING + timedelta(minutes=5), MORNING + timedelta(minutes=6), MORNING - timedelta(days=40)]
    verdicts = collect(world, [scan(*item) for item in zip(tubes, people, moments, strict=True)])
    assert codes_of(verdicts) == ["bound", "in_future", "before_campaign"]


def test_a_tube_of_another_campaign_is_a_discrepancy(world):
    with writing() as session:
        other = Campaign(
            id=new_id(),
            name="Another",
            province_id=world.province_id,
            starts_on=date(2021, 8, 1),
            created_at=clock.now(),
        )
        session.add(other)
        key = other.id
    (person,), (tube,) = declare(world), print_tubes(world, campaign_id=key)
    assert codes_of(collect(world, [scan(tube, person)])) == ["other_campaign"]
    assert rows.discrepancies()[0].kind == "other_campaign"


def test_a_mixed_tube_counts_up_to_the_policys_size(world):
    people, (tube,), session = declare(world, 11), print_tubes(world, 1, "mixed"), uuid.uuid4()
    verdicts = collect(world, [scan(tube, person) for person in people], session)
    assert [verdict["count"] for verdict in verdicts[:10]] == list(range(1, 11))
    assert codes_of(verdicts) == ["bound"] * 10 + ["tube_overfull"]
    assert [sample.slot for sample in rows.samples(tube)] == list(range(1, 11))
    assert rows.verbs(rows.tube(tube).id) == ["used"]


def test_a_mixed_tube_is_filled_by_one_session(world):
    people, (tube,) = declare(world, 2), print_tubes(world, 1, "mixed")
    collect(world, [scan(tube, people[0])], uuid.uuid4())
    assert codes_of(collect(world, [scan(tube, people[1])], uuid.uuid4())) == ["other_session"]


def close(world, session_id, tube, count):
    closing = TubeClosing(uuid.uuid4(), tube, count)
    return close_tubes(actor=world.actor("collector"), session_id=session_id, closings=[closing])[0]


def test_a_mixed_tube_is_closed_with_its_count_and_takes_no_one_more(world):
    people, (tube,), session = declare(world, 3), print_tubes(world, 1, "mixed"), uuid.uuid4()
    collect(world, [scan(tube, person) for person in people[:2]], session)
    assert close(world, session, tube, 2)["code"] == "closed"
    assert close(world, session, tube, 2)["code"] == "closed_already"
    assert rows.verbs(rows.tube(tube).id) == ["used", "closed"]
    assert codes_of(collect(world, [scan(tube, people[2])], session)) == ["tube_overfull"]


def test_a_count_that_differs_from_the_names_is_said(world):
    people, (tube,), session = declare(world, 3), print_tubes(world, 1, "mixed"), uuid.uuid4()
    collect(world, [scan(tube, person) for person in people[:2]], session)
    assert close(world, session, tube, 1)["code"] == "count_below_names"
    assert close(world, session, tube, 11)["code"] == "impossible_count"
    assert close(world, uuid.uuid4(), tube, 2)["code"] == "other_session"
    assert rows.tube(tube).closed_count is None
    assert close(world, session, tube, 3)["code"] == "names_missing"
    assert codes_of(collect(world, [scan(tube, people[2])], session)) == ["bound"]


def test_a_single_tube_needs_no_closing(world):
    _, (tube,) = collect_people(world, 1)
    assert close(world, rows.tube(tube).session_id, tube, 1)["code"] == "single_tube"


def test_a_name_for_a_tube_that_came_before_is_bound_where_the_tube_is(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    receive_before_its_name(world, tube)
    assert codes_of(collect(world, [scan(tube, person)])) == ["bound"]
    found = rows.tube(tube)
    assert (found.status, found.closed_count, found.place_id) == ("received", 1, world.site_id)
    assert rows.verbs(found.id) == ["named"]
    assert rows.discrepancies() == []


def receive_before_its_name(world, tube):
    with writing() as session:
        row = session.get(type(rows.tube(tube)), rows.tube(tube).id)
        row.status, row.laboratory_id, row.received_at = "received", world.laboratory_id, MORNING


def test_a_name_that_comes_after_the_call_waits_for_a_supervisor(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    receive_before_its_name(world, tube)

    def called(_session, tube_ids):
        return set(tube_ids)

    late_names.ask(called)
    try:
        (verdict,) = collect(world, [scan(tube, person)])
    finally:
        late_names.forget(called)
    assert (verdict["verdict"], verdict["code"]) == ("good", "late_binding")
    assert len(rows.samples(tube)) == 1
    (kept,) = rows.discrepancies()
    assert (kept.kind, kept.holds_results) == ("late_binding", True)


def undo(world, scan_id, role="collector"):
    return undo_collection(actor=world.actor(role), client_id=uuid.uuid4(), scan_client_id=scan_id)


def test_undoing_ones_own_scan_frees_the_tube_and_the_person(world):
    people, (tube,) = declare(world, 2), print_tubes(world)
    one = scan(tube, people[0])
    collect(world, [one])
    assert undo(world, one.client_id) == {"tube": tube, "declaration": people[0], "count": 0}
    assert (rows.tube(tube).status, rows.declaration(people[0]).status) == ("printed", "open")
    assert rows.verbs(rows.tube(tube).id) == ["used", "scan_taken_back"]
    assert codes_of(collect(world, [scan(tube, people[1])])) == ["bound"]


def test_undoing_one_of_a_mixed_tube_leaves_the_others(world):
    people, (tube,), session = declare(world, 3), print_tubes(world, 1, "mixed"), uuid.uuid4()
    scans = [scan(tube, person) for person in people]
    collect(world, scans, session)
    close(world, session, tube, 3)
    assert undo(world, scans[1].client_id)["count"] == 2
    assert (rows.tube(tube).status, rows.tube(tube).closed_count) == ("used", None)
    assert codes_of(collect(world, [scan(tube, people[1])], session)) == ["bound"]
    assert sorted(sample.slot for sample in rows.samples(tube)) == [1, 2, 3]


def test_nobody_undoes_anothers_scan_or_one_whose_tube_has_left(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    one = scan(tube, person)
    collect(world, [one])
    with pytest.raises(NotFound):
        undo(world, one.client_id, "collector_2")
    with writing() as session:
        session.get(type(rows.tube(tube)), rows.tube(tube).id).status = "boxed"
    events = rows.count_events()
    with pytest.raises(WrongState):
        undo(world, one.client_id)
    assert rows.count_events() == events
    assert len(rows.samples(tube)) == 1


def test_a_collector_registers_at_no_other_place_than_theirs(world):
    (person,), (tube,) = declare(world), print_tubes(world)
    with pytest.raises(NotFound):
        register_collections(
            actor=world.actor("collector"),
            place_id=world.laboratory_id,
            session_id=uuid.uuid4(),
            scans=[scan(tube, person)],
        )
    assert rows.samples(tube) == []


def test_five_hundred_scans_cost_the_statements_of_one(world):
    def cost(count):
        people, tubes = declare(world, count), print_tubes(world, count)
        scans = [scan(*pair) for pair in zip(tubes, people, strict=True)]
        with count_statements() as sent:
            collect(world, scans)
        return len(sent)

    assert cost(1) == cost(500)


def test_two_collectors_who_take_the_same_tube_at_once_end_with_one_sample_and_one_discrepancy(world, app):
    people, (tube,) = declare(world, 2), print_tubes(world)
    start = threading.Barrier(2)
    verdicts = []

    def go(person, role):
        with app.app_context(), clock.at(MORNING):
            start.wait()
            verdicts.extend(collect(world, [scan(tube, person)], role=role))
            db.session.remove()

    threads = [
        threading.Thread(target=go, args=pair)
        for pair in zip(people, ("collector", "collector_2"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes_of(verdicts)) == ["bound", "tube_reused"]
    assert len(rows.samples(tube)) == 1
    assert [kept.kind for kept in rows.discrepancies()] == ["tube_reused"]
