"""Which tube may join which pool (DESIGN §3, rule 5). Pure: facts in, a judgement out, the first reason that applies.

A pool is a promise about people: a negative one speaks for everybody in it. So whatever would make that promise
false (a tube from elsewhere, one tested already, the same person twice) is refused before anything is mixed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from lims.msgid import N_

KEPT = frozenset({"received", "stored"})
"""States of a tube that stands in a laboratory and can be opened."""
MOST_TUBES = 20
"""No policy may allow more (DESIGN §3, rule 5)."""


@dataclass(frozen=True)
class Elsewhere:
    """The pool that holds a tube now.

    Args:
        code: of the pool.
        by: who put it there, as shown.
        at: when, as text to show.
        is_open: whether it can still be taken out.
    """

    code: str
    by: str
    at: str
    is_open: bool = True


@dataclass(frozen=True)
class TubeFacts:
    """What the guards need to know of a tube.

    Args:
        tube_id: its key.
        code: printed code.
        status: a word of the tube's states.
        laboratory_id: where it was received, or None.
        campaign_id: its campaign.
        mode: single or mixed.
        people: keys of the persons bound to it; empty before its names.
        has_symptoms: one of them has symptoms.
        is_contact: one of them is a contact of a case.
        in_test: the pool it is in that is not called yet, or None.
        tested_in: code of a pool in which it was called before, or "".
        is_second: it is the second swab of somebody whose first one is tested.
    """

    tube_id: uuid.UUID
    code: str
    status: str
    laboratory_id: uuid.UUID | None
    campaign_id: uuid.UUID
    mode: str
    people: frozenset[uuid.UUID] = frozenset()
    has_symptoms: bool = False
    is_contact: bool = False
    in_test: Elsewhere | None = None
    tested_in: str = ""
    is_second: bool = False


@dataclass(frozen=True)
class Policy:
    """The campaign's rules of pooling; see the columns of `Campaign`."""

    campaign_id: uuid.UUID
    pool_size: int
    symptomatic_alone: bool
    contacts_alone: bool


@dataclass(frozen=True)
class PoolFacts:
    """A pool as the guards see it.

    Args:
        code: printed code.
        status: a word of the pool's states.
        laboratory_id: where it is made.
        policy: of the campaign whose tubes it takes; an empty pool takes the first tube's.
        tubes: its members.
    """

    code: str
    status: str
    laboratory_id: uuid.UUID | None
    policy: Policy
    tubes: tuple[TubeFacts, ...] = ()


@dataclass(frozen=True)
class Judgement:
    """What a scan means: verdict (good, again, wrong), a word for programs, a msgid and its parameters."""

    verdict: str
    code: str
    message: str
    parameters: dict[str, object] = field(default_factory=dict)


def must_be_alone(tube: TubeFacts, policy: Policy) -> str:
    """Return why a tube is tested alone: "mixed", "symptoms" or "contact"; empty where it may be pooled."""
    if tube.mode == "mixed":
        return "mixed"
    if policy.symptomatic_alone and tube.has_symptoms:
        return "symptoms"
    if policy.contacts_alone and tube.is_contact:
        return "contact"
    return ""


_ALONE = {
    "mixed": N_("%(tube)s was mixed at collection and is never mixed again. Test it in a pool of its own."),
    "symptoms": N_(
        "%(tube)s is of a person with symptoms, who is tested alone. Put it in a pool of its own."
    ),
    "contact": N_("%(tube)s is of a contact of a case, who is tested alone. Put it in a pool of its own."),
}
_ALONE_INSIDE = N_("%(pool)s holds %(other)s, which is tested alone. Close this pool and open another.")
_NOT_HERE = {
    "rejected": N_("%(tube)s was rejected. Put it aside; a new sample has been asked for."),
    "damaged": N_("%(tube)s was recorded as damaged. Put it aside."),
    "discarded": N_(
        "%(tube)s was thrown away according to the records. Put it aside and tell your supervisor."
    ),
    "void": N_("%(tube)s is void. Put it aside and tell your supervisor."),
}


