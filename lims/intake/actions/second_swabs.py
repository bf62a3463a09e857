"""A second tube of the same person, taken at the same visit: noted at the collection table, kept by the laboratory."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lims import audit, clock, codes
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.intake.models import Sample, SecondSwab, Tube
from lims.intake.rules import TUBE
from lims.msgid import N_
from lims.transaction import action

MOST_PAIRS = 500


@action
def note_second_swabs(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    place_id: uuid.UUID,
    pairs: Sequence[Mapping[str, str]],
) -> dict[str, Any]:
    """Note second tubes, a verdict for each pair; one that does not fit does not stop the others.

    Args:
        actor: collector.
        client_id: id made by the sender.
        place_id: the site.
        pairs: each with `tube` (used, one person) and `second` (printed, unused, of the same campaign), 1 to 500.

    Returns:
        `noted` (how many) and `verdicts` in the order sent.

    Raises:
        NotFound: the site is not among the actor's.
        InvalidInput: no pair, or too many.
    """
    actor.check_place(place_id)
    if not 1 <= len(pairs) <= MOST_PAIRS:
        raise InvalidInput("Scan 1 to %(most)s pairs of tubes.", field="pairs", most=MOST_PAIRS)
    read = [(codes.normalise(pair["tube"]), codes.normalise(pair["second"])) for pair in pairs]
    wanted = {code for pair in read for code in pair}
    tubes = {
        tube.code: tube
        for tube in session.scalars(
            select(Tube).where(Tube.code.in_(wanted)).order_by(Tube.id).with_for_update(of=Tube)
        )
    }
    ids = [tube.id for tube in tubes.values()]
    named = set(
        session.scalars(select(Sample.tube_id).where(Sample.tube_id.in_(ids), Sample.status == "bound"))
    )
    paired: set[uuid.UUID] = set()
    known: set[tuple[uuid.UUID, uuid.UUID]] = set()
    for row in session.scalars(
        select(SecondSwab).where(or_(SecondSwab.tube_id.in_(ids), SecondSwab.second_tube_id.in_(ids)))
    ):
        paired |= {row.tube_id, row.second_tube_id}
        known.add((row.tube_id, row.second_tube_id))
    verdicts, noted = [], 0
    for first_code, second_code in read:
        first, second = tubes.get(first_code), tubes.get(second_code)
        words: dict[str, object] = {
            "tube": codes.grouped(first_code[:40]),
            "second": codes.grouped(second_code[:40]),
        }
        if first is not None and second is not None and (first.id, second.id) in known:
            verdicts.append(_verdict(words, "again", "noted_before", N_("%(second)s is noted already.")))
            continue
        word, message = _judge(first, second, named, paired)
        if word == "noted" and first is not None and second is not None:
            _note(session, actor, place_id, first, second)
            paired |= {first.id, second.id}
            known.add((first.id, second.id))
            noted += 1
        verdicts.append(_verdict(words, "good" if word == "noted" else "wrong", word, message))
    return {"noted": noted, "verdicts": verdicts}


def _judge(
    first: Tube | None, second: Tube | None, named: set[uuid.UUID], paired: set[uuid.UUID]
) -> tuple[str, str]:
    if first is None or first.mode != "single" or first.id not in named:
        return "no_person", N_("%(tube)s has no person yet. Scan the person and this tube first.")
    if second is None or not TUBE.can(second.status, "used") or second.mode != "single":
        return "not_free", N_("%(second)s is not an unused tube. Take a new one.")
    if second.campaign_id != first.campaign_id:
        return "other_campaign", N_("%(second)s is of another campaign. Take a tube of this one.")
    if first.id in paired or second.id in paired:
        return "paired", N_("One of these tubes has its partner already. Look at their records.")
    return "noted", N_("%(second)s is kept as the second swab of %(tube)s.")


def _note(session: Session, actor: Actor, place_id: uuid.UUID, first: Tube, second: Tube) -> None:
    now = clock.now()
    second.status, second.place_id, second.collected_at = "used", place_id, now
    second.collected_by_id, second.closed_count = actor.user_id, 1
    session.add(
        SecondSwab(tube_id=first.id, second_tube_id=second.id, noted_by_id=actor.user_id, noted_at=now)
    )
    audit.note(session, "tube", second.id, "second_swab_noted", tube=first.code)


def _verdict(words: dict[str, object], verdict: str, word: str, message: str) -> dict[str, Any]:
    return {"verdict": verdict, "code": word, "message": message, "parameters": words}
