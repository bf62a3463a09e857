"""What is reported of a sample: the report and the observation it stands on. Pure.

Neither says what was found before the release, nor once the release was taken back.
"""

from __future__ import annotations

from lims.results.fhir.dialect import LOINC, UUIDS, Dialect, Resource, concept, reference, without_empty
from lims.results.fhir.facts import ReportFacts, Threshold
from lims.results.fhir.resources.moments import date_time, instant, meta
from lims.results.fhir.statuses import TOLD, is_checked_again, observation_status, report_status

SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
UCUM = "http://unitsofmeasure.org"
CT = "94745-7"
CTS = {"N": "94510-5", "S": "94642-6", "RdRp": "94645-9"}
INTERPRETATIONS = {
    "detected": ("DET", "Detected"),
    "not_detected": ("ND", "Not detected"),
    "inconclusive": ("IND", "Indeterminate"),
    "invalid": ("IND", "Indeterminate"),
}
TEXTS = {
    "detected": "Phát hiện (Detected)",
    "not_detected": "Không phát hiện (Not detected)",
    "inconclusive": "Chưa xác định (Inconclusive)",
    "invalid": "Chưa xác định (Inconclusive)",
}
POOLED = "Âm tính theo mẫu gộp (Not detected in a pool)"
CHECKED_AGAIN = "Kết quả đã trả đang được kiểm tra lại (The result given before is being checked again)"
# Why there is no value, by the observation's status.
REASONS = {"cancelled": "not-performed", "entered-in-error": "error"}


def make_report(report: ReportFacts, dialect: Dialect) -> Resource:
    """Return a DiagnosticReport."""
    status = report_status(report)
    told = status in TOLD
    specimens = [reference("Specimen", report.id)]
    if told and report.pool_id:
        specimens.append(reference("Specimen", report.pool_id))
    return without_empty(
        {
            "resourceType": "DiagnosticReport",
            "id": str(report.id),
            "meta": meta(report.changed_at),
            "identifier": [{"system": UUIDS, "value": f"urn:uuid:{report.id}"}],
            "basedOn": [reference("ServiceRequest", report.declaration_id)],
            "status": status,
            "category": [{"coding": [{"system": SECTION, "code": "LAB", "display": "Laboratory"}]}],
            "code": dialect.concept("test"),
            "subject": reference("Patient", report.person_id),
            "effectiveDateTime": date_time(report.sampled_at),
            "issued": instant(report.released_at) if told and report.released_at else None,
            "performer": _performer(report),
            "specimen": specimens,
            "result": [reference("Observation", report.id)] if told else [],
            "conclusion": _conclusion(report, told),
            "conclusionCode": [dialect.concept(report.finding)] if told and report.finding else [],
        }
    )


def make_observation(report: ReportFacts, dialect: Dialect) -> Resource:
    """Return the Observation of a person's sample, with the Ct values of an individual test as components."""
    status = observation_status(report)
    told = status in TOLD and report.finding is not None
    made: Resource = {
        "resourceType": "Observation",
        "id": str(report.id),
        "meta": meta(report.changed_at),
        "identifier": [{"system": UUIDS, "value": f"urn:uuid:{report.id}"}],
        "basedOn": [reference("ServiceRequest", report.declaration_id)],
        "status": status,
        "category": [
            {"coding": [{"system": CATEGORY, "code": "laboratory", "display": "Laboratory"}]},
        ],
        "code": dialect.concept("test"),
        "subject": reference("Patient", report.person_id),
        "effectiveDateTime": date_time(report.sampled_at),
        "performer": _performer(report),
        "specimen": reference("Specimen", report.id),
    }
    if not told:
        reason = REASONS.get(status, "temp-unknown")
        return without_empty(made | {"dataAbsentReason": concept(ABSENT, reason)})
    return without_empty(made | _found(report, dialect))


def _found(report: ReportFacts, dialect: Dialect) -> Resource:
    finding = str(report.finding)
    pooled = finding == "not_detected" and report.pool_size > 1
    code, display = INTERPRETATIONS[finding]
    return {
        "issued": instant(report.released_at) if report.released_at else None,
        "valueCodeableConcept": dialect.concept(
            "pooled_not_detected" if pooled else finding, POOLED if pooled else TEXTS[finding]
        ),
        "interpretation": [{"coding": [{"system": INTERPRETATION, "code": code, "display": display}]}],
        "note": [{"text": f"RT-PCR, pool of {report.pool_size}"}] if pooled else [],
        "method": {"text": report.assay} if report.assay else None,
        "component": [_component(threshold) for threshold in report.thresholds],
    }


def _component(threshold: Threshold) -> Resource:
    return {
        "code": concept(LOINC, CTS.get(threshold.target, CT), f"Ct {threshold.target}"),
        "valueQuantity": {"value": threshold.ct, "unit": "Ct", "system": UCUM, "code": "{Ct}"},
    }


def _conclusion(report: ReportFacts, told: bool) -> str:
    if not told or report.finding is None:
        return CHECKED_AGAIN if is_checked_again(report) else ""
    if report.finding == "not_detected" and report.pool_size > 1:
        return POOLED
    return TEXTS[report.finding]


def _performer(report: ReportFacts) -> list[Resource]:
    if report.laboratory_id is None:
        return []
    return [reference("Organization", report.laboratory_id, report.laboratory)]
