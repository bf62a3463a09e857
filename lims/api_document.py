"""The API's own description, /api/v1/openapi.json: what each address asks for and every answer it may give.

Views say what they take and return; what holds for all of them is added here, read from the views themselves: the
permission (`@needs`), the tokens that are heard, the errors, the shape of codes and ids. docs/guides/api.md is the
text for people.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask

from lims import codes
from lims.auth.rules import OPEN_ENDPOINTS, PERMISSIONS
from lims.problems import MEDIA_TYPE

Part = dict[str, Any]
PREFIX = "/api/v1/"
METHODS = ("get", "post", "put", "patch", "delete")
ARGUMENT = re.compile(r"<(?:[^<:>]+:)?([^<>]+)>")
# Arguments of addresses that are printed codes → the kind of code.
CODES = {
    "pool_code": "pool",
    "run_code": "plate",
    "box_code": "box",
    "extraction_code": "extraction",
    "tube_code": "tube",
    "declaration_code": "declaration",
}
# The argument `code` is of the thing that the address begins with.
CODED = {"boxes": "box", "people": "declaration", "tubes": "tube"}
# Whose permission a phone has: there its token is heard as well.
BY_PHONES = PERMISSIONS["device"]
ONLY_PHONES = "use_field_app"
SENTENCES = {
    400: "The request cannot be understood, as its JSON ends half way.",
    401: "No token, or one that works no longer.",
    403: "The account's roles, or the token's scopes, do not include the permission.",
    404: "There is no such thing among the places of the account.",
    409: "The rules or the state say no, or the client_id was used for something else.",
    413: "The body is too large.",
    422: "A value cannot be understood; `field` names it.",
    429: "Too many failed tries; Retry-After says for how many seconds to wait.",
}
ERROR: Part = {
    "type": "object",
    "description": "Why something was refused (RFC 9457); nothing was changed.",
    "required": ["type", "title", "status", "detail", "code", "message", "field"],
    "properties": {
        "type": {"type": "string", "description": "about:blank: `code` says more"},
        "title": {"type": "string", "description": "the status in words"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "the same as message"},
        "code": {"type": "string", "description": "a word for programs, as not_found"},
        "message": {"type": "string", "description": "a sentence for people, in the language asked for"},
        "field": {"type": "string", "description": "the value at fault, as scans.0.tube; empty for none"},
        "mistakes": {
            "type": "array",
            "description": "all values at fault",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
        "problems": {
            "type": "array",
            "description": "all lines of a file at fault",
            "items": {
                "type": "object",
                "properties": {
                    "line": {"type": ["integer", "null"]},
                    "column": {"type": ["string", "integer", "null"]},
                    "message": {"type": "string"},
                },
            },
        },
    },
}
SECURITY_SCHEMES: Part = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A program's own token (narrowed to its scopes), or one of POST /api/v1/sign-in.",
    },
    "device": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`Device` and the token of an enrolled phone; for phones alone.",
    },
}


def init_app(app: APIFlask) -> None:
    """Attach what completes the description."""

    def complete(document: Part | str) -> Part | str:
        # a string only when the format is YAML, which it is not here
        return document if isinstance(document, str) else _complete(app, document)

    app.spec_processor(complete)


def _complete(app: APIFlask, document: Part) -> Part:
    document["paths"] = {path: item for path, item in document["paths"].items() if path.startswith(PREFIX)}
    document["servers"] = [{"url": "/"}]
    document["info"]["description"] = "Tokens, scopes, errors, sending twice and paging: docs/guides/api.md."
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Error"] = ERROR
    components["securitySchemes"] = SECURITY_SCHEMES
    for path, method, endpoint in _operations(app):
        operation = document["paths"].get(path, {}).get(method)
        if operation is not None:
            permission = getattr(app.view_functions[endpoint], "needed_permission", None)
            _name(operation, endpoint)
            _secure(operation, endpoint, permission)
            _shape_arguments(operation, path)
            _answer(operation, _statuses(operation, endpoint, permission, schemas))
    return document


def list_addresses(app: APIFlask) -> list[dict[str, Any]]:
    """Return every address of the API for a page: `method`, `path`, `summary`, `tag`, `permission`, `takes`.

    `permission` is empty for an open address; `takes` are the fields of the body or the query, those that must be
    there before the others.
    """
    document: Any = app.spec
    schemas = document["components"]["schemas"]
    found = []
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in METHODS:
                found.append(
                    {
                        "method": method.upper(),
                        "path": path,
                        "summary": operation["summary"],
                        "tag": operation["tags"][0],
                        "permission": operation.get("x-permission", ""),
                        "takes": _takes(operation, schemas),
                    }
                )
    return sorted(found, key=lambda one: (one["tag"], one["path"], one["method"]))


def _takes(operation: Part, schemas: Mapping[str, Part]) -> list[tuple[str, bool]]:
    """Return the names of what an address takes, each with whether it must be there."""
    asked = [
        (one["name"], one.get("required", False)) for one in operation["parameters"] if one["in"] == "query"
    ]
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    schema = schemas.get(body.get("$ref", "").rpartition("/")[2], {})
    asked += [(name, name in schema.get("required", ())) for name in schema.get("properties", {})]
    return sorted(asked, key=lambda one: not one[1])


def _operations(app: APIFlask) -> Iterator[tuple[str, str, str]]:
    """Yield path as the document writes it, method and endpoint of every address of the API."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(PREFIX):
            path = ARGUMENT.sub(r"{\1}", rule.rule)
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                yield path, method.lower(), rule.endpoint


