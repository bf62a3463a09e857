"""Pools at the bench: what each step leaves behind, what it refuses, and that a rack costs what one tube costs."""

from __future__ import annotations

import uuid

import pytest
from pooling.received import person_of, receive
from sqlalchemy import func, select
from statements import count_statements

from lims import audit
from lims.errors import AlreadyDone, NotFound, Refused
from lims.extensions import db
from lims.pooling.actions import pools as actions
from lims.pooling.models import Pool, PoolMember
from lims.pooling.queries import pools as queries


@pytest.fixture
def technician(world):
    return world.actor("technician")


def opened(world, technician) -> str:
    return actions.open_pool(actor=technician, laboratory_id=world.laboratory_id)["pool"]


def events(code: str) -> list[str]:
    db.session.rollback()
    pool = queries.get_pool(db.session, code=code)
    return [event.verb for event in audit.list_events(db.session, subject_ids=[pool.id])]


def test_a_pool_is_opened_filled_and_closed_with_one_event_for_each_step(world, technician):
    tubes = receive(world, 3)
    code = opened(world, technician)
    added = actions.add_tubes(actor=technician, pool_code=code, tube_codes=tubes)
    closed = actions.close_pool(actor=technician, pool_code=code)
    assert [verdict["verdict"] for verdict in added["verdicts"]] == ["good"] * 3
    assert (closed["status"], closed["tubes"]) == ("closed", tubes)
    assert events(code) == ["opened", "tubes_added", "closed"]


def test_a_tube_scanned_twice_is_again_and_changes_nothing(world, technician):
    [tube] = receive(world)
    code = opened(world, technician)
    first = actions.add_tubes(actor=technician, pool_code=code, tube_codes=[tube, tube])
    again = actions.add_tubes(actor=technician, pool_code=code, tube_codes=[tube])
    assert [verdict["verdict"] for verdict in first["verdicts"]] == ["good", "again"]
    assert (again["verdicts"][0]["verdict"], again["count"]) == ("again", 1)
    assert events(code) == ["opened", "tubes_added"]


def test_a_tube_in_another_pool_is_refused_and_says_in_which_and_by_whom(world, technician):
    [tube] = receive(world)
    first, second = opened(world, technician), opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=first, tube_codes=[tube])
    verdict = actions.add_tubes(actor=technician, pool_code=second, tube_codes=[tube])["verdicts"][0]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "in_other_pool")
    assert verdict["parameters"]["by"] == technician.display_name
    assert verdict["parameters"]["other"].replace(" ", "") == first


def test_a_tube_of_a_closed_pool_is_to_be_put_aside_not_taken_out(world, technician):
    tubes = receive(world, 1)
    actions.propose_pools(actor=technician, laboratory_id=world.laboratory_id, tube_codes=tubes)
    answer = actions.add_tubes(actor=technician, pool_code=opened(world, technician), tube_codes=tubes)
    assert "closed" in answer["verdicts"][0]["message"]


def test_a_tube_that_does_not_fit_does_not_stop_the_others(world, technician):
    good = receive(world, 2)
    [far] = receive(world, laboratory_id=world.confirming_id)
    [not_here] = receive(world, status="boxed")
    unknown = "T000000" + "00"
    code = opened(world, technician)
    scans = [good[0], far, "X", unknown, not_here, code, good[1]]
    answer = actions.add_tubes(actor=technician, pool_code=code, tube_codes=scans)
    assert [verdict["code"] for verdict in answer["verdicts"]] == [
        "added", "wrong_laboratory", "not_a_tube", "not_a_tube", "not_received", "not_a_tube", "added",
    ]  # fmt: skip
    assert answer["tubes"] == good


def test_the_same_person_in_two_tubes_is_kept_apart(world, technician):
    [first] = receive(world)
    [second] = receive(world, person_ids=[person_of(first)])
    code = opened(world, technician)
    answer = actions.add_tubes(actor=technician, pool_code=code, tube_codes=[first, second])
    assert answer["verdicts"][1]["code"] == "same_person"


def test_the_eleventh_tube_is_refused(world, technician):
    tubes = receive(world, 11)
    code = opened(world, technician)
    answer = actions.add_tubes(actor=technician, pool_code=code, tube_codes=tubes)
    assert answer["count"] == 10
    assert answer["verdicts"][10]["code"] == "pool_full"


def test_nothing_is_added_or_taken_out_after_closing(world, technician):
    first, second = receive(world, 2)
    code = opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=code, tube_codes=[first])
    actions.close_pool(actor=technician, pool_code=code)
    answer = actions.add_tubes(actor=technician, pool_code=code, tube_codes=[second])
    assert answer["verdicts"][0]["code"] == "pool_closed"
    with pytest.raises(Refused):
        actions.remove_tubes(actor=technician, pool_code=code, tube_codes=[first])
    assert events(code) == ["opened", "tubes_added", "closed"]


def test_a_tube_taken_out_may_join_another_pool_and_leaves_its_place_free(world, technician):
    tubes = receive(world, 3)
    first, second = opened(world, technician), opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=first, tube_codes=tubes[:2])
    answer = actions.remove_tubes(actor=technician, pool_code=first, tube_codes=[tubes[0], tubes[2]])
    assert [verdict["verdict"] for verdict in answer["verdicts"]] == ["good", "again"]
    assert actions.add_tubes(actor=technician, pool_code=second, tube_codes=[tubes[0]])["count"] == 1
    assert actions.add_tubes(actor=technician, pool_code=first, tube_codes=[tubes[2]])["tubes"] == [
        tubes[2],
        tubes[1],
    ]


