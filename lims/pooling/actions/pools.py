"""Pools at the bench: open, add, take out, close, void, and a whole rack at once."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from lims import audit, clock, codes, uncounted
from lims.auth.actors import Actor
from lims.errors import InvalidInput, Refused
from lims.intake.models import Tube
from lims.intake.new_codes import mint_free
from lims.msgid import N_
from lims.places.models import Campaign
from lims.places.queries import get_laboratory, list_open_campaigns
from lims.pooling import guards, proposals, rules
from lims.pooling.models import Pool, PoolMember
from lims.pooling.queries import pools as queries
from lims.tables import new_id
from lims.transaction import action

MOST_CODES = 5000
Verdict = dict[str, Any]


def _lock_pool(session: Session, actor: Actor, code: str) -> Pool:
    pool = queries.get_pool(session, code=code, lock=True)
    places = [pool.laboratory_id] if pool.laboratory_id else queries.list_places_of_pool(session, pool=pool)
    actor.check_place(*places, missing=queries.no_such_pool(pool.code))
    return pool


def _verdict(code: str, judgement: guards.Judgement) -> Verdict:
    return {
        "tube": code,
        "verdict": judgement.verdict,
        "code": judgement.code,
        "message": judgement.message,
        "parameters": dict(judgement.parameters),
    }


def _read_codes(
    session: Session, tube_codes: Sequence[str]
) -> tuple[list[tuple[str, Tube | None]], dict[int, Verdict]]:
    """Read scanned codes: (code, tube) in the order scanned, and the verdicts of those that are no tube's."""
    if not 0 < len(tube_codes) <= MOST_CODES:
        raise InvalidInput("Send 1 to %(most)s tubes at a time.", field="tubes", most=MOST_CODES)
    read: list[str] = []
    refused: dict[int, Verdict] = {}
    for place, text in enumerate(tube_codes):
        try:
            read.append(codes.parse(text, expect="tube", field="tubes").text)
        except InvalidInput as refusal:
            read.append(text.strip()[:40])
            judgement = guards.Judgement("wrong", "not_a_tube", refusal.message, refusal.parameters)
            refused[place] = _verdict(read[-1], judgement)
    tubes = queries.find_tubes(session, tube_codes=set(read))
    for place, code in enumerate(read):
        if code not in tubes and place not in refused:
            message = N_("%(tube)s was never printed here. Put it aside and tell your supervisor.")
            words: dict[str, object] = {"tube": codes.grouped(code)}
            refused[place] = _verdict(code, guards.Judgement("wrong", "unknown_code", message, words))
    return [(code, tubes.get(code)) for code in read], refused


@action
def open_pool(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, laboratory_id: uuid.UUID
) -> dict[str, Any]:
    """Open an empty screening pool.

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where it is made; its province's newest open campaign gives the policy until the first tube.

    Returns:
        `pool`, `status`, `size_limit`.

    Raises:
        NotFound: the laboratory is not among the actor's.
        Refused: its province has no open campaign.
    """
    actor.check_place(laboratory_id)
    laboratory = get_laboratory(session, laboratory_id=laboratory_id)
    campaigns = list_open_campaigns(session, province_id=laboratory.place.province_id)
    if not campaigns:
        raise Refused("No campaign is open in this province. Ask your coordinator.", field="laboratory_id")
    campaign = campaigns[0]
    pool = Pool(
        id=new_id(),
        code=mint_free(session, Pool.code, kind="pool", count=1)[0],
        campaign_id=campaign.id,
        laboratory_id=laboratory_id,
        purpose="screen",
        status="open",
        size_limit=min(campaign.pool_size, guards.MOST_TUBES),
        opened_by_id=actor.user_id,
        opened_at=clock.now(),
    )
    session.add(pool)
    session.flush()
    audit.note(session, "pool", pool.id, "opened", pool=pool.code, purpose="screen")
    return {"pool": pool.code, "status": "open", "size_limit": pool.size_limit}


