"""How far a thing is, in the words of R4's value sets. Pure.

A report keeps its key through all its versions. `partial` is unverified, `preliminary` verified, neither says what was
found. `corrected` is a report whose finding was changed after its release, `amended` one of which something else was.
`entered-in-error` is R4's word for a report "withdrawn following a previous final release", `cancelled` for one that
was never completed.
"""

from __future__ import annotations

from lims.results.fhir.facts import ReportFacts, SampleFacts

TOLD = frozenset({"final", "amended", "corrected"})
"""Statuses of reports that say what was found; no other does."""
REQUEST_STATUSES = {
    "open": "active",
    "sampled": "active",
    "closed": "completed",
    "withdrawn": "revoked",
    "expired": "revoked",
}


def report_status(report: ReportFacts) -> str:
    """Return the status of a DiagnosticReport."""
    match report.result_status:
        case None:
            return "registered" if report.sample_status in ("bound", "resulted") else "cancelled"
        case "released":
            if report.told_before is None:
                return "final"
            return "amended" if report.told_before == report.finding else "corrected"
        case "withdrawn":
            if report.was_released or report.told_before is not None:
                return "entered-in-error"
            # its test is done again
            return "registered" if report.sample_status == "bound" else "cancelled"
        case "verified":
            return "preliminary"
        case _:
            return "partial"


def observation_status(report: ReportFacts) -> str:
    """Return the status of an Observation, which knows no `partial`."""
    status = report_status(report)
    return "preliminary" if status == "partial" else status


def is_checked_again(report: ReportFacts) -> bool:
    """Tell whether an earlier version had been released, and the next one waits."""
    return report.told_before is not None and report_status(report) in ("partial", "preliminary")


def specimen_status(sample: SampleFacts) -> str:
    """Return the status of a person's Specimen."""
    if sample.status == "void":
        return "entered-in-error"
    if sample.status == "rejected" or sample.tube_status == "rejected":
        return "unsatisfactory"
    gone = sample.status == "lost" or sample.tube_status in ("missing", "damaged", "discarded", "void")
    return "unavailable" if gone else "available"