def test_an_empty_pool_cannot_be_closed_and_a_closed_one_not_again(world, technician):
    code = opened(world, technician)
    with pytest.raises(Refused):
        actions.close_pool(actor=technician, pool_code=code)
    actions.add_tubes(actor=technician, pool_code=code, tube_codes=receive(world))
    actions.close_pool(actor=technician, pool_code=code)
    with pytest.raises(AlreadyDone):
        actions.close_pool(actor=technician, pool_code=code)
    assert events(code) == ["opened", "tubes_added", "closed"]


def test_the_tubes_of_a_void_pool_wait_for_a_pool_again(world, technician):
    tubes = receive(world, 2)
    code = opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=code, tube_codes=tubes)
    actions.void_pool(actor=technician, pool_code=code, reason="mixed wrongly")
    assert [
        tube.code for tube in queries.list_unpooled_tubes(db.session, laboratory_id=world.laboratory_id)
    ] == tubes
    again = opened(world, technician)
    assert actions.add_tubes(actor=technician, pool_code=again, tube_codes=tubes)["count"] == 2
    assert events(code) == ["opened", "tubes_added", "voided"]


def test_a_pool_of_another_laboratory_looks_as_if_it_did_not_exist(world, technician):
    code = opened(world, technician)
    elsewhere = world.actor("technician_confirming")
    with pytest.raises(NotFound):
        actions.close_pool(actor=elsewhere, pool_code=code)
    with pytest.raises(NotFound):
        actions.open_pool(actor=elsewhere, laboratory_id=world.laboratory_id)


def test_a_repeated_request_is_answered_as_the_first_time(world, technician):
    client_id = uuid.uuid4()
    first = actions.open_pool(actor=technician, client_id=client_id, laboratory_id=world.laboratory_id)
    second = actions.open_pool(actor=technician, client_id=client_id, laboratory_id=world.laboratory_id)
    assert first == second
    assert db.session.scalar(select(func.count()).select_from(Pool)) == 1


def test_a_whole_rack_becomes_pools_that_keep_every_guard(world, technician):
    plain = receive(world, 23)
    mixed = receive(world, 2, mode="mixed", people=4)
    ill = receive(world, 1, symptoms=True)
    answer = actions.propose_pools(actor=technician, laboratory_id=world.laboratory_id)
    sizes = sorted(len(pool["tubes"]) for pool in answer["pools"])
    assert sizes == [1, 1, 1, 3, 10, 10]
    alone = {pool["tubes"][0] for pool in answer["pools"] if len(pool["tubes"]) == 1}
    assert alone == {*mixed, *ill}
    assert sorted(tube for pool in answer["pools"] for tube in pool["tubes"]) == sorted(
        [*plain, *mixed, *ill]
    )
    assert {pool["status"] for pool in answer["pools"]} == {"closed"}
    assert all(events(pool["pool"]) == ["closed"] for pool in answer["pools"])
    with pytest.raises(Refused):
        actions.propose_pools(actor=technician, laboratory_id=world.laboratory_id)


def test_a_rack_s_misfits_are_named_and_the_rest_is_pooled(world, technician):
    good = receive(world, 2)
    [rejected] = receive(world, status="rejected")
    answer = actions.propose_pools(
        actor=technician, laboratory_id=world.laboratory_id, tube_codes=[*good, rejected, "??"], close=False
    )
    assert [pool["tubes"] for pool in answer["pools"]] == [good]
    assert [verdict["code"] for verdict in answer["verdicts"]] == ["not_a_tube", "tube_rejected"]


def test_the_database_itself_keeps_a_tube_in_one_pool(world, technician):
    [tube] = receive(world)
    first, second = opened(world, technician), opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=first, tube_codes=[tube])
    from sqlalchemy import insert
    from sqlalchemy.exc import IntegrityError

    from lims import clock
    from lims.transaction import writing

    with pytest.raises(IntegrityError), writing() as session:
        taken = session.scalars(select(PoolMember)).one()
        other = queries.get_pool(session, code=second)
        session.execute(
            insert(PoolMember),
            [{"pool_id": other.id, "tube_id": taken.tube_id, "position": 1, "added_at": clock.now()}],
        )


def test_a_rack_of_500_costs_as_many_statements_as_one_tube(world, technician):
    receive(world, 1)
    with count_statements() as one:
        actions.propose_pools(actor=technician, laboratory_id=world.laboratory_id)
    receive(world, 500)
    with count_statements() as many:
        answer = actions.propose_pools(actor=technician, laboratory_id=world.laboratory_id)
    assert len(answer["pools"]) == 50
    assert len(many) == len(one)


def test_scanning_ten_tubes_costs_as_many_statements_as_one(world, technician):
    first, second = opened(world, technician), opened(world, technician)
    tube, tubes = receive(world, 1), receive(world, 10)
    with count_statements() as one:
        actions.add_tubes(actor=technician, pool_code=first, tube_codes=tube)
    with count_statements() as ten:
        actions.add_tubes(actor=technician, pool_code=second, tube_codes=tubes)
    assert len(ten) == len(one)


def test_what_waits_is_counted_by_kind(world, technician):
    receive(world, 2)
    code = opened(world, technician)
    actions.add_tubes(actor=technician, pool_code=code, tube_codes=receive(world, 1))
    actions.close_pool(actor=technician, pool_code=code)
    opened(world, technician)
    waiting = queries.count_waiting(db.session, laboratory_id=world.laboratory_id, can_confirm=False)
    assert (waiting.tubes, waiting.open_pools, waiting.to_plate) == (2, 1, {"screen": 1})
