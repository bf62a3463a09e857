"""From calls to what people are told: each way a plate can end, and that nobody is lost or told too much."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from engines import make_app
from factories import make_world
from hypothesis import given, settings
from hypothesis import strategies as st
from pooling import bench
from pooling.received import bind, receive, samples_of
from sqlalchemy import select, update
from statements import count_statements

from lims import audit
from lims.errors import Refused
from lims.extensions import db
from lims.intake.models import Sample, Tube
from lims.places.models import Campaign
from lims.pooling.actions import pools
from lims.pooling.models import Pool, PoolMember
from lims.pooling.resolution import close_resolved, late_outcomes
from lims.transaction import writing


@pytest.fixture
def ready(world):
    bench.install(world)
    return world


def pool_up(world, confirming: bool = False) -> list[str]:
    """Make closed pools of all that waits and return their codes."""
    role, place = (
        ("technician", world.laboratory_id)
        if not confirming
        else ("technician_confirming", world.confirming_id)
    )
    made = pools.propose_pools(actor=world.actor(role), laboratory_id=place)
    return [pool["pool"] for pool in made["pools"]]


def ids(*tube_codes: str) -> list[uuid.UUID]:
    return [sample.id for code in tube_codes for sample in samples_of(code)]


def retest_of(tube_code: str) -> str:
    """Return the code of a tube's newest pool."""
    return bench.pools_of(tube_code)[-1].code


def policy(world, **columns) -> None:
    with writing() as session:
        session.execute(update(Campaign).where(Campaign.id == world.campaign_id).values(**columns))


def test_a_negative_pool_closes_all_its_members_in_one_step(ready):
    tubes = receive(ready, 10)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready)
    assert bench.outcomes_by_sample(resolution) == dict.fromkeys(ids(*tubes), ("not_detected", None))
    assert bench.status_of(pool) == ("resolved", "not_detected")


def test_a_positive_pool_tells_nobody_and_retests_each_kept_tube(ready):
    tubes = receive(ready, 4)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready, {pool: "detected"})
    assert (resolution.outcomes, resolution.ask_again) == ([], [])
    assert bench.status_of(pool) == ("called", "detected")
    retests = [bench.pools_of(tube)[-1] for tube in tubes]
    assert [(one.purpose, one.attempt, one.member_count, one.status) for one in retests] == [
        ("retest", 1, 1, "closed")
    ] * 4
    assert {one.parent.code for one in retests} == {pool}


@pytest.mark.parametrize("finding", ["inconclusive"])
def test_an_inconclusive_pool_is_retested_and_its_negatives_need_not_wait(ready, finding):
    tubes = receive(ready, 2)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: finding})
    _, resolution = bench.plate_all(ready)
    assert bench.outcomes_by_sample(resolution) == dict.fromkeys(ids(*tubes), ("not_detected", None))
    assert not resolution.discordant_pool_ids
    assert bench.status_of(pool)[0] == "resolved"


def test_negative_retests_wait_for_their_siblings_and_a_detected_one_does_not(ready):
    first, second, third = receive(ready, 3)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    ready_first, ready_second, ready_third = map(retest_of, (first, second, third))
    planned = bench.plan(ready, pool_codes=[ready_first, ready_second])
    bench.read(ready, planned, {ready_second: "detected"})
    early = bench.review(ready, planned["run"])
    # this laboratory may not confirm: the detected one is held at once, the negative one waits
    assert bench.outcomes_by_sample(early) == {ids(second)[0]: ("detected", "confirmation")}
    planned = bench.plan(ready, pool_codes=[ready_third])
    bench.read(ready, planned)
    late = bench.review(ready, planned["run"])
    assert bench.outcomes_by_sample(late) == dict.fromkeys(ids(first, third), ("not_detected", None))
    assert len({outcome.run_id for outcome in late.outcomes}) == 2, (
        "each outcome names the run that tested it"
    )
    assert bench.status_of(pool)[0] == "resolved"
    assert bench.status_of(ready_first)[0] == "resolved"