@action
def add_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    pool_code: str,
    tube_codes: Sequence[str],
) -> dict[str, Any]:
    """Add tubes to an open pool, each with its verdict; one that does not fit does not stop the others.

    Args:
        actor: technician.
        client_id: id made by the sender.
        pool_code: as scanned.
        tube_codes: in the order scanned, 1 to 5,000.

    Returns:
        `pool`, `count`, `size_limit`, `tubes` (all members in order) and `verdicts` in the order sent.

    Raises:
        NotFound: no such pool among the actor's laboratories.
        InvalidInput: not a pool's code, or too many tubes.
    """
    pool = _lock_pool(session, actor, pool_code)
    scanned, refused = _read_codes(session, tube_codes)
    facts = queries.load_tube_facts(session, tubes={tube.id: tube for _, tube in scanned if tube}.values())
    before = queries.load_pool_facts(session, pool=pool)
    if not before.tubes:
        before = _take_policy_of_first(session, pool, before, [tube for _, tube in scanned if tube])
    known = [
        (place, facts[tube.id]) for place, (_, tube) in enumerate(scanned) if tube and place not in refused
    ]
    after, judgements = guards.add_all(before, [tube for _, tube in known])
    judged = {place: judgement for (place, _), judgement in zip(known, judgements, strict=True)}
    added = after.tubes[len(before.tubes) :]
    if added:
        _keep_members(session, pool, added)
    return {
        **_describe(session, pool),
        "verdicts": [
            refused[place] if place in refused else _verdict(code, judged[place])
            for place, (code, _) in enumerate(scanned)
        ],
    }


def _take_policy_of_first(
    session: Session, pool: Pool, facts: guards.PoolFacts, tubes: Sequence[Tube]
) -> guards.PoolFacts:
    """An empty pool belongs to no campaign yet: it takes that of the first tube that may be pooled here."""
    first = next((tube for tube in tubes if tube.laboratory_id == pool.laboratory_id), None)
    if first is None or first.campaign_id == pool.campaign_id or pool.status != "open":
        return facts
    campaign = session.get_one(Campaign, first.campaign_id)
    pool.campaign_id, pool.size_limit = campaign.id, min(campaign.pool_size, guards.MOST_TUBES)
    return guards.PoolFacts(facts.code, facts.status, facts.laboratory_id, queries.policy_of(campaign))


def _keep_members(session: Session, pool: Pool, added: Sequence[guards.TubeFacts]) -> None:
    taken = session.scalars(select(PoolMember.position).where(PoolMember.pool_id == pool.id)).all()
    positions = guards.free_positions(taken, len(added))
    now = clock.now()
    session.execute(
        insert(PoolMember),
        [
            {
                "pool_id": pool.id,
                "tube_id": tube.tube_id,
                "position": position,
                "in_test": True,
                "added_at": now,
            }
            for tube, position in zip(added, positions, strict=True)
        ],
    )
    pool.member_count = len(taken) + len(added)
    session.flush()
    audit.note(session, "pool", pool.id, "tubes_added", tubes=[codes.normalise(tube.code) for tube in added])


def _describe(session: Session, pool: Pool) -> dict[str, Any]:
    members = session.scalars(
        select(Tube.code)
        .join(PoolMember, PoolMember.tube_id == Tube.id)
        .where(PoolMember.pool_id == pool.id)
        .order_by(PoolMember.position)
    ).all()
    return {
        "pool": pool.code,
        "status": pool.status,
        "count": len(members),
        "size_limit": pool.size_limit,
        "tubes": list(members),
    }


