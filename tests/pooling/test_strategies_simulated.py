"""The bench itself needs as many reactions as the formulas of `lims.pooling.strategies` say.

People are infected by chance, their tubes are pooled, plated, read and reviewed through the actions until nothing
waits, and the wells are counted. Two things are compared: each pool's reactions with those its infected people lead
to (exactly), and the mean of each prevalence with the formula, within four standard errors. The error is that of
a mean of independent pools; the variance of one pool's reactions is summed over all that can happen to it, as a few
dozen pools among which none is positive would show no variance at all.
"""

from __future__ import annotations

import math
import random
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import islice, product
from typing import Any

import pytest
from factories import World, make_world
from pooling import bench
from pooling.received import receive
from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from lims import clock, codes, names
from lims.extensions import db
from lims.intake.models import Declaration, Person, Sample, SecondSwab, Tube
from lims.places.rules import STRATEGIES
from lims.pooling.actions import assays, pools, readings, runs
from lims.pooling.models import Pool, PoolMember, Well
from lims.pooling.outcomes import SMALLEST_HALVED
from lims.pooling.seed_assays import screening_two_targets
from lims.pooling.strategies import expected_reactions
from lims.results.actions.review import review_run
from lims.tables import new_id
from lims.transaction import writing

PREVALENCES = (0.001, 0.005, 0.01, 0.02, 0.05, 0.1)
PEOPLE = 1200
"""For each prevalence; in whole pools of 5, 10 and 20."""
ERRORS = 4
"""Four standard errors are 0.02 to 0.25 reactions for each person, most for pools of 20 at 5 percent."""
Test = Callable[[Sequence[bool]], bool]


@dataclass(frozen=True)
class Laboratory:
    """Where a campaign with this pool size and strategy is tested, with this kit."""

    world: World
    assay_id: uuid.UUID
    size: int
    strategy: str


@pytest.fixture
def laboratory(app, request) -> Laboratory:
    """A laboratory that may confirm, so that nothing is tested twice, and a kit for pools of 20."""
    size, strategy = request.param
    world = make_world(pool_size=size, positive_pool_strategy=strategy)
    kit = replace(screening_two_targets(), name="Pools of twenty", max_pool_size=20)
    drafted = assays.draft_assay(actor=world.actor("supervisor"), definition=kit.to_definition())
    assay_id = uuid.UUID(drafted["assay_id"])
    assays.agree_assay(actor=world.actor("supervisor_2"), assay_id=assay_id)
    return Laboratory(world, assay_id, size, strategy)


def pool_up(world: World, tubes: Sequence[str]) -> list[tuple[str, ...]]:
    """Pool a rack; return each pool's tubes."""
    answer = pools.propose_pools(
        actor=world.actor("technician_confirming"), laboratory_id=world.confirming_id, tube_codes=tubes
    )
    assert answer["verdicts"] == []
    return [tuple(pool["tubes"]) for pool in answer["pools"]]


def receive_people(world: World, count: int) -> list[str]:
    """Save tubes received with a person each, straight into the tables; return the tubes' codes."""
    tubes = receive(world, count, named=False, laboratory_id=world.confirming_id)
    bind_people(world, tubes)
    return tubes


def bind_people(world: World, tubes: Sequence[str]) -> None:
    now, today = clock.now(), clock.today()
    people = [{"id": new_id()} for _ in tubes]
    declarations = [{"id": new_id(), "code": code} for code in codes.mint_many("declaration", len(tubes))]
    of_person: dict[str, Any] = {
        "name": "Nguyễn Thị Hoa",
        "name_key": names.sort_key("Nguyễn Thị Hoa"),
        "name_folded": names.fold("Nguyễn Thị Hoa"),
        "birth_on": date(1980, 1, 1),
        "birth_precision": "year",
        "sex": "female",
        "commune_id": world.commune_id,
        "created_at": now,
    }
    of_declaration: dict[str, Any] = {
        "campaign_id": world.campaign_id,
        "commune_id": world.commune_id,
        "status": "sampled",
        "symptoms": [],
        "has_symptoms": False,
        "is_contact": False,
        "declared_by": "self",
        "consent_version": "2021-07",
        "consented_at": now,
        "created_at": now,
    }
    of_sample: dict[str, Any] = {
        "campaign_id": world.campaign_id,
        "slot": 1,
        "attempt": 1,
        "status": "bound",
        "place_id": world.site_id,
        "commune_id": world.commune_id,
        "sampled_on": today,
        "sampled_at": now,
        "recorded_at": now,
    }
    bound = list(zip(tubes, people, declarations, strict=True))
    with writing() as session:
        ids = ids_of_tubes(session)
        session.execute(insert(Person), [of_person | person for person in people])
        session.execute(
            insert(Declaration),
            [
                of_declaration | declaration | {"person_id": person["id"], "client_id": uuid.uuid4()}
                for _, person, declaration in bound
            ],
        )
        session.execute(
            insert(Sample),
            [
                of_sample
                | {
                    "id": new_id(),
                    "tube_id": ids[tube],
                    "person_id": person["id"],
                    "declaration_id": declaration["id"],
                    "client_id": uuid.uuid4(),
                }
                for tube, person, declaration in bound
            ],
        )