def test_all_members_negative_after_a_positive_pool_is_a_discordance(ready):
    tubes = receive(ready, 3)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    _, resolution = bench.plate_all(ready)
    assert bench.outcomes_by_sample(resolution) == dict.fromkeys(ids(*tubes), ("not_detected", "discordance"))
    parent = db.session.scalars(select(Pool.id).where(Pool.code == pool)).one()
    assert resolution.discordant_pool_ids == [parent]


def test_an_invalid_pool_goes_once_more_and_then_each_tube_alone(ready):
    tubes = receive(ready, 3)
    [pool] = pool_up(ready)
    _, first = bench.plate_all(ready, {pool: "invalid"})
    again = bench.pools_of(tubes[0])[-1]
    assert (again.purpose, again.attempt, again.new_extraction, again.member_count) == ("screen", 2, True, 3)
    _, second = bench.plate_all(ready, {again.code: "invalid"})
    assert first.outcomes == second.outcomes == []
    assert {bench.pools_of(tube)[-1].purpose for tube in tubes} == {"retest"}
    _, third = bench.plate_all(ready)
    assert Counter(outcome.finding for outcome in third.outcomes) == {"not_detected": 3}
    assert bench.status_of(pool)[0] == "resolved"


@pytest.mark.parametrize("finding", ["inconclusive", "invalid"])
def test_a_single_test_without_a_clear_finding_is_repeated_once_and_then_said(ready, finding):
    [tube] = receive(ready)
    [pool] = pool_up(ready)
    _, first = bench.plate_all(ready, {pool: finding})
    again = bench.pools_of(tube)[-1]
    assert first.outcomes == []
    assert (again.purpose, again.attempt, again.new_extraction) == ("retest", 2, True)
    _, second = bench.plate_all(ready, {again.code: finding})
    assert bench.outcomes_by_sample(second) == {ids(tube)[0]: (finding, None)}


def test_an_unclear_retest_is_repeated_under_the_same_parent(ready):
    first, second = receive(ready, 2)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    _, early = bench.plate_all(ready, {retest_of(first): "inconclusive"})
    assert early.outcomes == [], "the negative sibling waits for the repeat"
    again = bench.pools_of(first)[-1]
    assert (again.attempt, again.parent.code) == (2, pool)
    _, late = bench.plate_all(ready, {again.code: "detected"})
    assert bench.outcomes_by_sample(late) == {
        ids(first)[0]: ("detected", "confirmation"),
        ids(second)[0]: ("not_detected", None),
    }


def test_a_positive_mixed_tube_asks_all_its_people_again(ready):
    [tube] = receive(ready, mode="mixed", people=5)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready, {pool: "detected"})
    assert resolution.outcomes == []
    assert resolution.ask_again == [(sample_id, "mixed_positive") for sample_id in ids(tube)]
    assert bench.status_of(pool)[0] == "resolved"


def test_an_invalid_mixed_tube_goes_once_more_and_then_its_people_are_asked_again(ready):
    [tube] = receive(ready, mode="mixed", people=3)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "invalid"})
    again = bench.pools_of(tube)[-1]
    assert (again.purpose, again.attempt) == ("screen", 2)
    _, resolution = bench.plate_all(ready, {again.code: "invalid"})
    assert len(resolution.ask_again) == 3


def test_a_person_detected_where_it_may_not_be_confirmed_goes_on_and_waits(ready):
    [tube] = receive(ready)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready, {pool: "detected"})
    assert bench.outcomes_by_sample(resolution) == {ids(tube)[0]: ("detected", "confirmation")}
    confirm = bench.pools_of(tube)[-1]
    assert (confirm.purpose, confirm.laboratory_id, confirm.status, confirm.parent.code) == (
        "confirm",
        None,
        "closed",
        pool,
    )
    bench.send_on(ready, [tube])
    _, confirmed = bench.plate_all(ready, {confirm.code: "detected"}, confirming=True)
    assert bench.outcomes_by_sample(confirmed) == {ids(tube)[0]: ("detected", None)}
    assert bench.pools_of(tube)[-1].laboratory_id == ready.confirming_id