@action
def remove_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    pool_code: str,
    tube_codes: Sequence[str],
) -> dict[str, Any]:
    """Take tubes out of an open pool; see `add_tubes` for arguments and answer.

    Raises:
        NotFound: no such pool among the actor's laboratories.
        Refused: the pool is closed: its members are frozen.
    """
    pool = _lock_pool(session, actor, pool_code)
    if pool.status != "open":
        raise Refused(
            "%(pool)s is closed: its tubes stay in it. If something is wrong with it, void the pool.",
            field="pool",
            pool=codes.grouped(pool.code),
        )
    scanned, refused = _read_codes(session, tube_codes)
    inside = set(session.scalars(select(PoolMember.tube_id).where(PoolMember.pool_id == pool.id)))
    gone: list[Tube] = []
    verdicts = []
    for place, (code, tube) in enumerate(scanned):
        words: dict[str, object] = {"tube": codes.grouped(code)}
        if tube is None or place in refused:
            verdicts.append(refused[place])
        elif tube.id in inside:
            inside.discard(tube.id)
            gone.append(tube)
            message = N_("%(tube)s was taken out of the pool.")
            verdicts.append(_verdict(code, guards.Judgement("good", "removed", message, words)))
        else:
            message = N_("%(tube)s is not in this pool.")
            verdicts.append(_verdict(code, guards.Judgement("again", "not_in_pool", message, words)))
    if gone:
        session.execute(
            delete(PoolMember).where(
                PoolMember.pool_id == pool.id, PoolMember.tube_id.in_([tube.id for tube in gone])
            )
        )
        pool.member_count = len(inside)
        session.flush()
        audit.note(session, "pool", pool.id, "tubes_removed", tubes=[tube.code for tube in gone])
        uncounted.touch(session, "tube", [tube.id for tube in gone])
    return {**_describe(session, pool), "verdicts": verdicts}


@action
def close_pool(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, pool_code: str
) -> dict[str, Any]:
    """Close a pool: its members are frozen and it waits for a plate.

    Returns:
        `pool`, `status`, `count`, `size_limit`, `tubes`.

    Raises:
        NotFound: no such pool among the actor's laboratories.
        AlreadyDone, WrongState: it is not open.
        Refused: it is empty.
    """
    pool = _lock_pool(session, actor, pool_code)
    rules.POOL.check(pool.status, "closed", code=codes.grouped(pool.code), field="pool")
    if pool.status != "open":
        raise Refused("%(pool)s is on a plate; fail or void its run instead.", field="pool", pool=pool.code)
    if pool.member_count == 0:
        raise Refused(
            "%(pool)s is empty. Scan a tube into it, or void it.", field="pool", pool=codes.grouped(pool.code)
        )
    pool.status, pool.closed_at = "closed", clock.now()
    session.flush()
    audit.note(session, "pool", pool.id, "closed", tubes=pool.member_count)
    return _describe(session, pool)


@action
def void_pool(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, pool_code: str, reason: str = ""
) -> dict[str, Any]:
    """Void a pool that was mixed wrongly and is on no plate; its tubes wait for a pool again.

    Args:
        actor: technician.
        client_id: id made by the sender.
        pool_code: as scanned.
        reason: short, for the record; no names of people.

    Raises:
        NotFound: no such pool among the actor's laboratories.
        AlreadyDone: it is void already.
        Refused: it is on a plate, was called, or answers another pool whose people wait for it.
    """
    pool = _lock_pool(session, actor, pool_code)
    rules.POOL.check(pool.status, "void", code=codes.grouped(pool.code), field="pool")
    if pool.status not in ("open", "closed"):
        raise Refused(
            "%(pool)s is on a plate or was called already. Void its run first, or withdraw the results.",
            field="pool",
            pool=codes.grouped(pool.code),
        )
    if pool.parent_id is not None:
        raise Refused(
            "%(pool)s is the retest of an earlier pool whose people wait for it. If its tube is spoilt, reject "
            "the tube.",
            field="pool",
            pool=codes.grouped(pool.code),
        )
    pool.status = "void"
    session.execute(update(PoolMember).where(PoolMember.pool_id == pool.id).values(in_test=False))
    session.flush()
    audit.note(session, "pool", pool.id, "voided", reason=reason.strip()[:200])
    return _describe(session, pool)


