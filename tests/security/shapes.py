"""Bodies of the shape that the API's own description gives, for tests that walk all its addresses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from typing import Any

Document = Mapping[str, Any]


def list_posts(document: Document) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield every address that takes a JSON body, with the body's schema."""
    for path, methods in document["paths"].items():
        if "requestBody" in methods.get("post", {}):
            yield path, methods["post"]["requestBody"]["content"]["application/json"]["schema"]


def _resolved(schema: Mapping[str, Any], document: Document) -> Mapping[str, Any]:
    if "$ref" in schema:
        return _resolved(document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document)
    if "anyOf" in schema:
        return _resolved(next(one for one in schema["anyOf"] if one.get("type") != "null"), document)
    return schema


def make_example(
    schema: Mapping[str, Any], document: Document, *, known: Mapping[str, Any] | None = None, name: str = ""
) -> Any:
    """Return a value of a schema's shape, with one item in every list.

    Args:
        schema: part of the document.
        document: the OpenAPI document.
        known: values by name of the field, instead of invented ones.
        name: of the field itself.
    """
    if known and name in known:
        return known[name]
    schema = _resolved(schema, document)
    kind = schema.get("type")
    if kind == "object":
        inner = schema.get("properties", {})
        return {key: make_example(one, document, known=known, name=key) for key, one in inner.items()}
    if kind == "array":
        return [make_example(schema["items"], document, known=known)]
    if kind == "string":
        texts = {"uuid": str(uuid.uuid4()), "date-time": "2021-08-16T08:00:00+07:00", "date": "2021-08-16"}
        return texts.get(schema.get("format", ""), (schema.get("enum") or ["x"])[0])
    return {"integer": 1, "number": 1.0, "boolean": False}.get(str(kind))