def test_a_confirmation_that_finds_nothing_contradicts_and_is_held(ready):
    [tube] = receive(ready)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    bench.send_on(ready, [tube])
    _, resolution = bench.plate_all(ready, confirming=True)
    assert bench.outcomes_by_sample(resolution) == {ids(tube)[0]: ("not_detected", "discordance")}
    assert resolution.discordant_pool_ids == [bench.pools_of(tube)[0].id]


def test_a_confirmation_put_back_from_a_failed_run_belongs_to_no_laboratory_again(ready):
    [tube] = receive(ready)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    bench.send_on(ready, [tube])
    planned = bench.plan(ready, confirming=True)
    assert bench.pools_of(tube)[-1].laboratory_id == ready.confirming_id
    bench.read(ready, planned, confirming=True, spoilt="NTC")
    bench.review(ready, planned["run"], confirming=True)
    confirm = bench.pools_of(tube)[-1]
    assert (confirm.status, confirm.laboratory_id) == ("closed", None)


def test_a_laboratory_that_may_confirm_reports_a_detected_person_at_once(ready):
    [tube] = receive(ready, laboratory_id=ready.confirming_id)
    [pool] = pool_up(ready, confirming=True)
    _, resolution = bench.plate_all(ready, {pool: "detected"}, confirming=True)
    assert bench.outcomes_by_sample(resolution) == {ids(tube)[0]: ("detected", None)}
    assert len(bench.pools_of(tube)) == 1


def test_all_members_of_a_positive_pool_go_on_where_the_policy_says_so(ready):
    policy(ready, confirm_all_members=True)
    tubes = receive(ready, 3)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    assert [(one.purpose, one.laboratory_id) for one in (bench.pools_of(tube)[-1] for tube in tubes)] == [
        ("confirm", None)
    ] * 3
    bench.send_on(ready, tubes)
    _, resolution = bench.plate_all(ready, {retest_of(tubes[0]): "detected"}, confirming=True)
    assert sorted(outcome.finding for outcome in resolution.outcomes) == [
        "detected",
        "not_detected",
        "not_detected",
    ]
    assert {outcome.hold_reason for outcome in resolution.outcomes} == {None}


def test_a_failed_control_yields_no_result_and_the_pools_wait_for_another_plate(ready):
    receive(ready, 3)
    [pool] = pool_up(ready)
    planned = bench.plan(ready)
    bench.read(ready, planned, {pool: "detected"}, spoilt="NTC")
    resolution = bench.review(ready, planned["run"])
    assert (resolution.run_valid, resolution.outcomes, resolution.ask_again) == (False, [], [])
    assert resolution.failure
    assert bench.status_of(pool) == ("closed", None)
    assert [well["pool"] for well in bench.plan(ready)["wells"] if well["pool"]] == [pool]


def test_a_tube_that_is_gone_is_not_retested_and_its_person_is_asked_again(ready):
    gone, kept = receive(ready, 2)
    [pool] = pool_up(ready)
    planned = bench.plan(ready)
    with writing() as session:
        session.execute(update(Tube).where(Tube.code == gone).values(status="damaged"))
    bench.read(ready, planned, {pool: "detected"})
    resolution = bench.review(ready, planned["run"])
    assert resolution.ask_again == [(ids(gone)[0], "tube_gone")]
    assert [one.purpose for one in bench.pools_of(gone)] == ["screen"]
    assert bench.pools_of(kept)[-1].purpose == "retest"


def test_a_tube_before_its_names_releases_nothing_and_its_name_is_reported_later(ready):
    [named] = receive(ready)
    [nameless] = receive(ready, named=False)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready)
    assert list(bench.outcomes_by_sample(resolution)) == ids(named)
    assert bench.status_of(pool)[0] == "called"
    [sample_id] = bind(ready, [nameless])
    with writing() as session:
        late = late_outcomes(session, samples=[session.get_one(Sample, sample_id)])
        bench.write_results(session, late)
        close_resolved(session, late.pool_ids)
    assert bench.outcomes_by_sample(late) == {sample_id: ("not_detected", None)}
    assert bench.status_of(pool)[0] == "resolved"


