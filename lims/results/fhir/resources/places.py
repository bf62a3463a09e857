"""Where things happen: laboratories are organizations, all other places locations. Pure."""

from __future__ import annotations

from lims.results.fhir.dialect import Dialect, Resource, reference, without_empty
from lims.results.fhir.facts import PlaceFacts

AREA = "http://terminology.hl7.org/CodeSystem/location-physical-type"
PROVIDER = "http://terminology.hl7.org/CodeSystem/organization-type"


def make_location(place: PlaceFacts, dialect: Dialect) -> Resource:
    """Return the Location of a province, district, commune or site."""
    site = place.kind == "site"
    kind = ("si", "Site") if site else ("jdn", "Jurisdiction")
    return without_empty(
        {
            "resourceType": "Location",
            "id": str(place.id),
            "identifier": [dialect.identifier("place", place.code)],
            "status": "active" if place.is_open else "inactive",
            "name": place.name,
            "mode": "instance",
            "physicalType": {"coding": [{"system": AREA, "code": kind[0], "display": kind[1]}]},
            "partOf": reference("Location", place.parent_id) if place.parent_id else None,
        }
    )


def make_organization(place: PlaceFacts, dialect: Dialect) -> Resource:
    """Return the Organization of a laboratory."""
    return without_empty(
        {
            "resourceType": "Organization",
            "id": str(place.id),
            "identifier": [dialect.identifier("laboratory", place.code)],
            "active": place.is_open,
            "type": [
                {
                    "coding": [
                        {"system": PROVIDER, "code": "prov", "display": "Healthcare Provider"},
                    ]
                }
            ],
            "name": place.name,
        }
    )
