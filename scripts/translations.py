"""Bring the catalogues up to date: extract message ids, merge them into each language, compile.

    python scripts/translations.py            extract, merge, compile
    python scripts/translations.py --check    say what is missing and exit 1, writing nothing

English is the language of the message ids, so only Vietnamese has a catalogue.
"""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "lims/translations/vi/LC_MESSAGES/messages.po"
MO = PO.with_suffix(".mo")
METHODS = [("lims/**.py", "python"), ("templates/**.html", "jinja2")]
# Errors take a message id first; `_l` is lazy, `N_` marks one in a pure module.
KEYWORDS: dict[str, tuple[int, ...] | None] = {
    "_": None,
    "_l": None,
    "N_": None,
    "gettext": None,
    "lazy_gettext": None,
    "ngettext": (1, 2),
    "LimsError": None,
    "InvalidInput": None,
    "NotFound": None,
    "Refused": None,
    "WrongState": None,
    "AlreadyDone": None,
    "ClientIdReused": None,
    "NotAllowed": None,
    "SignInNeeded": None,
    "TooManyTries": None,
    "BadSearch": None,
    "Gone": None,
}


def extract() -> Catalog:
    """Return all message ids of code and templates, with where they stand."""
    catalogue = Catalog(project="lims", charset="utf-8")
    found = extract_from_dir(
        ROOT,
        method_map=METHODS,
        options_map={"templates/**.html": {"trimmed": "true", "silent": "false"}},
        keywords=KEYWORDS,
        comment_tags=("Translators:",),
    )
    for name, line, message, comments, context in found:
        if message and message != ("",):
            catalogue.add(message, None, [(name, line)], auto_comments=comments, context=context)
    return catalogue


def read() -> Catalog:
    """Return the Vietnamese catalogue."""
    if not PO.exists():
        return Catalog(locale="vi", project="lims", charset="utf-8")
    with PO.open("rb") as file:
        return read_po(file, locale="vi")


def missing(extracted: Catalog, translated: Catalog) -> list[str]:
    """Return the message ids without a (certain) translation."""
    absent = []
    for message in extracted:
        if not message.id:
            continue
        have = translated.get(message.id, message.context)
        texts = (
            have.string if have and isinstance(have.string, tuple | list) else [have.string if have else ""]
        )
        if have is None or have.fuzzy or not all(texts):
            absent.append(message.id if isinstance(message.id, str) else message.id[0])
    return absent


def compiled(catalogue: Catalog) -> bytes:
    """Return the catalogue as Flask-Babel reads it."""
    out = BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()


def update() -> None:
    """Merge what was extracted into the catalogue and compile it; what is no longer used is dropped."""
    catalogue = read()
    catalogue.update(extract(), no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    PO.parent.mkdir(parents=True, exist_ok=True)
    with PO.open("wb") as file:
        write_po(file, catalogue, width=110, sort_output=True, ignore_obsolete=True, include_lineno=False)
    MO.write_bytes(compiled(read()))


def main() -> int:
    """Run as the module's text says."""
    if "--check" not in sys.argv:
        update()
    absent = missing(extract(), read())
    for message in absent:
        print(f"missing: {message}")
    return 1 if absent and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
