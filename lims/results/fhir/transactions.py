"""Whether a Bundle is a transaction that holds together: entries, addresses, and references between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lims.msgid import N_
from lims.results.fhir.problems import Problem, Unacceptable
from lims.results.fhir.structure import check_element, check_resource, get_model

MOST_ENTRIES = 1_000
TAKEN_IN = ("Patient", "ServiceRequest")

NO_BUNDLE = N_("Send a Bundle of type transaction.")
NOT_TRANSACTION = N_("Only a transaction is taken in: all of it, or nothing.")
NO_ENTRIES = N_("The transaction has no entries. Send a Patient and a ServiceRequest for each person.")
TOO_MANY = N_("At most %(most)s entries at once. Send the rest after them.")
NO_REQUEST = N_("An entry of a transaction says its request: POST and the type (bdl-3).")
NO_RESOURCE = N_("The entry has no resource.")
NOT_HERE = N_("%(name)s does not belong in a transaction. Leave it out.")
METHOD = N_("Orders are sent with POST. Nothing can be changed or removed from outside.")
URL = N_("Write the type of the resource: %(kind)s.")
TYPE = N_("%(kind)s is not taken in. Send Patient and ServiceRequest.")
TWICE = N_("This fullUrl stands in the Bundle twice (bdl-7).")
DANGLING = N_("No entry of the Bundle has the fullUrl %(url)s.")


def check_transaction(body: object) -> list[dict[str, Any]]:
    """Return the entries of a transaction.

    Args:
        body: as it was sent.

    Raises:
        Unacceptable: it is none, or something in it is wrong; all of it is told.
    """
    if not isinstance(body, dict) or body.get("resourceType") != "Bundle":
        raise Unacceptable([Problem("structure", NO_BUNDLE, "Bundle")])
    entries = body.get("entry")
    listed = entries if isinstance(entries, list) else []
    if len(listed) > MOST_ENTRIES:
        raise Unacceptable([Problem("too-long", TOO_MANY, "Bundle.entry", {"most": MOST_ENTRIES})])
    found = check_element(_shell(body), get_model("Bundle"), "Bundle")
    found += [problem for index, entry in enumerate(listed) for problem in _check_content(entry, index)]
    if not found and body["type"] != "transaction":
        found.append(Problem("not-supported", NOT_TRANSACTION, "Bundle.type"))
    if not found and not listed:
        found.append(Problem("required", NO_ENTRIES, "Bundle.entry"))
    if not found:
        found += _check_entries(listed)
    if found:
        raise Unacceptable(found)
    return listed


def _shell(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a Bundle without the resources of its entries, which are looked at one by one."""
    entries = body.get("entry")
    if not isinstance(entries, list):
        return dict(body)
    outer = [
        {name: value for name, value in entry.items() if name != "resource"}
        if isinstance(entry, dict)
        else entry
        for entry in entries
    ]
    # an entry of a resource alone has nothing else to be checked
    return {**body, "entry": [entry if entry != {} else {"fullUrl": "urn:empty"} for entry in outer]}


def _check_content(entry: Any, index: int) -> list[Problem]:
    path = f"Bundle.entry[{index}].resource"
    if not isinstance(entry, dict):
        return []
    if "resource" not in entry:
        return [Problem("required", NO_RESOURCE, path)]
    return check_resource(entry["resource"], path)


def _check_entries(entries: list[dict[str, Any]]) -> Iterator[Problem]:
    by_url: dict[str, str] = {}
    for index, entry in enumerate(entries):
        path = f"Bundle.entry[{index}]"
        yield from _check_request(entry, path)
        url = entry.get("fullUrl")
        if url in by_url:
            yield Problem("duplicate", TWICE, f"{path}.fullUrl")
        elif url is not None:
            by_url[url] = entry["resource"]["resourceType"]
    for index, entry in enumerate(entries):
        yield from _check_references(entry["resource"], f"Bundle.entry[{index}].resource", by_url)


def _check_request(entry: Mapping[str, Any], path: str) -> Iterator[Problem]:
    request, kind = entry.get("request"), entry["resource"]["resourceType"]
    for name in ("search", "response"):
        if name in entry:
            yield Problem("invariant", NOT_HERE, f"{path}.{name}", {"name": name})
    if request is None:
        yield Problem("invariant", NO_REQUEST, f"{path}.request")
    elif request["method"] != "POST":
        yield Problem("not-supported", METHOD, f"{path}.request.method")
    elif request["url"] != kind:
        yield Problem("value", URL, f"{path}.request.url", {"kind": kind})


def _check_references(value: Any, path: str, by_url: Mapping[str, str]) -> Iterator[Problem]:
    if isinstance(value, list):
        for index, one in enumerate(value):
            yield from _check_references(one, f"{path}[{index}]", by_url)
    elif isinstance(value, dict):
        url = value.get("reference")
        if isinstance(url, str) and url.startswith("urn:") and url not in by_url:
            yield Problem("not-found", DANGLING, f"{path}.reference", {"url": url[:80]})
        for name, one in value.items():
            yield from _check_references(one, f"{path}.{name}", by_url)
