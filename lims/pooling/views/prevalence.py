"""How many of a campaign's people are estimated to be infected, from its screening pools."""

from __future__ import annotations

import uuid

from flask import render_template, request

from lims.errors import NotFound
from lims.extensions import db
from lims.places.queries import list_campaigns, list_laboratories
from lims.pooling.prevalence import PoolCounts, estimate_prevalence
from lims.pooling.queries.pools import count_pools_by_size
from lims.pooling.strategies import best_size, expected_reactions
from lims.pooling.views import pooling
from lims.security import current_actor, needs

SIZES = (5, 10, 20)


@pooling.get("/prevalence")
@needs("see_laboratory")
def show_prevalence() -> str:
    """Show a campaign's prevalence with its interval, and what each strategy would cost at it."""
    actor, session = current_actor(), db.session()
    campaigns = [
        one for one in list_campaigns(session) if actor.sees(one.province_id) or _works_in(one.province_id)
    ]
    if not campaigns:
        raise NotFound("Your places have no campaign. Ask your coordinator.", field="campaign_id")
    wanted = request.args.get("campaign_id", type=uuid.UUID)
    campaign = next((one for one in campaigns if one.id == wanted), campaigns[0])
    days = min(365, max(0, request.args.get("days", 0, type=int)))
    counts = count_pools_by_size(session, campaign_id=campaign.id, days=days)
    pools = [PoolCounts(size, tested, positive) for size, tested, positive in counts]
    estimate = estimate_prevalence(pools) if pools else None
    return render_template(
        "pooling/prevalence.html",
        campaigns=campaigns,
        campaign=campaign,
        days=days,
        counts=counts,
        estimate=estimate,
        costs=[
            {
                "size": size,
                "singles": expected_reactions("singles", size=size, prevalence=estimate.firth),
                "halves": expected_reactions("halves", size=size, prevalence=estimate.firth),
            }
            for size in SIZES
        ]
        if estimate
        else [],
        best=best_size(estimate.firth) if estimate else None,
    )


def _works_in(province_id: uuid.UUID) -> bool:
    laboratories = list_laboratories(db.session(), actor=current_actor())
    return any(one.place.province_id == province_id for one in laboratories)
