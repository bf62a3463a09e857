"""Samples, tubes and boxes: codes, places and times, nobody's name."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, null, select
from sqlalchemy.orm import aliased

from lims.auth.actors import Actor
from lims.exports.queries.kinds import Kind, of, plain, within
from lims.intake.models import Box, BoxTube, Declaration, Sample, Tube, TubeLot
from lims.places.models import Campaign, Place

site, laboratory, origin, commune = aliased(Place), aliased(Place), aliased(Place), aliased(Place)
SAMPLES = (
    "declaration",
    "tube",
    "slot",
    "attempt",
    "status",
    "finding",
    "site",
    "commune_code",
    "sampled_at",
    "recorded_at",
)
TUBES = (
    "tube",
    "mode",
    "status",
    "closed_count",
    "site",
    "collected_at",
    "box",
    "laboratory",
    "received_at",
    "rack_position",
    "rejection_reason",
)
BOXES = (
    "box",
    "status",
    "origin",
    "laboratory",
    "sealed_count",
    "tubes",
    "temperature_out_c",
    "temperature_in_c",
    "minted_at",
    "sealed_at",
    "dispatched_at",
    "received_at",
    "reconciled_at",
)


def _samples(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Declaration.code.label("declaration"),
            Tube.code.label("tube"),
            Sample.slot,
            Sample.attempt,
            Sample.status,
            # written down before it is released: a commune finds what is released among its results
            Sample.finding if actor.can("see_laboratory") else null().label("finding"),
            site.name.label("site"),
            commune.code.label("commune_code"),
            Sample.sampled_at,
            Sample.recorded_at,
        )
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(site, site.id == Sample.place_id)
        .join(commune, commune.id == Sample.commune_id)
        .where(within(actor, Sample.place_id, Sample.commune_id, Tube.laboratory_id))
    )


def _tubes(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            Tube.code.label("tube"),
            Tube.mode,
            Tube.status,
            Tube.closed_count,
            site.name.label("site"),
            Tube.collected_at,
            Box.code.label("box"),
            laboratory.name.label("laboratory"),
            Tube.received_at,
            Tube.rack_position,
            Tube.rejection_reason,
        )
        .outerjoin(site, site.id == Tube.place_id)
        .outerjoin(laboratory, laboratory.id == Tube.laboratory_id)
        .outerjoin(Box, Box.id == Tube.box_id)
        .join(TubeLot, TubeLot.id == Tube.lot_id)
        .join(Campaign, Campaign.id == Tube.campaign_id)
        # one that was not used yet is nowhere but in its lot
        .where(
            within(
                actor,
                Tube.place_id,
                Tube.laboratory_id,
                Box.laboratory_id,
                TubeLot.place_id,
                Campaign.province_id,
            )
        )
    )


def _boxes(actor: Actor) -> Select[*tuple[Any, ...]]:
    tubes = (
        select(func.count())
        .where(BoxTube.box_id == Box.id, BoxTube.state != "taken_out")
        .correlate(Box)
        .scalar_subquery()
    )
    return (
        select(
            Box.code.label("box"),
            Box.status,
            origin.name.label("origin"),
            laboratory.name.label("laboratory"),
            Box.sealed_count,
            tubes.label("tubes"),
            Box.temperature_out_c,
            Box.temperature_in_c,
            Box.minted_at,
            Box.sealed_at,
            Box.dispatched_at,
            Box.received_at,
            Box.reconciled_at,
        )
        .outerjoin(origin, origin.id == Box.origin_id)
        .outerjoin(laboratory, laboratory.id == Box.laboratory_id)
        .join(Campaign, Campaign.id == Box.campaign_id)
        .where(within(actor, Box.origin_id, Box.laboratory_id, Campaign.province_id))
    )


KINDS = (
    Kind(
        "samples",
        "search",
        SAMPLES,
        key=(Sample.id,),
        query=_samples,
        of_campaign=of(Sample.campaign_id),
        at=Sample.sampled_at,
        read=plain(*SAMPLES),
    ),
    Kind(
        "tubes",
        "search",
        TUBES,
        key=(Tube.id,),
        query=_tubes,
        of_campaign=of(Tube.campaign_id),
        at=Tube.collected_at,
        read=plain(*TUBES),
    ),
    Kind(
        "boxes",
        "pack_boxes",
        BOXES,
        key=(Box.id,),
        query=_boxes,
        of_campaign=of(Box.campaign_id),
        at=Box.minted_at,
        read=plain(*BOXES),
    ),
)
