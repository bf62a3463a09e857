"""What somebody has to do next for a sample, as it stands on somebody's worklist; None is a dead end."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from factories import World
from sqlalchemy import select

from lims.extensions import db, vault
from lims.intake.models import Box, Declaration, Sample, Tube
from lims.intake.queries.discrepancies import list_discrepancies
from lims.intake.queries.people import PeopleFilter, list_people
from lims.intake.queries.tubes import list_tubes_without_names
from lims.intake.settling import SUSPICIONS
from lims.pooling.models import Pool, PoolMember, Run, Well
from lims.pooling.queries import pools as pool_queries
from lims.results.models import Result
from lims.results.obstacles import list_obstacles_to_release, list_obstacles_to_verify
from lims.results.queries.results import get_standing, list_runs_to_release

IN_WORK = ("planned", "running", "imported")


@dataclass
class Worklists:
    """What all roles see at this moment."""

    to_sample: set[uuid.UUID] = field(default_factory=set)
    to_pool: set[uuid.UUID] = field(default_factory=set)
    to_plate: set[uuid.UUID] = field(default_factory=set)
    to_send_on: set[uuid.UUID] = field(default_factory=set)
    open_pools: set[uuid.UUID] = field(default_factory=set)
    nameless: set[uuid.UUID] = field(default_factory=set)
    to_release: set[uuid.UUID] = field(default_factory=set)
    discrepancies: list[Any] = field(default_factory=list)


def read_worklists(world: World) -> Worklists:
    """Read the worklists of the stations, each as the role that works there."""
    session, seen = db.session(), Worklists()
    cursor = ""
    while True:
        wanted = PeopleFilter(status="open", after=cursor)
        page, cursor = list_people(session, actor=world.actor("health_worker"), vault=vault(), wanted=wanted)
        seen.to_sample |= {one.id for one in page}
        if not cursor:
            break
    for role, place, confirms in (
        ("technician", world.laboratory_id, False),
        ("technician_confirming", world.confirming_id, True),
    ):
        seen.to_pool |= {tube.id for tube in pool_queries.list_unpooled_tubes(session, laboratory_id=place)}
        query = pool_queries.pools_to_plate(place, can_confirm=confirms)
        seen.to_plate |= {pool.id for pool in session.scalars(query)}
        listed = pool_queries.list_waiting_pools(session, laboratory_id=place, most=1000)
        if not confirms:
            seen.to_send_on |= {pool.id for pool in listed if pool.purpose == "confirm"}
        seen.open_pools |= {pool.id for pool in listed if pool.status == "open"}
        seen.nameless |= {
            tube.id for tube in list_tubes_without_names(session, actor=world.actor(role), most=1000)
        }
    for role in ("supervisor", "supervisor_confirming"):
        actor = world.actor(role)
        seen.to_release |= {row.run.id for row in list_runs_to_release(session, actor=actor, most=1000)}
        seen.discrepancies += list_discrepancies(session, actor=actor, most=1000)
    seen.discrepancies += list_discrepancies(session, actor=world.actor("coordinator"), most=1000)
    return seen


def step_of_declaration(seen: Worklists, declaration: Declaration, samples: list[Sample]) -> str | None:
    """Return what is next for somebody who declared."""
    if declaration.status == "open":
        return "sample" if declaration.id in seen.to_sample else None
    current = [one for one in samples if one.attempt == declaration.attempt and one.status != "void"]
    if not current:
        return None
    return _step_of_sample(seen, current[0])


def _step_of_sample(seen: Worklists, sample: Sample) -> str | None:
    session = db.session()
    if _is_doubted(seen, sample):
        return "settle a discrepancy"
    result = session.scalars(
        select(Result).where(Result.sample_id == sample.id, Result.status != "superseded")
    ).one_or_none()
    if result is not None and result.status == "released":
        return "told"
    if result is not None and _is_suspicious(seen, result):
        return "settle a suspicion"
    if result is not None and result.status in ("preliminary", "verified"):
        return _step_of_result(seen, result)
    if result is not None and result.status == "held" and result.hold_reason != "confirmation":
        return _step_of_hold(seen, result)
    if sample.status not in ("bound", "resulted"):
        return None
    return _step_of_tube(seen, session.get_one(Tube, sample.tube_id))


def _is_doubted(seen: Worklists, sample: Sample) -> bool:
    return any(
        item.tube_id == sample.tube_id or item.declaration_id == sample.declaration_id
        for item in seen.discrepancies
        if item.holds_results or item.kind == "tube_missing"
    )


def _is_suspicious(seen: Worklists, result: Result) -> bool:
    return any(
        item.pool_id == result.pool_id or (item.pool_id is None and item.run_id == result.run_id)
        for item in seen.discrepancies
        if item.kind in SUSPICIONS
    )


def _step_of_result(seen: Worklists, result: Result) -> str | None:
    standing = get_standing(db.session(), result_id=result.id)
    obstacles = (
        list_obstacles_to_verify(standing, verifier_id=uuid.uuid4())
        if result.status == "preliminary"
        else list_obstacles_to_release(standing, looked=True)
    )
    waits_for_names = {item.code for item in obstacles} <= {"names_missing", "tube_not_closed"}
    if obstacles and not waits_for_names:
        return None
    return "verify or release" if result.run_id in seen.to_release else None


def _step_of_hold(seen: Worklists, result: Result) -> str | None:
    if result.hold_reason == "discordance":
        pool = db.session.get_one(Pool, result.pool_id)
        above = {pool.id, pool.parent_id, pool.parent.parent_id if pool.parent else None}
        known = {item.pool_id for item in seen.discrepancies if item.kind == "discordance"}
        return "settle a discordance" if above & known else None
    return "take off hold" if result.run_id in seen.to_release else None


def _step_of_tube(seen: Worklists, tube: Tube) -> str | None:
    session = db.session()
    if tube.status == "used":
        return "pack or receive"
    if tube.status == "boxed":
        box = session.get_one(Box, tube.box_id)
        return "bring a box on" if box.status != "reconciled" else None
    if tube.id in seen.to_pool:
        return "pool"
    pools = session.scalars(
        select(Pool)
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .where(PoolMember.tube_id == tube.id, Pool.status != "void")
    ).all()
    waiting = [step for pool in pools if (step := _step_of_pool(seen, pool))]
    if waiting:
        return waiting[0]
    if tube.id in seen.nameless:
        return "find its names"
    return _step_of_siblings(seen, pools)


def _step_of_pool(seen: Worklists, pool: Pool) -> str | None:
    if pool.id in seen.open_pools:
        return "close a pool"
    if pool.id in seen.to_plate:
        return "plate"
    if pool.id in seen.to_send_on and pool.status == "closed":
        return "send on"
    return "finish a run" if pool.status == "on_plate" and pool.id in _plated() else None


def _plated() -> set[uuid.UUID]:
    session = db.session()
    known = select(Run.id).where(Run.status.in_(IN_WORK))
    return set(session.scalars(select(Well.pool_id).where(Well.run_id.in_(known))))


def _step_of_siblings(seen: Worklists, pools: list[Pool]) -> str | None:
    """A negative retest waits for its siblings, as long as one of them can be tested."""
    parents = {pool.parent_id for pool in pools if pool.parent_id}
    siblings = db.session.scalars(select(Pool).where(Pool.parent_id.in_(parents), Pool.status != "void"))
    return next((f"sibling: {step}" for pool in siblings if (step := _step_of_pool(seen, pool))), None)


def list_dead_ends(world: World) -> list[str]:
    """Return everybody for whom nobody has anything to do, though nothing was told; in words, for the failure."""
    db.session.rollback()
    seen = read_worklists(world)
    samples: defaultdict[uuid.UUID, list[Sample]] = defaultdict(list)
    for sample in db.session.scalars(select(Sample)).unique():
        samples[sample.declaration_id].append(sample)
    found = []
    for declaration in db.session.scalars(select(Declaration)).unique():
        if step_of_declaration(seen, declaration, samples[declaration.id]) is None:
            found.append(_describe(declaration, samples[declaration.id]))
    db.session.rollback()
    return found


def _describe(declaration: Declaration, samples: list[Sample]) -> str:
    lines = [f"{declaration.status} attempt {declaration.attempt} {declaration.resample_reason}"]
    for sample in samples:
        tube = db.session.get_one(Tube, sample.tube_id)
        pools = db.session.scalars(
            select(Pool)
            .join(PoolMember, PoolMember.pool_id == Pool.id)
            .where(PoolMember.tube_id == tube.id)
            .order_by(Pool.opened_at)
        )
        results = db.session.scalars(select(Result).where(Result.sample_id == sample.id))
        lines.append(
            f"  sample {sample.attempt} {sample.status} in {tube.mode} {tube.status} of {tube.closed_count}; "
            + ", ".join(f"{p.purpose} {p.attempt} {p.member_count} {p.status} {p.finding}" for p in pools)
            + "; "
            + ", ".join(f"v{r.version} {r.status} {r.finding} {r.hold_reason}" for r in results)
        )
    return "\n".join(lines)