def _name(operation: Part, endpoint: str) -> None:
    blueprint, _, view = endpoint.rpartition(".")
    operation["operationId"] = f"{blueprint.removesuffix('_api')}.{view}"


def _secure(operation: Part, endpoint: str, permission: str | None) -> None:
    """Say which tokens are heard, and the permission: the scope that a program's token needs."""
    if permission is None:
        operation["security"] = [{}, {"bearer": []}] if endpoint in OPEN_ENDPOINTS else []
        return
    heard: list[Part] = [] if permission == ONLY_PHONES else [{"bearer": []}]
    if permission in BY_PHONES:
        heard.append({"device": []})
    operation["security"] = heard
    operation["x-permission"] = permission
    told = operation.get("description", "")
    operation["description"] = f"{told}\n\nNeeds the permission (scope) `{permission}`.".strip()


def _shape_arguments(operation: Part, path: str) -> None:
    """Give codes their pattern and ids their format."""
    for parameter in operation.get("parameters", []):
        name = parameter["name"]
        if parameter["in"] != "path":
            continue
        kind = CODES.get(name, "")
        if name == "code":
            kind = CODED[path.removeprefix(PREFIX).split("/")[0]]
        if kind:
            letter = codes.PREFIXES[kind]
            parameter["schema"] = {"type": "string", "pattern": f"^{letter}[{codes.ALPHABET}]{{8}}$"}
            parameter["description"] = f"printed code of the {kind}; small letters and spaces are read, too"
        elif name.endswith("_id"):
            parameter["schema"] = {"type": "string", "format": "uuid"}


def _statuses(
    operation: Part, endpoint: str, permission: str | None, schemas: Mapping[str, Part]
) -> set[int]:
    """Return every refusal an address may answer with."""
    found = {int(status) for status in operation["responses"] if int(status) >= 400}
    found.add(422)  # a control character anywhere is one
    if permission is not None:
        found |= {401, 403}
    if any(parameter["in"] == "path" for parameter in operation["parameters"]):
        found.add(404)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        found |= {400, 413}
        reference = operation["requestBody"]["content"]["application/json"]["schema"].get("$ref", "")
        if "client_id" in schemas.get(reference.rpartition("/")[2], {}).get("properties", {}):
            found.add(409)
    return found


def _answer(operation: Part, statuses: set[int]) -> None:
    """Write the refusals, all of one shape, after the answers that the view names."""
    good = {status: told for status, told in operation["responses"].items() if int(status) < 400}
    if not any(int(status) < 300 for status in good):
        # the view names refusals and no shape of its answer
        good["200"] = {
            "description": "Done.",
            "content": {"application/json": {"schema": {"type": "object"}}},
        }
    bad = {
        str(status): {
            "description": SENTENCES.get(status, HTTPStatus(status).phrase),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Error"}}},
        }
        for status in sorted(statuses)
    }
    operation["responses"] = good | bad
