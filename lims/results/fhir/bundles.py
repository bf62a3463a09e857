"""Bundles and outcomes that are answered. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lims.results.fhir.dialect import Resource, without_empty

# our words of a refusal → R4's issue types; anything else is "processing"
ISSUES: Mapping[str, str] = {
    "bad_request": "structure",
    "csrf": "security",
    "sign_in_needed": "login",
    "not_allowed": "forbidden",
    "not_found": "not-found",
    "gone": "deleted",
    "method_not_allowed": "not-supported",
    "not_acceptable": "not-supported",
    "unsupported_media_type": "not-supported",
    "request_entity_too_large": "too-costly",
    "refused": "business-rule",
    "wrong_state": "conflict",
    "already_done": "duplicate",
    "client_id_reused": "conflict",
    "invalid_input": "invalid",
    "too_many_tries": "throttled",
    "service_unavailable": "transient",
    "internal_error": "exception",
}


def make_outcome(issues: Iterable[Resource]) -> Resource:
    """Return an OperationOutcome."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def make_issue(kind: str, sentence: str, expression: str = "", diagnostics: str = "") -> Resource:
    """Return an issue of an OperationOutcome.

    Args:
        kind: of R4's issue types.
        sentence: for the reader, in their language.
        expression: path of what is at fault, "" where it is nothing in particular.
        diagnostics: what a developer may want to know, "" for nothing.
    """
    return without_empty(
        {
            "severity": "error",
            "code": kind,
            "details": {"text": sentence},
            "diagnostics": diagnostics,
            "expression": [expression] if expression else [],
        }
    )


def make_searchset(
    base: str,
    *,
    matches: Sequence[Resource],
    included: Sequence[Resource],
    self_link: str,
    next_link: str = "",
) -> Resource:
    """Return a page of a search. How many there are in all is not said: counting would cost more than the page."""
    links = [{"relation": "self", "url": self_link}]
    if next_link:
        links.append({"relation": "next", "url": next_link})
    entries = [
        {
            "fullUrl": f"{base}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
            "search": {"mode": mode},
        }
        for mode, resources in (("match", matches), ("include", included))
        for resource in resources
    ]
    return without_empty({"resourceType": "Bundle", "type": "searchset", "link": links, "entry": entries})


def make_transaction_response(answers: Sequence[Mapping[str, Any]]) -> Resource:
    """Return the answer to a transaction, entry by entry.

    Args:
        answers: `status`, `kind`, `id` and `changed` of each.
    """
    entries = [
        {
            "response": {
                "status": answer["status"],
                "location": f"{answer['kind']}/{answer['id']}",
                "lastModified": answer["changed"],
            }
        }
        for answer in answers
    ]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}
