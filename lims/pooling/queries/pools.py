"""Reading pools, the tubes that wait for one, and what waits at a laboratory's bench."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, aliased, joinedload, selectinload

from lims import clock, codes
from lims.auth.models import User
from lims.errors import NotFound
from lims.intake.models import Declaration, Sample, SecondSwab, Storage, Tube
from lims.places.models import Campaign
from lims.pooling.guards import KEPT, Elsewhere, Policy, PoolFacts, TubeFacts
from lims.pooling.models import Pool, PoolMember, Run, Well

# What is tested first: confirmations hold a person's result, retests a pool's, repeats were here before.
URGENCY = case((Pool.purpose == "confirm", 0), (Pool.purpose == "retest", 1), (Pool.attempt > 1, 2), else_=3)


def no_such_pool(code: str) -> NotFound:
    """Return the answer for a pool that does not exist, or is not among the places of whoever asks."""
    shown = codes.grouped(codes.normalise(code))
    return NotFound("There is no pool %(pool)s. Scan its label again.", field="pool", pool=shown)


def get_pool(session: Session, *, code: str, lock: bool = False) -> Pool:
    """Return a pool by its code, however it is written.

    Args:
        session: reading or writing session.
        code: as scanned.
        lock: hold its row until the transaction ends.

    Raises:
        InvalidInput: it is not a pool's code.
        NotFound: there is no such pool.
    """
    query = select(Pool).where(Pool.code == codes.parse(code, expect="pool", field="pool").text)
    pool = session.scalars(query.with_for_update(of=Pool) if lock else query).first()
    if pool is None:
        raise no_such_pool(code)
    return pool


def list_places_of_pool(session: Session, *, pool: Pool) -> list[uuid.UUID]:
    """Return the laboratories whose staff may see a pool: its own, those of its tubes, and of what it answers.

    A confirmation belongs to no laboratory until its tube has come to one that may confirm.
    """
    of_tubes = (
        select(Tube.laboratory_id)
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .where(PoolMember.pool_id == pool.id, Tube.laboratory_id.is_not(None))
    )
    places = {pool.laboratory_id, pool.parent.laboratory_id if pool.parent else None}
    return [place for place in {*places, *session.scalars(of_tubes)} if place]


def stands_at(laboratory_id: uuid.UUID) -> ColumnElement[bool]:
    """Return the condition that a pool is to be tested in a laboratory.

    A confirmation belongs to no laboratory until it is plated; it is to be tested where its tube stands.
    """
    tube_here = (
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.laboratory_id == laboratory_id, Tube.status.in_(KEPT))
    )
    return or_(
        Pool.laboratory_id == laboratory_id,
        and_(Pool.laboratory_id.is_(None), Pool.purpose == "confirm", exists(tube_here)),
    )


def tubes_kept() -> ColumnElement[bool]:
    """Return the condition that a pool can be plated though tubes may have been lost.

    A closed pool of several tubes is mixed and needs them no more; a pool of one, and a repeat that waits for its new
    extraction, are pipetted from the tubes themselves.
    """
    gone = (
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.status.not_in(KEPT))
    )
    return or_(and_(Pool.member_count > 1, ~Pool.new_extraction), ~exists(gone))


def find_tubes(session: Session, *, tube_codes: Collection[str]) -> dict[str, Tube]:
    """Lock tubes by code and return them, in one statement; unknown codes are left out.

    Locked, so that a tube rejected at this moment is either seen as rejected or found in the pool.
    """
    tubes = session.scalars(select(Tube).where(Tube.code.in_(tube_codes)).order_by(Tube.id).with_for_update())
    return {tube.code: tube for tube in tubes}


def load_tube_facts(session: Session, *, tubes: Collection[Tube]) -> dict[uuid.UUID, TubeFacts]:
    """Return what the guards need of some tubes, by their key, in two statements."""
    ids = [tube.id for tube in tubes]
    people: defaultdict[uuid.UUID, list[Any]] = defaultdict(list)
    for person in session.execute(
        select(Sample.tube_id, Sample.person_id, Declaration.has_symptoms, Declaration.is_contact)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .where(Sample.tube_id.in_(ids), Sample.status != "void")
    ):
        people[person.tube_id].append(person)
    in_test: dict[uuid.UUID, Elsewhere] = {}
    tested: dict[uuid.UUID, str] = {}
    for row in session.execute(
        select(
            PoolMember.tube_id,
            PoolMember.in_test,
            PoolMember.added_at,
            Pool.code,
            Pool.status,
            User.display_name,
        )
        .join(Pool, Pool.id == PoolMember.pool_id)
        .outerjoin(User, User.id == Pool.opened_by_id)
        .where(PoolMember.tube_id.in_(ids), Pool.status != "void")
    ):
        if row.in_test:
            in_test[row.tube_id] = Elsewhere(
                codes.grouped(row.code), row.display_name or "–", _written(row.added_at), row.status == "open"
            )
        else:
            tested[row.tube_id] = codes.grouped(row.code)
    seconds = set(
        session.scalars(select(SecondSwab.second_tube_id).where(SecondSwab.second_tube_id.in_(ids)))
    )
    return {
        tube.id: TubeFacts(
            tube_id=tube.id,
            code=codes.grouped(tube.code),
            status=tube.status,
            laboratory_id=tube.laboratory_id,
            campaign_id=tube.campaign_id,
            mode=tube.mode,
            people=frozenset(row.person_id for row in people[tube.id]),
            has_symptoms=any(row.has_symptoms for row in people[tube.id]),
            is_contact=any(row.is_contact for row in people[tube.id]),
            in_test=in_test.get(tube.id),
            tested_in=tested.get(tube.id, ""),
            is_second=tube.id in seconds and tube.id not in tested,
        )
        for tube in tubes
    }


def _written(moment: datetime) -> str:
    local = clock.local(moment)
    return f"{local:%H:%M}" if local.date() == clock.today() else f"{local:%H:%M %d/%m/%Y}"


def policy_of(campaign: Campaign) -> Policy:
    """Return a campaign's rules of pooling as plain values."""
    return Policy(campaign.id, campaign.pool_size, campaign.symptomatic_alone, campaign.contacts_alone)


