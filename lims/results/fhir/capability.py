"""What this server can do, as R4's CapabilityStatement. Pure."""

from __future__ import annotations

from lims.results.fhir.dialect import Resource
from lims.results.fhir.search import INCLUDES, PARAMETERS, REFERENCES, WITHOUT_TIME

# The day on which what is described here was changed last.
SINCE = "2026-11-26"


def make_capability(base: str, *, version: str) -> Resource:
    """Return the CapabilityStatement of an installation."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": SINCE,
        "kind": "instance",
        "software": {"name": "LIMS for pooled PCR testing", "version": version},
        "implementation": {"description": "Orders in, results out", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": {
                    "cors": False,
                    "description": "Bearer token of a program with the scope “exchange”; it sees its places only.",
                },
                "resource": [_describe(kind) for kind in PARAMETERS],
                "interaction": [
                    {
                        "code": "transaction",
                        "documentation": "Orders: Patient and ServiceRequest entries, all or nothing.",
                    }
                ],
            }
        ],
    }


def _describe(kind: str) -> Resource:
    made: Resource = {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "referencePolicy": ["literal", "logical"],
        "searchParam": [
            {"name": "_id", "type": "token"},
            *([] if kind in WITHOUT_TIME else [{"name": "_lastUpdated", "type": "date"}]),
            *(
                {"name": name, "type": "reference" if name in REFERENCES else "token"}
                for name in PARAMETERS[kind]
            ),
        ],
    }
    if INCLUDES[kind]:
        made["searchInclude"] = [f"{kind}:{name}" for name in INCLUDES[kind]]
    if kind in ("Patient", "ServiceRequest"):
        made |= {"conditionalCreate": True}
    if kind == "DiagnosticReport":
        made["operation"] = [
            {
                "name": "everything",
                "definition": "OperationDefinition/DiagnosticReport-everything",
                "documentation": "The report with all it refers to, as a searchset.",
            }
        ]
    return made
