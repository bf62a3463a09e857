"""Minting the codes that are printed before a campaign: tubes in lots, and boxes."""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.intake.models import Box, Tube, TubeLot
from lims.intake.new_codes import mint_free
from lims.intake.rules import MODES
from lims.places import queries as place_queries
from lims.tables import new_id
from lims.transaction import action

MOST_TUBES = 100_000
MOST_BOXES = 1_000
INSERTED_AT_ONCE = 10_000


@action
def mint_tubes(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    campaign_id: uuid.UUID,
    mode: str,
    count: int,
    place_id: uuid.UUID | None = None,
) -> dict[str, Any]:
    """Mint a lot of tube codes, to be printed and given to a team.

    The event stands in the lot's chain; a tube's own chain begins when it is first scanned.

    Args:
        actor: who prints.
        client_id: id made by the sender.
        campaign_id: the campaign.
        mode: "single" or "mixed"; fixed for all tubes of the lot.
        count: 1 to 100,000.
        place_id: where the lot goes, a commune or a site; None if that is not settled.

    Returns:
        `lot_id`, `mode`, `count`; the codes are read with `queries.lots.list_tube_codes`.

    Raises:
        InvalidInput: an unknown mode, or a count out of range.
        NotFound: no such campaign where the actor works, or the place is not among the actor's.
    """
    if mode not in MODES:
        raise InvalidInput("Choose single tubes or tubes for mixing.", field="mode")
    _check_count(count, most=MOST_TUBES)
    campaign = place_queries.get_campaign_around(session, campaign_id=campaign_id, actor=actor)
    if place_id is not None:
        actor.check_place(place_queries.get_place(session, place_id=place_id).id)
    lot_id, now = new_id(), clock.now()
    lot = {
        "id": lot_id,
        "campaign_id": campaign.id,
        "mode": mode,
        "tube_count": count,
        "place_id": place_id,
        "minted_by_id": actor.user_id,
        "minted_at": now,
    }
    session.execute(insert(TubeLot), [lot])
    codes = mint_free(session, Tube.code, kind="tube", count=count)
    for start in range(0, count, INSERTED_AT_ONCE):
        session.execute(
            insert(Tube),
            [
                {
                    "id": new_id(),
                    "code": code,
                    "lot_id": lot_id,
                    "campaign_id": campaign.id,
                    "mode": mode,
                    "status": "printed",
                    "rack_position": "",
                    "rejection_reason": "",
                }
                for code in codes[start : start + INSERTED_AT_ONCE]
            ],
        )
    audit.note(session, "tube_lot", lot_id, "minted", mode=mode, tubes=count)
    return {"lot_id": str(lot_id), "mode": mode, "count": count}


@action
def mint_boxes(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, campaign_id: uuid.UUID, count: int
) -> dict[str, Any]:
    """Mint box codes; until its first tube is packed a box is only a printed label.

    Args:
        actor: who prints.
        client_id: id made by the sender.
        campaign_id: the campaign.
        count: 1 to 1,000.

    Returns:
        `boxes`: their codes, in the order of printing.

    Raises:
        InvalidInput: a count out of range.
        NotFound: no such campaign where the actor works.
    """
    _check_count(count, most=MOST_BOXES)
    campaign = place_queries.get_campaign_around(session, campaign_id=campaign_id, actor=actor)
    now = clock.now()
    rows: list[dict[str, Any]] = [
        {"id": new_id(), "code": code, "campaign_id": campaign.id, "status": "open", "minted_at": now}
        for code in mint_free(session, Box.code, kind="box", count=count)
    ]
    session.execute(insert(Box), rows)
    for row in rows:
        audit.note(session, "box", row["id"], "minted")
    return {"boxes": [row["code"] for row in rows]}


def _check_count(count: int, *, most: int) -> None:
    if not 1 <= count <= most:
        raise InvalidInput("The number must be between 1 and %(most)s.", field="count", most=most)