def test_a_mixed_tube_waits_for_the_last_of_its_names(ready):
    [tube] = receive(ready, mode="mixed", people=2, named=False)
    [first] = bind(ready, [tube])
    pool_up(ready)
    _, resolution = bench.plate_all(ready)
    assert resolution.outcomes == []
    with writing() as session:
        assert late_outcomes(session, samples=[session.get_one(Sample, first)]).outcomes == []
    with writing() as session:
        session.execute(update(Tube).where(Tube.code == tube).values(closed_count=1))
    with writing() as session:
        late = late_outcomes(session, samples=[session.get_one(Sample, first)])
    assert bench.outcomes_by_sample(late) == {first: ("not_detected", None)}


def test_a_name_that_comes_while_its_retest_is_under_way_gets_no_result_yet(ready):
    receive(ready)
    [nameless] = receive(ready, named=False)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    [sample_id] = bind(ready, [nameless])
    with writing() as session:
        assert late_outcomes(session, samples=[session.get_one(Sample, sample_id)]).outcomes == []
    _, resolution = bench.plate_all(ready, {retest_of(nameless): "detected"})
    assert bench.outcomes_by_sample(resolution)[sample_id] == ("detected", "confirmation")


def test_a_single_tube_bound_to_two_people_reports_for_neither(ready):
    [tube] = receive(ready)
    bind_second(ready, tube)
    [pool] = pool_up(ready)
    _, resolution = bench.plate_all(ready, {pool: "detected"})
    assert (resolution.outcomes, resolution.ask_again) == ([], [])
    assert bench.status_of(pool)[0] == "called"


def bind_second(world, tube: str) -> None:
    """Bind a second person to a single tube, by mistake."""
    [other] = receive(world, laboratory_id=world.confirming_id, status="used")
    with writing() as session:
        first = session.scalars(select(Tube).where(Tube.code == tube)).one()
        second = session.scalars(select(Tube).where(Tube.code == other)).one()
        session.execute(update(Sample).where(Sample.tube_id == second.id).values(tube_id=first.id, slot=2))


def test_every_thing_that_changed_has_one_event(ready):
    tubes = receive(ready, 2)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    db.session.rollback()
    parent, *_ = bench.pools_of(tubes[0])
    retest = bench.pools_of(tubes[0])[-1]
    tube_id = db.session.scalars(select(Tube.id).where(Tube.code == tubes[0])).one()
    verbs = [
        [event.verb for event in audit.list_events(db.session, subject_ids=[key])]
        for key in (parent.id, retest.id, tube_id)
    ]
    assert verbs == [["closed", "plated", "called"], ["opened"], ["stored"]]


def test_a_pool_that_answers_another_cannot_be_voided(ready):
    tubes = receive(ready, 2)
    [pool] = pool_up(ready)
    bench.plate_all(ready, {pool: "detected"})
    with pytest.raises(Refused):
        pools.void_pool(actor=ready.actor("technician"), pool_code=retest_of(tubes[0]))
    with pytest.raises(Refused):
        pools.void_pool(actor=ready.actor("technician"), pool_code=pool)


def test_resolving_93_pools_costs_as_many_statements_as_one(ready):
    def cost(count: int, size: int, finding: str) -> int:
        policy(ready, pool_size=size)
        receive(ready, count * size)
        made = pool_up(ready)
        assert len(made) == count
        planned = bench.plan(ready, pool_codes=made)
        bench.read(ready, planned, dict.fromkeys(made, finding))
        with count_statements() as sent:
            bench.review(ready, planned["run"])
        return len([statement for statement in sent if "sample SET" not in statement])

    assert cost(1, 2, "detected") == cost(93, 2, "detected")
    assert cost(1, 2, "not_detected") == cost(93, 2, "not_detected")


# ---- whatever happens on the plates ----