def receive_pairs(world: World, count: int) -> tuple[list[str], dict[str, str]]:
    """Save tubes with a person each and as many second swabs; return the first ones, and second → first."""
    made = receive(world, 2 * count, named=False, laboratory_id=world.confirming_id)
    first, second = made[:count], made[count:]
    bind_people(world, first)
    with writing() as session:
        ids = ids_of_tubes(session)
        session.execute(
            insert(SecondSwab),
            [
                {"tube_id": ids[one], "second_tube_id": ids[two], "noted_at": clock.now()}
                for one, two in zip(first, second, strict=True)
            ],
        )
    return first, dict(zip(second, first, strict=True))


def ids_of_tubes(session: Session) -> dict[str, uuid.UUID]:
    return dict(session.execute(select(Tube.code, Tube.id)).all())


def waits() -> bool:
    db.session.rollback()
    return bool(db.session.scalar(select(func.count()).where(Pool.status == "closed")))


def resolve_all(
    world: World, assay_id: uuid.UUID, rack: Mapping[str, int], infected: set[str], test: Test
) -> None:
    """Plate, read and review until nothing waits; pools are tested in the order of their tubes in the rack."""
    actor = world.actor("technician_confirming")
    while waits():
        planned = runs.plan_run(actor=actor, laboratory_id=world.confirming_id, assay_id=assay_id, size=384)
        members = members_of([well["pool"] for well in planned["wells"] if well["pool"]])
        found = {
            code: "detected" if test([tube in infected for tube in tubes]) else "not_detected"
            for code, tubes in sorted(members.items(), key=lambda item: min(rack[tube] for tube in item[1]))
        }
        readings.record_readings(
            actor=actor, run_code=planned["run"], readings=bench.readings_for(planned["wells"], found)
        )
        assert review_run(actor=actor, run_code=planned["run"])["status"] == "reviewed"


def members_of(pool_codes: Sequence[str]) -> dict[str, list[str]]:
    db.session.rollback()
    members: dict[str, list[str]] = {}
    for pool, tube in db.session.execute(
        select(Pool.code, Tube.code)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(Pool.code.in_(pool_codes))
    ):
        members.setdefault(pool, []).append(tube)
    return members


def count_reactions(screened: Sequence[tuple[str, ...]], stands_for: Mapping[str, str]) -> list[int]:
    """Return how many wells each screened pool's people took, repeats and retests included."""
    place_of = {tube: place for place, tubes in enumerate(screened) for tube in tubes}
    wells = db.session.scalars(
        select(Pool.code).join(Well, Well.pool_id == Pool.id).order_by(Well.run_id, Well.position)
    ).all()
    tested = iter(set(wells))
    members: dict[str, list[str]] = {}
    while part := list(islice(tested, 500)):
        members |= members_of(part)
    counted: Counter[int] = Counter()
    for code in wells:
        (place,) = {place_of[stands_for.get(tube, tube)] for tube in members[code]}
        counted[place] += 1
    return [counted[place] for place in range(len(screened))]


def reactions_of(strategy: str, infected: Sequence[bool]) -> int:
    """Return what a pool costs with a perfect test."""
    size = len(infected)
    if not any(infected) or size == 1:
        return 1
    if strategy == "halves" and size >= SMALLEST_HALVED:
        middle = (size + 1) // 2
        return 1 + reactions_of("singles", infected[:middle]) + reactions_of("singles", infected[middle:])
    return 1 + size


