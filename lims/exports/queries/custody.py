"""What did not fit, and the chain of custody line by line, with the hashes by which it can be checked elsewhere."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, false, or_, select

from lims.audit import Event
from lims.auth.actors import Actor
from lims.auth.models import User
from lims.exports.queries.kinds import Kind, of, within
from lims.intake.models import Box, Declaration, Discrepancy, Sample, Tube
from lims.places.models import Place
from lims.pooling.models import Pool, Run
from lims.results.models import Result

DISCREPANCIES = (
    "kind",
    "status",
    "place",
    "tube",
    "declaration",
    "box",
    "holds_results",
    "details",
    "opened_at",
    "settlement",
    "settled_note",
    "settled_at",
)
# of a sample, written down before its result is released
SAY_FINDING = ("resulted", "amended")
EVENTS = (
    "event",
    "subject_kind",
    "subject",
    "seq",
    "verb",
    "by",
    "occurred_at",
    "recorded_at",
    "details",
    "previous_hash",
    "hash",
)


def _discrepancies(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Discrepancy.kind,
            Discrepancy.status,
            Place.name.label("place"),
            Tube.code.label("tube"),
            Declaration.code.label("declaration"),
            Box.code.label("box"),
            Discrepancy.holds_results,
            Discrepancy.details,
            Discrepancy.opened_at,
            Discrepancy.settlement,
            Discrepancy.settled_note,
            Discrepancy.settled_at,
        )
        .outerjoin(Place, Place.id == Discrepancy.place_id)
        .outerjoin(Tube, Tube.id == Discrepancy.tube_id)
        .outerjoin(Declaration, Declaration.id == Discrepancy.declaration_id)
        .outerjoin(Box, Box.id == Discrepancy.box_id)
        .where(
            within(
                actor,
                Discrepancy.place_id,
                Tube.laboratory_id,
                Tube.place_id,
                Box.laboratory_id,
                Box.origin_id,
            )
        )
    )


def _read_discrepancies(_session: Any, _vault: Any, rows: Any) -> list[Any]:
    return [[getattr(row, name) for name in DISCREPANCIES] for row in rows]


def _events(actor: Actor) -> Select[*tuple[Any, ...]]:
    query = select(Event, User.display_name).outerjoin(User, User.id == Event.actor_id)
    return query if actor.everywhere else query.where(_of_own_things(actor))


def _of_own_things(actor: Actor) -> Any:
    """Return the condition that an event is of a thing that the actor may open."""
    things = [
        ("tube", select(Tube.id).where(within(actor, Tube.place_id, Tube.laboratory_id))),
        (
            "sample",
            select(Sample.id)
            .join(Tube, Tube.id == Sample.tube_id)
            .where(within(actor, Sample.place_id, Sample.commune_id, Tube.laboratory_id)),
        ),
    ]
    if actor.can("pack_boxes"):
        things.append(("box", select(Box.id).where(within(actor, Box.origin_id, Box.laboratory_id))))
    if actor.can("see_people"):
        own = within(actor, Declaration.commune_id)
        things.append(("declaration", select(Declaration.id).where(own)))
        things.append(("person", select(Declaration.person_id).where(own)))
    if actor.can("see_laboratory"):
        things += [
            ("pool", select(Pool.id).where(within(actor, Pool.laboratory_id))),
            ("run", select(Run.id).where(within(actor, Run.laboratory_id))),
            ("result", select(Result.id).where(within(actor, Result.laboratory_id))),
        ]
    conditions = [(Event.subject_kind == word) & Event.subject_id.in_(ids) for word, ids in things]
    own_things = or_(*conditions) if conditions else false()
    if actor.can("see_laboratory"):
        return own_things
    # whole lines are left out, as a line without its details could not be checked by its hash
    return own_things & ~((Event.subject_kind == "sample") & Event.verb.in_(SAY_FINDING))


def _read_events(_session: Any, _vault: Any, rows: Any) -> list[Any]:
    return [
        [
            str(row.Event.id),
            row.Event.subject_kind,
            str(row.Event.subject_id),
            row.Event.seq,
            row.Event.verb,
            row.display_name,
            row.Event.occurred_at,
            row.Event.recorded_at,
            row.Event.details,
            row.Event.previous_hash.hex(),
            row.Event.hash.hex(),
        ]
        for row in rows
    ]


KINDS = (
    Kind(
        "discrepancies",
        "settle_discrepancies",
        DISCREPANCIES,
        key=(Discrepancy.id,),
        query=_discrepancies,
        of_campaign=of(Discrepancy.campaign_id),
        at=Discrepancy.opened_at,
        read=_read_discrepancies,
    ),
    Kind(
        "events",
        "search",
        EVENTS,
        key=(Event.id,),
        query=_events,
        # an event is of a thing, not of a campaign: the days narrow it
        of_campaign=None,
        at=Event.recorded_at,
        read=_read_events,
    ),
)