def judge_tube(tube: TubeFacts, *, laboratory_id: uuid.UUID | None) -> Judgement | None:
    """Say why a tube may join no pool of a laboratory at all.

    Args:
        tube: what was scanned.
        laboratory_id: where it was scanned.

    Returns:
        A judgement "wrong", or None where nothing speaks against it.
    """
    words: dict[str, object] = {"tube": tube.code}
    if tube.status in _NOT_HERE:
        return Judgement("wrong", f"tube_{tube.status}", _NOT_HERE[tube.status], words)
    if tube.laboratory_id is not None and tube.laboratory_id != laboratory_id:
        message = N_("%(tube)s was received in another laboratory. Put it aside and tell your supervisor.")
        return Judgement("wrong", "wrong_laboratory", message, words)
    if tube.status not in KEPT:
        message = N_("%(tube)s has not been received here. Scan it at reception first.")
        return Judgement("wrong", "not_received", message, words)
    if tube.in_test is not None:
        message = (
            N_(
                "%(tube)s is in pool %(other)s, put there by %(by)s at %(at)s. Take it out of that pool first."
            )
            if tube.in_test.is_open
            else N_(
                "%(tube)s is in pool %(other)s since %(at)s (%(by)s), and that pool is closed. Put it aside."
            )
        )
        where = {"other": tube.in_test.code, "by": tube.in_test.by, "at": tube.in_test.at}
        return Judgement("wrong", "in_other_pool", message, words | where)
    if tube.tested_in:
        message = N_("%(tube)s was tested in pool %(other)s. It needs no second pool.")
        return Judgement("wrong", "already_tested", message, words | {"other": tube.tested_in})
    if tube.is_second:
        message = N_("%(tube)s is somebody's second swab. Keep it until the pool of the first one is known.")
        return Judgement("wrong", "second_swab", message, words)
    return None


def judge_addition(pool: PoolFacts, tube: TubeFacts) -> Judgement:
    """Say whether a tube may be added to a pool.

    Args:
        pool: with its members so far.
        tube: what was scanned.

    Returns:
        good; again where it is in this pool already; wrong with the reason and what to do.
    """
    words: dict[str, object] = {"tube": tube.code, "pool": pool.code}
    if any(member.tube_id == tube.tube_id for member in pool.tubes):
        return Judgement("again", "already_in_pool", N_("%(tube)s is in this pool already."), words)
    if pool.status != "open":
        message = N_("%(pool)s is closed: nothing may be added. Open another pool.")
        return Judgement("wrong", "pool_closed", message, words)
    refusal = judge_tube(tube, laboratory_id=pool.laboratory_id)
    if refusal:
        return refusal
    return _judge_company(pool, tube, words) or Judgement(
        "good", "added", N_("%(tube)s is in the pool."), words
    )


def _judge_company(pool: PoolFacts, tube: TubeFacts, words: dict[str, object]) -> Judgement | None:
    """Judge a tube beside those that are in the pool already."""
    if not pool.tubes:
        return None
    if tube.campaign_id != pool.policy.campaign_id:
        message = N_("%(tube)s belongs to another campaign than this pool. Put it in a pool of its campaign.")
        return Judgement("wrong", "other_campaign", message, words)
    reason = must_be_alone(tube, pool.policy)
    if reason:
        return Judgement("wrong", f"alone_{reason}", _ALONE[reason], words)
    alone = next((member for member in pool.tubes if must_be_alone(member, pool.policy)), None)
    if alone is not None:
        return Judgement("wrong", "pool_holds_one_alone", _ALONE_INSIDE, words | {"other": alone.code})
    same = next((member for member in pool.tubes if member.people & tube.people), None)
    if same is not None:
        message = N_("%(tube)s and %(other)s are of the same person. Put one of them in another pool.")
        return Judgement("wrong", "same_person", message, words | {"other": same.code})
    size = min(pool.policy.pool_size, MOST_TUBES)
    if len(pool.tubes) >= size:
        message = N_("%(pool)s is full: %(size)s tubes. Close it and open another.")
        return Judgement("wrong", "pool_full", message, words | {"size": size})
    return None


def add_all(pool: PoolFacts, tubes: Iterable[TubeFacts]) -> tuple[PoolFacts, list[Judgement]]:
    """Add tubes one after the other, each judged with those before it in the pool.

    Args:
        pool: to begin with.
        tubes: in the order scanned.

    Returns:
        The pool afterwards, and one judgement for each tube in the same order.
    """
    judgements = []
    for tube in tubes:
        judgement = judge_addition(pool, tube)
        judgements.append(judgement)
        if judgement.verdict == "good":
            pool = replace(pool, tubes=(*pool.tubes, tube))
    return pool, judgements


def free_positions(taken: Iterable[int], count: int) -> Sequence[int]:
    """Return the lowest free positions of a pool, from 1.

    Args:
        taken: positions in use.
        count: how many are needed.
    """
    used = set(taken)
    return [position for position in range(1, MOST_TUBES + 1) if position not in used][:count]