FINDINGS = ("not_detected", "detected", "detected", "inconclusive", "invalid")


@pytest.fixture(scope="module")
def chance_world(engines):
    """One database for all examples, as making one for each would take most of the time."""
    with TemporaryDirectory() as folder, engines.fresh("sqlite", Path(folder)) as url:
        app = make_app(url, Path(folder))
        with app.app_context():
            world = make_world()
            bench.install(world)
            yield world
            db.session.remove()
            db.engine.dispose()


@settings(max_examples=12)
@given(
    racks=st.lists(
        st.tuples(st.sampled_from(["single", "mixed"]), st.integers(1, 12)), min_size=1, max_size=3
    ),
    seed=st.integers(0, 2**32),
    strict=st.booleans(),
)
def test_whatever_is_found_everybody_ends_with_one_outcome_and_nobody_is_told_too_much(
    chance_world, racks, seed, strict
):
    world, chance = chance_world, random.Random(seed)
    policy(world, confirm_all_members=strict)
    tubes: list[str] = []
    for mode, count in racks:
        if mode == "single":
            tubes += receive(world, count)
        else:
            tubes += receive(world, 1, mode="mixed", people=max(2, count))
    told: dict[uuid.UUID, list[tuple]] = {}
    pool_up(world)
    for _ in range(14):
        waiting = list_waiting(world)
        if not waiting:
            break
        for confirming in (False, True):
            here = [code for code, confirm in waiting if confirm == confirming]
            if here:
                _play(world, here, chance, told, confirming=confirming)
    assert not list_waiting(world), "every test ends"
    everyone = ids(*tubes)
    final = {key: outcomes[-1] for key, outcomes in told.items()}
    assert set(everyone) == set(final), "everybody has an outcome or is asked again"
    for outcomes in told.values():
        # a second outcome only ever settles a result that was held for confirmation
        assert all(before[1] == "confirmation" for before in outcomes[:-1])
        assert len(outcomes) <= 2
    assert {pool.status for tube in tubes for pool in bench.pools_of(tube)} == {"resolved"}


def list_waiting(world) -> list[tuple[str, bool]]:
    db.session.rollback()
    rows = db.session.execute(
        select(Pool.code, Pool.purpose).where(Pool.status == "closed").order_by(Pool.opened_at)
    ).all()
    return [(code, purpose == "confirm") for code, purpose in rows]


def _play(world, codes, chance, told, *, confirming) -> None:
    if confirming:
        db.session.rollback()
        bench.send_on(
            world,
            db.session.scalars(
                select(Tube.code)
                .join(PoolMember, PoolMember.tube_id == Tube.id)
                .join(Pool, Pool.id == PoolMember.pool_id)
                .where(Pool.code.in_(codes))
            ).all(),
        )
        db.session.rollback()
    drawn = {code: chance.choice(FINDINGS) for code in codes}
    planned = bench.plan(world, confirming=confirming, pool_codes=codes)
    failed = chance.random() < 0.2
    bench.read(world, planned, drawn, confirming=confirming, spoilt="NTC" if failed else "")
    resolution = bench.review(world, planned["run"], confirming=confirming)
    assert resolution.run_valid is not failed
    db.session.rollback()
    of = {pool.id: pool for pool in db.session.scalars(select(Pool)).all()}
    for outcome in resolution.outcomes:
        pool = of[outcome.pool_id]
        people = sum(len(member.tube.samples) for member in pool.members)
        if outcome.finding == "detected":
            assert people == 1, "detected only from one person's pool"
        if outcome.finding == "not_detected":
            assert pool.finding == "not_detected"
            tube = db.session.get_one(Sample, outcome.sample_id).tube_id
            assert tube in {member.tube_id for member in pool.members}, (
                "negative only from a pool of its own tube"
            )
        told.setdefault(outcome.sample_id, []).append((outcome.finding, outcome.hold_reason))
    for sample_id, reason in resolution.ask_again:
        told.setdefault(sample_id, []).append((reason, None))
    db.session.rollback()
