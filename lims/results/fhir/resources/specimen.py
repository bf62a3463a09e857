"""A person's swab, and a pool of several. Pure.

R4 has no element for pooling: a pool names its members as parents and carries the official cross-version extension of
R5's `Specimen.combined`. It belongs to no patient.
"""

from __future__ import annotations

from lims.results.fhir.dialect import Dialect, Resource, reference, without_empty
from lims.results.fhir.facts import PoolFacts, SampleFacts
from lims.results.fhir.resources.moments import date_time, meta
from lims.results.fhir.statuses import specimen_status

COMBINED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Specimen.combined"


def make_specimen(sample: SampleFacts, dialect: Dialect) -> Resource:
    """Return the Specimen of one person; of a tube mixed at collection there is one for each."""
    tube = dialect.identifier("tube", sample.tube_code)
    rejected = sample.rejection_reason
    return without_empty(
        {
            "resourceType": "Specimen",
            "id": str(sample.id),
            "meta": meta(sample.changed_at),
            "identifier": [tube],
            "status": specimen_status(sample),
            "type": dialect.concept("specimen"),
            "subject": reference("Patient", sample.person_id),
            "receivedTime": date_time(sample.received_at),
            "request": [reference("ServiceRequest", sample.declaration_id)],
            "collection": {"collectedDateTime": date_time(sample.sampled_at)},
            "container": [{"identifier": [tube]}],
            "condition": [{"text": rejected}] if rejected else [],
        }
    )


def make_pool(pool: PoolFacts, dialect: Dialect) -> Resource:
    """Return the Specimen of a pool, with its members as parents."""
    size = len(pool.sample_ids)
    return without_empty(
        {
            "resourceType": "Specimen",
            "id": str(pool.id),
            "meta": meta(pool.changed_at),
            "extension": [{"url": COMBINED, "valueCode": "pooled"}],
            "identifier": [dialect.identifier("pool", pool.code)],
            "status": "entered-in-error" if pool.status == "void" else "available",
            "type": dialect.concept("specimen"),
            "parent": [reference("Specimen", sample_id) for sample_id in pool.sample_ids],
            "processing": [
                without_empty(
                    {
                        "description": f"Pooling of {size} specimens",
                        "timeDateTime": date_time(pool.closed_at),
                    }
                )
            ],
        }
    )
