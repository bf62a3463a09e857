"""Several ES modules as one script: a file opened from a disk may import none. Reads files, knows nothing else.

Each module becomes a function that returns what it exports, in the order in which they need each other. Only the forms
of import and export are understood that this project's scripts and the vendored reader of codes use; anything else is
refused, so that nothing is left out in silence.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

_IMPORT = re.compile(r'^import\s*\{([^}]*)\}\s*from\s*"([^"]+)";[ \t]*$', re.MULTILINE)
_EXPORT_LIST = re.compile(r"^export\s*\{([^}]*)\};[ \t]*$", re.MULTILINE)
_EXPORT = re.compile(r"^export\s+((?:async\s+)?function\*?|class|const|let)\s+(\w+)", re.MULTILINE)
_LEFT = re.compile(r"^\s*(?:import\b(?!\.)|export\b).*$|\bimport\s*\(|\bimport\.meta\b", re.MULTILINE)


class BundleError(ValueError):
    """A module has a form of import or export that is not understood, or modules need each other in a ring."""


def bundle(entry: Path) -> str:
    """Return one script for a module and all that it needs.

    Args:
        entry: the module that is run; what it exports the script exports.

    Raises:
        BundleError: something is not understood.
        OSError: a module is not there.
    """
    written: dict[Path, str] = {}
    exported = _add(entry.resolve(), written, ())
    names = ", ".join(exported)
    last = f"export const {{ {names} }} = modules[{len(written) - 1}];\n" if names else ""
    return "const modules = [];\n" + "".join(written.values()) + last


def _add(module: Path, written: dict[Path, str], within: Sequence[Path]) -> list[str]:
    """Write a module behind those it needs; return the names that it exports."""
    if module in within:
        raise BundleError(f"{module.name} needs itself")
    text = module.read_text(encoding="utf-8")
    imports = []
    for names, address in _IMPORT.findall(text):
        needed = (module.parent / address).resolve()
        if needed not in written:
            _add(needed, written, [*within, module])
        imports.append(f"const {{ {_renamed(names, ': ')} }} = modules[{list(written).index(needed)}];\n")
    exports = _list_exports(text)
    body = _EXPORT.sub(r"\1 \2", _EXPORT_LIST.sub("", _IMPORT.sub("", text)))
    left = _LEFT.search(body)
    if left:
        raise BundleError(f"{module.name}: {left.group().strip()[:80]} is not understood")
    given = ", ".join(f"{outside}: {inside}" for outside, inside in exports.items())
    written[module] = (
        f"modules[{len(written)}] = (() => {{\n{''.join(imports)}{body}\nreturn {{ {given} }};\n}})();\n"
    )
    return list(exports)


def _list_exports(text: str) -> dict[str, str]:
    """Return what a module exports: name outside → name inside."""
    plain = {name: name for _, name in _EXPORT.findall(text)}
    return plain | {new: old for names in _EXPORT_LIST.findall(text) for old, new in _pairs(names)}


def _pairs(names: str) -> list[tuple[str, str]]:
    """Return (name inside, name outside) of a list such as `a, b as c`."""
    pairs = [re.split(r"\s+as\s+", one.strip()) for one in names.split(",") if one.strip()]
    return [(pair[0], pair[-1]) for pair in pairs]


def _renamed(names: str, sign: str) -> str:
    return ", ".join(old if old == new else f"{old}{sign}{new}" for old, new in _pairs(names))
