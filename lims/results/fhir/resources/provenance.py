"""Who stands behind a released report: staff by the name shown, without records of their own. Pure."""

from __future__ import annotations

from lims.results.fhir.dialect import Dialect, Resource, reference, without_empty
from lims.results.fhir.facts import ReleaseFacts
from lims.results.fhir.resources.moments import date_time, instant, meta

AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ACTIVITY = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"


def make_provenance(release: ReleaseFacts, dialect: Dialect) -> Resource:
    """Return the Provenance of a report's version: who entered, verified and released it."""
    laboratory = reference("Organization", release.laboratory_id, release.laboratory)
    people = (
        ("enterer", "Enterer", release.entered_by),
        ("verifier", "Verifier", release.verified_by),
        ("attester", "Attester", release.released_by),
    )
    first = release.version == 1
    return without_empty(
        {
            "resourceType": "Provenance",
            "id": str(release.id),
            "meta": meta(release.changed_at),
            "target": [reference("DiagnosticReport", release.sample_id)],
            "occurredDateTime": date_time(release.created_at),
            "recorded": instant(release.released_at),
            "activity": {
                "coding": [
                    {
                        "system": ACTIVITY,
                        "code": "CREATE" if first else "UPDATE",
                        "display": "create" if first else "revise",
                    }
                ]
            },
            "reason": [{"text": release.reason}] if release.reason else [],
            "agent": [
                {
                    "type": {"coding": [{"system": AGENT, "code": code, "display": display}]},
                    "who": {"type": "Practitioner", "display": name} if name else laboratory,
                    "onBehalfOf": laboratory,
                }
                for code, display, name in people
            ],
        }
    )
