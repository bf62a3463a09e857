"""Who is tested. Telephone and street are not given on: no receiver of a result needs them. Pure."""

from __future__ import annotations

from lims.results.fhir.dialect import Dialect, Resource, without_empty
from lims.results.fhir.facts import PersonFacts
from lims.results.fhir.resources.moments import meta

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


def make_patient(person: PersonFacts, dialect: Dialect) -> Resource:
    """Return a Patient."""
    if person.is_restricted:
        return _make_restricted(person)
    identifiers = [{"use": "official", **dialect.identifier(name, value)} for name, value in person.papers]
    identifiers += [
        {"use": "secondary", "system": system, "value": value} for system, value in person.foreign
    ]
    return without_empty(
        {
            "resourceType": "Patient",
            "id": str(person.id),
            "meta": meta(person.changed_at),
            "identifier": identifiers,
            "active": True,
            "name": [make_name(person.name)] if person.name else [],
            "gender": person.sex,
            "birthDate": person.born,
            "address": [{"use": "home", "text": person.commune, "country": "VN"}],
        }
    )


def _make_restricted(person: PersonFacts) -> Resource:
    """Return a Patient that nobody is named by: the person asked that their data be only kept."""
    label = {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}
    return {
        "resourceType": "Patient",
        "id": str(person.id),
        "meta": meta(person.changed_at) | {"security": [label]},
        "active": True,
    }


def make_name(name: str) -> Resource:
    """Return a HumanName: Vietnamese names begin with the family's."""
    family, *given = name.split()
    return without_empty({"use": "official", "text": name, "family": family, "given": given})