@action
def propose_pools(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    laboratory_id: uuid.UUID,
    tube_codes: Sequence[str] | None = None,
    close: bool = True,
) -> dict[str, Any]:
    """Make the pools of a whole rack, or of all that waits, in a constant number of statements.

    Args:
        actor: technician.
        client_id: id made by the sender.
        laboratory_id: where the tubes stand.
        tube_codes: the rack in its order; None: all received tubes in no pool, in the order received.
        close: close the pools at once; else they stay open to be checked.

    Returns:
        `pools` (each with `pool`, `status`, `tubes`) and `verdicts` of the tubes that were left out.

    Raises:
        NotFound: the laboratory is not among the actor's.
        Refused: nothing waits for a pool.
    """
    actor.check_place(laboratory_id)
    left_out: list[Verdict] = []
    if tube_codes is None:
        tubes = list(
            queries.list_unpooled_tubes(session, laboratory_id=laboratory_id, most=MOST_CODES, lock=True)
        )
    else:
        scanned, refused = _read_codes(session, tube_codes)
        left_out = list(refused.values())
        tubes = list({tube.id: tube for _, tube in scanned if tube}.values())
    facts = queries.load_tube_facts(session, tubes=tubes)
    fit: defaultdict[uuid.UUID, list[Tube]] = defaultdict(list)
    for tube in tubes:
        refusal = guards.judge_tube(facts[tube.id], laboratory_id=laboratory_id)
        if refusal:
            left_out.append(_verdict(tube.code, refusal))
        else:
            fit[tube.campaign_id].append(tube)
    if tube_codes is None and not fit:
        raise Refused("No tube waits for a pool here. Receive tubes first.", field="tubes")
    campaigns = session.scalars(select(Campaign).where(Campaign.id.in_(fit))).unique().all()
    households = queries.map_households(session, tube_ids=[tube.id for tube in tubes])
    proposed = [
        (campaign, group)
        for campaign in campaigns
        for group in _propose_for(campaign, fit[campaign.id], facts, households)
    ]
    return {
        "pools": _create_pools(session, actor, laboratory_id, proposed, close=close),
        "verdicts": left_out,
    }


def _propose_for(
    campaign: Campaign,
    tubes: Sequence[Tube],
    facts: Mapping[uuid.UUID, guards.TubeFacts],
    households: Mapping[uuid.UUID, str],
) -> list[list[Tube]]:
    policy = queries.policy_of(campaign)
    by_id = {tube.id: tube for tube in tubes}
    groups = proposals.propose_pools(
        [
            proposals.TubeForPooling(
                id=tube.id,
                position=place,
                alone=bool(guards.must_be_alone(facts[tube.id], policy)),
                mixed=tube.mode == "mixed",
                household=households.get(tube.id),
                person_ids=frozenset(facts[tube.id].people),
            )
            for place, tube in enumerate(tubes)
        ],
        pool_size=min(campaign.pool_size, guards.MOST_TUBES),
    )
    return [[by_id[tube_id] for tube_id in group] for group in groups]  # type: ignore[index]


def _create_pools(
    session: Session,
    actor: Actor,
    laboratory_id: uuid.UUID,
    proposed: Sequence[tuple[Campaign, Sequence[Tube]]],
    *,
    close: bool,
) -> list[dict[str, Any]]:
    if not proposed:
        return []
    now = clock.now()
    status = "closed" if close else "open"
    minted = mint_free(session, Pool.code, kind="pool", count=len(proposed))
    rows: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "code": code,
            "campaign_id": campaign.id,
            "laboratory_id": laboratory_id,
            "purpose": "screen",
            "status": status,
            "size_limit": min(campaign.pool_size, guards.MOST_TUBES),
            "member_count": len(tubes),
            "opened_by_id": actor.user_id,
            # the rack's order is kept, though all are made at once
            "opened_at": now + timedelta(microseconds=place),
            "closed_at": now + timedelta(microseconds=place) if close else None,
        }
        for place, (code, (campaign, tubes)) in enumerate(zip(minted, proposed, strict=True))
    ]
    session.execute(insert(Pool), rows)
    session.execute(
        insert(PoolMember),
        [
            {"pool_id": row["id"], "tube_id": tube.id, "position": position, "in_test": True, "added_at": now}
            for row, (_, tubes) in zip(rows, proposed, strict=True)
            for position, tube in enumerate(tubes, start=1)
        ],
    )
    answer = []
    for row, (_, tubes) in zip(rows, proposed, strict=True):
        members = [tube.code for tube in tubes]
        audit.note(
            session,
            "pool",
            row["id"],
            "closed" if close else "opened",
            pool=row["code"],
            purpose="screen",
            tubes=members,
        )
        answer.append({"pool": row["code"], "status": status, "tubes": members})
    return answer
