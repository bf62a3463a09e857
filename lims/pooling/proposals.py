"""Which tubes to mix with which: pools proposed for a rack, for a technician to accept or change.

Pure. The guards of a pool hold already in the proposal: a mixed tube is never mixed again, whoever must be
tested alone is, and nobody is in one pool twice. Tubes stay in the order in which they stand in the rack,
because a hand that has to jump about makes mistakes.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from lims.errors import InvalidInput

MOST_IN_POOL = 20


@dataclass(frozen=True, slots=True)
class TubeForPooling:
    """What a proposal needs to know of a tube.

    Args:
        id: anything that names the tube.
        position: its place in the rack, or the order in which it was received; only its order counts.
        alone: a symptomatic person or a contact whom the policy tests alone, or a retest.
        mixed: mixed at collection, so never to be mixed again.
        household: anything that names the household, or None.
        person_ids: the people whose samples it holds; empty while its names are not there.
    """

    id: Hashable
    position: int
    alone: bool = False
    mixed: bool = False
    household: Hashable | None = None
    person_ids: frozenset[Hashable] = frozenset()


def propose_pools(tubes: Sequence[TubeForPooling], *, pool_size: int) -> list[list[Hashable]]:
    """Propose pools for a rack.

    Tubes are taken in order. One that must be alone becomes a pool of one; the others fill the open pool. A
    tube whose person is in the open pool already goes to the next one. Members of a household go into one
    pool where they stand together: a household that would be cut by a full pool begins the next one instead,
    if at most a quarter of the pool stays empty for it, because a positive household then spoils one pool,
    not two.

    Args:
        tubes: in any order; each once.
        pool_size: most tubes in a pool, 1 to 20.

    Returns:
        Pools as lists of tube ids, in the order of their first tubes; every tube is in exactly one. Only the
        last pool is small for want of tubes.

    Raises:
        InvalidInput: an impossible pool size, or a tube named twice.
    """
    if not 1 <= pool_size <= MOST_IN_POOL:
        raise InvalidInput("A pool holds 1 to %(most)s tubes.", field="pool_size", most=MOST_IN_POOL)
    if len({tube.id for tube in tubes}) < len(tubes):
        raise InvalidInput("A tube is named twice.", field="tubes")
    pools: list[list[TubeForPooling]] = []
    waiting = sorted(tubes, key=lambda tube: tube.position)
    for tube in waiting:
        if tube.alone or tube.mixed:
            pools.append([tube])
    waiting = [tube for tube in waiting if not (tube.alone or tube.mixed)]
    while waiting:
        pool, waiting = _fill(waiting, pool_size)
        pools.append(pool)
    return [[tube.id for tube in pool] for pool in sorted(pools, key=lambda pool: pool[0].position)]


def _fill(waiting: list[TubeForPooling], pool_size: int) -> tuple[list[TubeForPooling], list[TubeForPooling]]:
    pool: list[TubeForPooling] = []
    left: list[TubeForPooling] = []
    people: set[Hashable] = set()
    for place, tube in enumerate(waiting):
        if len(pool) == pool_size:
            left.extend(waiting[place:])
            break
        if people & tube.person_ids:
            left.append(tube)
            continue
        pool.append(tube)
        people |= tube.person_ids
    if left and len(pool) == pool_size:
        _keep_household_together(pool, left)
    return pool, left


def _keep_household_together(pool: list[TubeForPooling], left: list[TubeForPooling]) -> None:
    household = left[0].household
    together = 0
    while household is not None and together < len(pool) and pool[-1 - together].household == household:
        together += 1
    if 0 < together <= len(pool) // 4:
        left[:] = sorted([*pool[-together:], *left], key=lambda tube: tube.position)
        del pool[-together:]
