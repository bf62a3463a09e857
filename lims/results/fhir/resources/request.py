"""A declaration, told as the order of a test. Pure."""

from __future__ import annotations

from lims.results.fhir.dialect import (
    EXPOSURE,
    SNOMED,
    SYMPTOMS,
    Dialect,
    Resource,
    concept,
    reference,
    without_empty,
)
from lims.results.fhir.facts import OrderFacts
from lims.results.fhir.resources.moments import date_time, meta
from lims.results.fhir.statuses import REQUEST_STATUSES

CATEGORY = "108252007"


def make_request(order: OrderFacts, dialect: Dialect) -> Resource:
    """Return a ServiceRequest; its campaign is the plan it is based on."""
    reasons = [SYMPTOMS[word] for word in order.symptoms if word in SYMPTOMS]
    reasons += [EXPOSURE] if order.is_contact else []
    campaign = dialect.identifier("campaign", str(order.campaign_id))
    commune = dialect.identifier("place", order.commune_code)
    return without_empty(
        {
            "resourceType": "ServiceRequest",
            "id": str(order.id),
            "meta": meta(order.changed_at),
            "identifier": [
                dialect.identifier("declaration", order.code),
                *({"system": system, "value": value} for system, value in order.foreign),
            ],
            "basedOn": [{"type": "CarePlan", "identifier": campaign, "display": order.campaign}],
            "requisition": dialect.identifier("household", order.household_code)
            if order.household_code
            else None,
            "status": REQUEST_STATUSES[order.status],
            "intent": "order",
            "category": [concept(SNOMED, CATEGORY)],
            "code": dialect.concept("test"),
            "subject": reference("Patient", order.person_id),
            "authoredOn": date_time(order.created_at),
            "locationReference": [
                {**reference("Location", order.commune_id, order.commune), "identifier": commune}
            ],
            "reasonCode": [concept(SNOMED, code) for code in reasons],
        }
    )
