"""The advice on the pool size as a page. It changes nothing: the size is a campaign's policy, set on its page."""

from __future__ import annotations

import uuid

from flask import render_template, request

from lims.capacity.advice import LEAST_FOUND, Accuracy, Dilution
from lims.capacity.queries import advice as queries
from lims.capacity.views import capacity
from lims.errors import InvalidInput
from lims.extensions import db
from lims.language import say_error
from lims.security import current_actor, needs

DAYS = (1, 3, 7, 14, 30)
USUAL_DAYS = 7


@capacity.get("/advice")
@needs("see_board")
def advise_size() -> str | tuple[str, int]:
    """Show what each pool size costs at the measured prevalence, which is best and how sure that is."""
    actor, session = current_actor(), db.session()
    if not queries.list_advised_campaigns(session, actor=actor):
        return render_template("capacity/no_campaign.html")
    campaign = queries.get_advised_campaign(
        session, actor=actor, campaign_id=request.args.get("campaign_id", type=uuid.UUID)
    )
    area_id = request.args.get("area_id", type=uuid.UUID)
    areas = queries.list_areas(session, actor=actor, province_id=campaign.province_id)
    if area_id not in {place.id for place in areas}:
        # of another campaign that was chosen before
        area_id = None
    days = request.args.get("days", USUAL_DAYS, type=int)
    refused = None
    try:
        test = _read_test()
        read = queries.read_advice(
            session,
            actor=actor,
            campaign_id=campaign.id,
            area_id=area_id,
            days=days if days in DAYS else USUAL_DAYS,
            test=test,
        )
    except InvalidInput as error:
        refused = {"message": say_error(error), "field": error.field}
        read = queries.read_advice(
            session,
            actor=actor,
            campaign_id=campaign.id,
            area_id=area_id,
            days=USUAL_DAYS,
            test=Accuracy(dilution=Dilution()),
        )
    page = render_template(
        "capacity/advice.html",
        read=read,
        campaigns=queries.list_advised_campaigns(session, actor=actor),
        areas=areas,
        days_offered=DAYS,
        refused=refused,
        dilutes=request.args.get("pooled") != "collection",
        least_found=LEAST_FOUND,
        most_reactions=max((cost.high for cost in read.advice.costs), default=1) if read.advice else 1,
    )
    return (page, 422) if refused else page


def _read_test() -> Accuracy:
    """Return what was sent of the test, in percent; a perfect one where nothing was."""
    shares = {}
    for name in ("sensitivity", "specificity"):
        written = request.args.get(name, "").strip().replace(",", ".").removesuffix("%")
        try:
            shares[name] = float(written) / 100 if written else 1.0
        except ValueError:
            raise InvalidInput("Enter a percentage from 0 to 100, such as 95.", field=name) from None
        if not 0 <= shares[name] <= 1:
            raise InvalidInput("Enter a percentage from 0 to 100, such as 95.", field=name)
    return Accuracy(
        shares["sensitivity"],
        shares["specificity"],
        dilution=None if request.args.get("pooled") == "collection" else Dilution(),
    )