def moments_of(strategy: str, size: int, prevalence: float, se: float, sp: float) -> tuple[float, float]:
    """Return mean and standard deviation of one pool's reactions, summed over all that can happen to it."""
    halved = strategy == "halves" and size >= SMALLEST_HALVED
    parts = [(size + 1) // 2, size // 2] if halved else [size]
    healthy = [(1 - prevalence) ** part for part in parts]
    mean = squares = 0.0
    for sick in product((True, False), repeat=len(parts)):
        weight = math.prod(1 - q if one else q for one, q in zip(sick, healthy, strict=True))
        positive = se if any(sick) else 1 - sp
        mean += weight * (1 - positive)
        squares += weight * (1 - positive)
        # without halves a positive pool's tubes are always tested
        found = [(se if one else 1 - sp) if halved else 1.0 for one in sick]
        for followed in product((True, False), repeat=len(parts)):
            chance = math.prod(p if taken else 1 - p for p, taken in zip(found, followed, strict=True))
            reactions = 1 + (2 if halved else 0)
            reactions += sum(part for part, taken in zip(parts, followed, strict=True) if taken)
            mean += weight * positive * chance * reactions
            squares += weight * positive * chance * reactions**2
    return mean, math.sqrt(squares - mean**2)


def play(
    laboratory: Laboratory, *, se: float, sp: float, seed: str
) -> dict[float, tuple[list[tuple[str, ...]], list[int], set[str]]]:
    """Play a campaign; return, for each prevalence, the pools screened, their reactions and who is infected."""
    world, strategy = laboratory.world, laboratory.strategy
    chance = random.Random(seed)
    count = PEOPLE * len(PREVALENCES)
    if strategy == "second_swab":
        tubes, second = receive_pairs(world, count)
    else:
        tubes, second = receive_people(world, count), {}
    infected: set[str] = set()
    screened: dict[float, list[tuple[str, ...]]] = {}
    for place, prevalence in enumerate(PREVALENCES):
        rack = tubes[place * PEOPLE : (place + 1) * PEOPLE]
        infected |= {tube for tube in rack if chance.random() < prevalence}
        screened[prevalence] = pool_up(world, rack)
    infected |= {two for two, one in second.items() if one in infected}
    places = {tube: place for place, tube in enumerate((*tubes, *second))}
    resolve_all(
        world,
        laboratory.assay_id,
        places,
        infected,
        lambda sick: chance.random() < (se if any(sick) else 1 - sp),
    )
    every = [pool for group in screened.values() for pool in group]
    counted = iter(count_reactions(every, second))
    return {
        prevalence: (group, list(islice(counted, len(group))), infected)
        for prevalence, group in screened.items()
    }


def assert_as_expected(played, strategy: str, size: int, *, se: float = 1.0, sp: float = 1.0) -> None:
    for prevalence, (group, counted, _) in played.items():
        expected = expected_reactions(
            strategy, size=size, prevalence=prevalence, sensitivity=se, specificity=sp
        )
        mean, spread = moments_of(strategy, size, prevalence, se, sp)
        assert expected == pytest.approx(mean / size)
        error = spread / size / math.sqrt(len(group))
        assert abs(sum(counted) / PEOPLE - expected) <= ERRORS * error, (prevalence, expected, error)


CASES = [
    *((size, strategy) for strategy in ("singles", "halves") for size in (5, 10, 20)),
    (10, "second_swab"),
]
ERRING = [(10, "singles"), (10, "halves")]


def test_every_strategy_of_a_campaign_is_played():
    assert {strategy for _, strategy in CASES} == set(STRATEGIES)


# SQLite alone: what is counted does not depend on the engine
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("laboratory", CASES, indirect=True, ids=str)
def test_the_bench_needs_as_many_reactions_as_the_formula_says(laboratory):
    strategy, size = laboratory.strategy, laboratory.size
    played = play(laboratory, se=1.0, sp=1.0, seed=f"{strategy} {size}")
    for group, counted, infected in played.values():
        assert [len(pool) for pool in group] == [size] * (PEOPLE // size)
        assert counted == [reactions_of(strategy, [tube in infected for tube in pool]) for pool in group]
    assert_as_expected(played, strategy, size)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("laboratory", ERRING, indirect=True, ids=str)
def test_so_it_does_with_a_test_that_errs(laboratory):
    played = play(laboratory, se=0.85, sp=0.98, seed=f"erring {laboratory.strategy}")
    assert_as_expected(played, laboratory.strategy, laboratory.size, se=0.85, sp=0.98)