def load_pool_facts(session: Session, *, pool: Pool) -> PoolFacts:
    """Return what the guards need of a pool and its members."""
    tubes = session.scalars(
        select(Tube)
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .where(PoolMember.pool_id == pool.id)
        .order_by(PoolMember.position)
    ).all()
    facts = load_tube_facts(session, tubes=tubes)
    return PoolFacts(
        code=codes.grouped(pool.code),
        status=pool.status,
        laboratory_id=pool.laboratory_id,
        policy=policy_of(pool.campaign),
        tubes=tuple(facts[tube.id] for tube in tubes),
    )


def _unpooled(laboratory_id: uuid.UUID) -> tuple[ColumnElement[bool], ...]:
    in_pool = (
        select(PoolMember.tube_id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .where(PoolMember.tube_id == Tube.id, Pool.status != "void")
    )
    # a second swab waits until the pool of the first one is positive
    second = select(SecondSwab.tube_id).where(SecondSwab.second_tube_id == Tube.id)
    # "received" alone: a tube that was tested is "stored", so this list does not grow with the campaign
    return (Tube.laboratory_id == laboratory_id, Tube.status == "received", ~exists(in_pool), ~exists(second))


def list_unpooled_tubes(
    session: Session, *, laboratory_id: uuid.UUID, most: int = 2000, lock: bool = False
) -> Sequence[Tube]:
    """Return a laboratory's received tubes that are in no pool, in the order received; locked for an action."""
    query = (
        select(Tube)
        .where(*_unpooled(laboratory_id))
        .order_by(Tube.received_at, Tube.rack_position, Tube.id)
        .limit(most)
    )
    return session.scalars(query.with_for_update(of=Tube) if lock else query).all()


def map_households(session: Session, *, tube_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, str]:
    """Return the household of each tube that has one, for proposals that keep a household together."""
    rows = session.execute(
        select(Sample.tube_id, func.min(Declaration.household_code))
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .where(Sample.tube_id.in_(tube_ids), Sample.status != "void", Declaration.household_code.is_not(None))
        .group_by(Sample.tube_id)
    )
    return {row[0]: row[1] for row in rows if row[1]}


def pools_to_plate(laboratory_id: uuid.UUID, *, can_confirm: bool) -> Select[Pool]:
    """Return the query of a laboratory's closed pools, most urgent first, oldest first within."""
    query = (
        select(Pool)
        .where(Pool.status == "closed", stands_at(laboratory_id), tubes_kept())
        .order_by(URGENCY, Pool.closed_at, Pool.id)
    )
    return query if can_confirm else query.where(Pool.purpose != "confirm")


@dataclass(frozen=True)
class Waiting:
    """What waits at a laboratory's bench.

    Args:
        tubes: received tubes in no pool; how many, and since when the oldest.
        tubes_since: when the oldest of them was received.
        open_pools: pools being filled.
        to_plate: closed pools by purpose; repeats count as "repeat".
        plate_since: when the oldest of them was closed.
        to_send: confirmations whose tube must go on to another laboratory.
        lost_tubes: closed pools with a tube that is no longer there.
        runs: runs that are not verified yet, by status.
    """

    tubes: int
    tubes_since: datetime | None
    open_pools: int
    to_plate: Mapping[str, int]
    plate_since: datetime | None
    to_send: int
    lost_tubes: int
    runs: Mapping[str, int]


def count_waiting(session: Session, *, laboratory_id: uuid.UUID, can_confirm: bool) -> Waiting:
    """Count what waits at a laboratory's bench."""
    tubes, since = session.execute(
        select(func.count(), func.min(Tube.received_at)).where(*_unpooled(laboratory_id))
    ).one()
    # A subquery first: PostgreSQL does not see that two expressions with parameters are the same in GROUP BY.
    kind = case((and_(Pool.purpose == "screen", Pool.attempt > 1), "repeat"), else_=Pool.purpose)
    bench = (
        select(Pool.status, kind.label("kind"), tubes_kept().label("kept"), Pool.closed_at)
        .where(Pool.status.in_(("open", "closed")), stands_at(laboratory_id))
        .subquery()
    )
    groups = (bench.c.status, bench.c.kind, bench.c.kept)
    rows = session.execute(select(*groups, func.count(), func.min(bench.c.closed_at)).group_by(*groups)).all()
    to_plate: defaultdict[str, int] = defaultdict(int)
    open_pools = to_send = lost = 0
    oldest: list[datetime] = []
    for status, purpose, kept, count, closed_at in rows:
        if status == "open":
            open_pools += count
        elif not kept:
            lost += count
        elif purpose == "confirm" and not can_confirm:
            to_send += count
        else:
            to_plate[purpose] += count
            oldest.append(closed_at)
    runs = session.execute(
        select(Run.status, func.count())
        .where(
            Run.laboratory_id == laboratory_id, Run.status.in_(("planned", "running", "imported", "reviewed"))
        )
        .group_by(Run.status)
    ).all()
    return Waiting(
        tubes=tubes,
        tubes_since=since,
        open_pools=open_pools,
        to_plate=dict(to_plate),
        plate_since=min(oldest, default=None),
        to_send=to_send,
        lost_tubes=lost,
        runs={row[0]: row[1] for row in runs},
    )


def list_waiting_pools(
    session: Session, *, laboratory_id: uuid.UUID, purpose: str = "", after: int = 0, most: int = 100
) -> Sequence[Pool]:
    """Return a laboratory's pools that are open or closed, most urgent and oldest first, with their tubes.

    Args:
        session: reading session.
        laboratory_id: where.
        purpose: only these: screen, retest or confirm.
        after: how many to leave out; what waits at a bench is short, as a pool leaves it when it is plated.
        most: how many to return.
    """
    query = (
        select(Pool)
        .where(Pool.status.in_(("open", "closed")), stands_at(laboratory_id))
        .options(
            selectinload(Pool.members).joinedload(PoolMember.tube),
            joinedload(Pool.parent),
        )
        .order_by(case((Pool.status == "open", 1), else_=0), URGENCY, Pool.opened_at, Pool.id)
        .offset(after)
        .limit(most)
    )
    if purpose:
        query = query.where(Pool.purpose == purpose)
    return session.scalars(query).unique().all()


def find_open_pools(session: Session, *, laboratory_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools being filled in a laboratory, the newest first."""
    return session.scalars(
        select(Pool)
        .where(Pool.laboratory_id == laboratory_id, Pool.status == "open")
        .order_by(Pool.opened_at.desc())
        .limit(50)
    ).all()


def list_members(session: Session, *, pool_id: uuid.UUID) -> Sequence[PoolMember]:
    """Return a pool's members with their tubes, in order."""
    return session.scalars(
        select(PoolMember)
        .where(PoolMember.pool_id == pool_id)
        .options(joinedload(PoolMember.tube))
        .order_by(PoolMember.position)
    ).all()


def list_children(session: Session, *, pool_id: uuid.UUID) -> Sequence[Pool]:
    """Return the pools that answer a pool, with their tubes."""
    return session.scalars(
        select(Pool)
        .where(Pool.parent_id == pool_id)
        .options(selectinload(Pool.members).joinedload(PoolMember.tube))
        .order_by(Pool.opened_at, Pool.id)
    ).all()


def list_pool_wells(session: Session, *, pool_id: uuid.UUID) -> Sequence[Any]:
    """Return where a pool was tested: rows of (run code, run status, position, planned_at), oldest first."""
    return session.execute(
        select(Run.code, Run.status, Well.position, Run.planned_at)
        .join(Run, Run.id == Well.run_id)
        .where(Well.pool_id == pool_id)
        .order_by(Run.planned_at, Well.position)
    ).all()


def map_tube_codes(session: Session, *, pool_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, list[str]]:
    """Return the codes of the tubes of some pools, in their order."""
    found: defaultdict[uuid.UUID, list[str]] = defaultdict(list)
    for pool_id, code in session.execute(
        select(PoolMember.pool_id, Tube.code)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id.in_(pool_ids))
        .order_by(PoolMember.pool_id, PoolMember.position)
    ):
        found[pool_id].append(code)
    return dict(found)


def list_tubes_to_fetch(session: Session, *, laboratory_id: uuid.UUID, most: int = 500) -> Sequence[Any]:
    """Return the kept tubes that closed retests, repeats and confirmations are pipetted from, rack by rack.

    Returns:
        `pool`, `purpose`, `attempt`, `parent` (code of the pool they answer), `tube`, `status`, `rack_position`,
        `storage` (its name) and `temperature_c`, both None where nobody noted it.
    """
    parent = aliased(Pool)
    return session.execute(
        select(
            Pool.code.label("pool"),
            Pool.purpose,
            Pool.attempt,
            parent.code.label("parent"),
            Tube.code.label("tube"),
            Tube.status,
            Tube.rack_position,
            Storage.name.label("storage"),
            Storage.temperature_c,
        )
        .join(PoolMember, PoolMember.pool_id == Pool.id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .outerjoin(Storage, Storage.id == Tube.storage_id)
        .outerjoin(parent, parent.id == Pool.parent_id)
        .where(
            Pool.status == "closed",
            or_(Pool.purpose != "screen", Pool.new_extraction),
            stands_at(laboratory_id),
        )
        .order_by(Storage.name, Tube.rack_position, Pool.code, PoolMember.position)
        .limit(most)
    ).all()


def count_pools_by_size(
    session: Session, *, campaign_id: uuid.UUID, days: int = 0
) -> list[tuple[int, int, int]]:
    """Count a campaign's screening pools that have a clear finding: (tubes, tested, positive), by size.

    Tubes mixed at collection are left out: a pool of one such tube holds several people.

    Args:
        session: reading session.
        campaign_id: which.
        days: only pools called in the last so many days; 0 for all.
    """
    mixed = (
        select(PoolMember.pool_id)
        .join(Tube, Tube.id == PoolMember.tube_id)
        .where(PoolMember.pool_id == Pool.id, Tube.mode == "mixed")
    )
    positive = func.sum(case((Pool.finding == "detected", 1), else_=0))
    query = (
        select(Pool.member_count, func.count(), positive)
        .where(
            Pool.campaign_id == campaign_id,
            Pool.purpose == "screen",
            Pool.status.in_(("called", "resolved")),
            Pool.finding.in_(("detected", "not_detected")),
            ~exists(mixed),
        )
        .group_by(Pool.member_count)
        .order_by(Pool.member_count)
    )
    if days:
        query = query.where(Pool.called_at > clock.now() - timedelta(days=days))
    return [(row[0], row[1], int(row[2])) for row in session.execute(query)]


def list_tubes_of_run(session: Session, *, run_id: uuid.UUID) -> Sequence[Any]:
    """Return `tube`, `rack_position`, `position` (the first well of its pool) and `member_count`, by well and place."""
    first = (
        select(Well.pool_id, func.min(Well.position).label("position"))
        .where(Well.run_id == run_id, Well.pool_id.is_not(None))
        .group_by(Well.pool_id)
        .subquery()
    )
    return session.execute(
        select(Tube.code.label("tube"), Tube.rack_position, first.c.position, Pool.member_count)
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .join(Pool, Pool.id == PoolMember.pool_id)
        .join(first, first.c.pool_id == Pool.id)
        .order_by(first.c.position, PoolMember.position)
    ).all()
