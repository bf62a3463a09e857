"""Whether something that was sent in is R4 at all. Pure.

`fhir.resources` (R4B, which is R4 for the resources here) knows every element and checks dates, formats and what is
required. It takes text for numbers, any code and any target of a reference; so its own description of the elements is
walked here, too, and read strictly. Both say the path of what is at fault.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from lims.msgid import N_
from lims.results.fhir.problems import Problem

DEEPEST = 30
MOST_PROBLEMS = 50
_LITERAL = re.compile(
    r"(?:https?://\S+/)?([A-Z][A-Za-z]{1,63})/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?"
)
# Whoever does not understand these must not go on (R4, 2.1.0.5): nothing here does.
NOT_UNDERSTOOD = frozenset({"modifierExtension", "implicitRules", "contained"})

UNKNOWN = N_("%(name)s is no element of %(kind)s. Leave it out.")
LIST = N_("This is a list. Send [ … ].")
NO_LIST = N_("This is a single value, no list.")
EMPTY = N_("This is empty. Leave it out, or say something.")
DEEP = N_("This is nested too deeply.")
SHAPES: Mapping[type, str] = {
    bool: N_("Send true or false."),
    int: N_("Send a whole number."),
    Decimal: N_("Send a number."),
    str: N_("Send a text."),
    dict: N_("Send an object: { … }."),
}
CODE = N_("“%(code)s” is not one of the codes allowed here: %(allowed)s.")
TARGET = N_("This refers to %(kind)s; allowed are %(allowed)s.")
CHOICE = N_("Only one of %(names)s can be there.")
UNUSED = N_("%(name)s cannot be understood here. Leave it out.")
NO_TYPE = N_("“%(kind)s” is no type of resource of R4.")
INVARIANT = N_("A value and a reason why there is none cannot be there together (obs-6).")
REQUIRED = N_("This element is required.")
FORMAT = N_("This does not have the form that R4 asks for.")


def check_resource(resource: object, path: str) -> list[Problem]:
    """Return what is wrong with the structure of a resource.

    Args:
        resource: as it was sent.
        path: where it stands, as "Bundle.entry[0].resource".
    """
    if not isinstance(resource, dict):
        return [Problem("structure", SHAPES[dict], path)]
    kind = resource.get("resourceType")
    model = _find_model(kind) if isinstance(kind, str) else None
    if model is None:
        return [Problem("structure", NO_TYPE, f"{path}.resourceType", {"kind": str(kind)[:60]})]
    return check_element(resource, model, path)


def check_element(value: dict[str, Any], model: type[BaseModel], path: str) -> list[Problem]:
    """Return what is wrong with an element or a resource of a model, at most 50 things."""
    found = []
    for problem in _walk(value, model, path, 0):
        found.append(problem)
        if len(found) >= MOST_PROBLEMS:
            return found
    if any(problem.message in (DEEP, UNUSED) for problem in found):
        return found
    seen = {problem.expression for problem in found}
    found += [problem for problem in _validate(value, model, path) if problem.expression not in seen]
    if value.get("resourceType") == "Observation" and "dataAbsentReason" in value and _values(value):
        found.append(Problem("invariant", INVARIANT, f"{path}.dataAbsentReason"))
    return found[:MOST_PROBLEMS]


def get_model(kind: str) -> type[BaseModel]:
    """Return the model of a type that there is."""
    model = _find_model(kind)
    if model is None:
        raise LookupError(kind)
    return model


@lru_cache(maxsize=200)
def _find_model(kind: str) -> type[BaseModel] | None:
    # imported at first use: most processes never take anything in
    from fhir.resources.R4B import get_fhir_model_class
    from fhir.resources.R4B.domainresource import DomainResource
    from fhir.resources.R4B.resource import Resource

    try:
        model: type[BaseModel] = get_fhir_model_class(kind)
    except (LookupError, ValueError):
        return None
    if not issubclass(model, Resource) or model in (Resource, DomainResource):
        return None
    return model


@lru_cache(maxsize=500)
def _fields(model: type[BaseModel]) -> Mapping[str, Any]:
    return {field.alias or name: field for name, field in model.model_fields.items()}


def _values(value: Mapping[str, Any]) -> list[str]:
    return [name for name in value if re.fullmatch(r"value[A-Z].*", name)]


def _kind_of(annotation: Any) -> tuple[bool, Any, bool]:
    """Return whether an element is a list, what it is made of, and whether that is a code."""
    is_list = is_code = False
    while arguments := get_args(annotation):
        is_code |= any(type(one).__name__ == "Code" for one in getattr(annotation, "__metadata__", ()))
        if getattr(annotation, "__origin__", None) is list:
            is_list = True
        annotation = next(one for one in arguments if one is not type(None))
    return is_list, annotation, is_code


def _element(name: str, field: Any) -> str:
    """Return an element's name in a path: FHIRPath calls valueQuantity value."""
    return str((field.json_schema_extra or {}).get("one_of_many") or name)


