"""An assay's definition as the fields of a form, and back. Pure.

A row more than there is, of targets and of controls, is offered empty: filled in, it is one more.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lims.errors import InvalidInput

MOST_TARGETS = 8
MOST_CONTROLS = 8


def read_form(form: Mapping[str, str]) -> dict[str, Any]:
    """Return the definition that a form describes, as `Assay.to_definition` writes it.

    Args:
        form: the fields: `name`, `min_viral_detected`, …, `target-0-name`, …, `control-0-kind`,
            `control-0-shows-0` (of target 0).

    Raises:
        InvalidInput: a field that must be a number is none.
    """
    places = [place for place in range(MOST_TARGETS) if form.get(f"target-{place}-name", "").strip()]
    targets = [_read_target(form, place) for place in places]
    return {
        "name": form.get("name", "").strip(),
        "targets": targets,
        "min_viral_detected": _count(form, "min_viral_detected"),
        "internal_control": form.get("internal_control", ""),
        "controls": [
            _read_control(form, number, places, targets)
            for number in range(MOST_CONTROLS)
            if form.get(f"control-{number}-kind", "").strip()
        ],
        "max_pool_size": _count(form, "max_pool_size"),
        "wells_per_pool": _count(form, "wells_per_pool"),
        "source": form.get("source", "").strip()[:500],
    }


def write_form(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return the fields of a definition; `read_form` is the way back."""
    fields = {
        name: str(definition.get(name, default))
        for name, default in (
            ("name", ""),
            ("min_viral_detected", 1),
            ("internal_control", "needed_for_negative"),
            ("max_pool_size", 10),
            ("wells_per_pool", 1),
            ("source", ""),
        )
    }
    places = {}
    for place, target in enumerate(definition["targets"]):
        places[target["name"]] = place
        fields |= {
            f"target-{place}-{name}": _written(target.get(name))
            for name in (
                "name",
                "dye",
                "role",
                "cutoff",
                "comparison",
                "floor",
                "grey_from",
                "grey_to",
                "pool_cutoff",
            )
        }
        fields[f"target-{place}-aliases"] = ", ".join(target.get("aliases", ()))
    for number, control in enumerate(definition["controls"]):
        fields[f"control-{number}-kind"] = control["kind"]
        fields[f"control-{number}-required_count"] = str(control["required_count"])
        fields[f"control-{number}-stops"] = control.get("stops", "run")
        for name, wanted in control["targets"].items():
            key = f"control-{number}-{{}}-{places[name]}"
            fields[key.format("shows")] = wanted["shows"]
            fields[key.format("min")] = _written(wanted.get("min"))
            fields[key.format("max")] = _written(wanted.get("max"))
    return fields


def _read_target(form: Mapping[str, str], place: int) -> dict[str, Any]:
    key = f"target-{place}-{{}}"
    aliases = [alias.strip() for alias in form.get(key.format("aliases"), "").split(",")]
    return {
        "name": form[key.format("name")].strip(),
        "dye": form.get(key.format("dye"), "").strip(),
        "role": form.get(key.format("role"), ""),
        "cutoff": _number(form, key.format("cutoff"), needed=True),
        "comparison": form.get(key.format("comparison"), ""),
        "floor": _number(form, key.format("floor")) or 0.0,
        "grey_from": _number(form, key.format("grey_from")),
        "grey_to": _number(form, key.format("grey_to")),
        "aliases": [alias for alias in aliases if alias],
        "pool_cutoff": _number(form, key.format("pool_cutoff")),
    }


def _read_control(
    form: Mapping[str, str], number: int, places: list[int], targets: list[dict[str, Any]]
) -> dict[str, Any]:
    key = f"control-{number}-"
    return {
        "kind": form[f"{key}kind"].strip(),
        "required_count": _count(form, f"{key}required_count"),
        "stops": form.get(f"{key}stops", "run"),
        "targets": {
            target["name"]: {
                "shows": form.get(f"{key}shows-{place}", "any"),
                "min": _number(form, f"{key}min-{place}"),
                "max": _number(form, f"{key}max-{place}"),
            }
            for place, target in zip(places, targets, strict=True)
            if form.get(f"{key}shows-{place}", "any") != "any"
        },
    }


def _number(form: Mapping[str, str], field: str, *, needed: bool = False) -> float | None:
    text = form.get(field, "").strip().replace(",", ".")
    if not text and not needed:
        return None
    try:
        return float(text)
    except ValueError:
        raise InvalidInput("“%(text)s” is not a number of cycles.", field=field, text=text[:20]) from None


def _count(form: Mapping[str, str], field: str) -> int:
    text = form.get(field, "").strip()
    if not text.isdigit() or len(text) > 4:
        raise InvalidInput("“%(text)s” is not a whole number.", field=field, text=text[:20])
    return int(text)


def _written(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