def _walk(value: dict[str, Any], model: type[BaseModel], path: str, depth: int) -> Iterator[Problem]:
    if depth > DEEPEST:
        yield Problem("structure", DEEP, path)
        return
    if not value:
        yield Problem("structure", EMPTY, path)
    choices: defaultdict[str, list[str]] = defaultdict(list)
    for name, item in value.items():
        field = _fields(model).get(name)
        if name == "resourceType":
            continue
        if field is None:
            words = {"name": name[:60], "kind": model.__name__}
            yield Problem("structure", UNKNOWN, f"{path}.{name.lstrip('_')}"[:300], words)
        elif name in NOT_UNDERSTOOD:
            yield Problem("not-supported", UNUSED, f"{path}.{name}", {"name": name})
        elif not name.startswith("_"):
            element = _element(name, field)
            if element != name:
                choices[element].append(name)
            yield from _check_item(item, field, f"{path}.{element}", depth)
    for element, names in choices.items():
        if len(names) > 1:
            yield Problem("structure", CHOICE, f"{path}.{element}", {"names": ", ".join(sorted(names))})


def _check_item(item: Any, field: Any, path: str, depth: int) -> Iterator[Problem]:
    is_list, kind, is_code = _kind_of(field.annotation)
    if is_list != isinstance(item, list):
        yield Problem("structure", LIST if is_list else NO_LIST, path)
        return
    if is_list and not item:
        yield Problem("structure", EMPTY, path)
    extra = field.json_schema_extra or {}
    for index, one in enumerate(item if is_list else [item]):
        here = f"{path}[{index}]" if is_list else path
        # null stands in a list for a value that has only an extension
        if one is not None or not is_list or hasattr(kind, "get_model_klass"):
            yield from _check_value(one, kind, extra, is_code, here, depth)


def _check_value(
    value: Any, kind: Any, extra: Mapping[str, Any], is_code: bool, path: str, depth: int
) -> Iterator[Problem]:
    if hasattr(kind, "get_model_klass"):
        if not isinstance(value, dict):
            yield Problem("structure", SHAPES[dict], path)
            return
        yield from _walk(value, kind.get_model_klass(), path, depth + 1)
        if "enum_reference_types" in extra:
            yield from _check_target(value, extra["enum_reference_types"], path)
        return
    wanted = kind if kind in (bool, int, Decimal) else str
    if not _fits(value, wanted):
        yield Problem("value", SHAPES[wanted], path)
    elif is_code and "enum_values" in extra and value not in extra["enum_values"]:
        words = {"code": value[:60], "allowed": ", ".join(extra["enum_values"])}
        yield Problem("code-invalid", CODE, path, words)


def _fits(value: Any, wanted: type) -> bool:
    if wanted is bool or isinstance(value, bool):
        return wanted is bool and isinstance(value, bool)
    if wanted is Decimal:
        return isinstance(value, int | float)
    return isinstance(value, wanted)


def _check_target(value: Mapping[str, Any], allowed: Sequence[str], path: str) -> Iterator[Problem]:
    literal = _LITERAL.fullmatch(str(value.get("reference", "")))
    kind = literal[1] if literal else value.get("type")
    if isinstance(kind, str) and kind not in allowed and "Resource" not in allowed:
        where = f"{path}.reference" if literal else f"{path}.type"
        yield Problem("value", TARGET, where, {"kind": kind[:60], "allowed": ", ".join(allowed)})


def _validate(value: dict[str, Any], model: type[BaseModel], path: str) -> Iterator[Problem]:
    try:
        model.model_validate(value)
    except ValidationError as refusal:
        for error in refusal.errors(include_url=False, include_input=False):
            missing = error["type"] == "missing"
            yield Problem(
                "required" if missing else "value",
                REQUIRED if missing else FORMAT,
                _path_of(error["loc"], model, path),
                diagnostics="" if missing else str(error["msg"]).removeprefix("Value error, ")[:200],
            )


def _path_of(location: Sequence[int | str], model: type[BaseModel], path: str) -> str:
    for part in location:
        if isinstance(part, int):
            path += f"[{part}]"
        elif part != "root":
            field = _fields(model).get(part)
            path += f".{_element(part, field) if field else part.lstrip('_')}"
            kind: Any = _kind_of(field.annotation)[1] if field else None
            model = kind.get_model_klass() if hasattr(kind, "get_model_klass") else model
    return path
