"""Drawing sheets: Typst compiles the template with what the sheets say into a PDF/A-2b.

The same sheets give the same bytes: the document's time is handed in. Fonts come from the package, never from the
machine; a letter that they do not have is drawn as an empty box, as PDF/A refuses a document with such a letter. One
compiler is kept in each worker process, as it remembers what it has read (docs/decisions/sheets.md).
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from threading import Lock
from typing import cast

import typst

from lims.errors import Refused
from lims.labels.paper import MONO, REGULAR, font_file, has_letter
from lims.results.sheets.content import Sheet

TEMPLATE = Path(__file__).parent / "sheet.typ"
FONTS = (REGULAR, MONO)
BOX = "□"
_LOCK = Lock()


def find_template(instance: Path) -> Path:
    """Return the laboratory's own template where there is one in the instance's folder, else the product's."""
    own = instance / TEMPLATE.name
    return own if own.is_file() else TEMPLATE


def draw_sheets(sheets: Sequence[Sheet], *, made_at: datetime, template: Path = TEMPLATE) -> bytes:
    """Return a PDF with a page for each sheet; the same for the same arguments.

    Args:
        sheets: at least one.
        made_at: the document's time, an aware moment.
        template: a Typst file that reads `sys.inputs.sheets`.

    Raises:
        ValueError: no sheet.
        Refused: the template has a mistake.
    """
    if not sheets:
        raise ValueError("a document needs a page")
    content = _only_drawable(json.dumps([sheet.for_template() for sheet in sheets], ensure_ascii=False))
    try:
        with _LOCK:
            drawn = _compiler(template).compile(
                format="pdf",
                sys_inputs={"sheets": content},
                pdf_standards="a-2b",
                timestamp=int(made_at.timestamp()),
            )
    except typst.TypstError as error:
        raise Refused(
            "The template of the result sheet has a mistake: %(mistake)s. Mend it, or take it away to use the "
            "product's own.",
            mistake=error.message[:200],
        ) from None
    return cast(bytes, drawn)  # a PDF without a file to write to


def _only_drawable(text: str) -> str:
    return text if text.isascii() else "".join(map(_drawable, text))


@lru_cache(maxsize=4096)
def _drawable(letter: str) -> str:
    """Return a letter as it can be drawn; what is not seen stays."""
    if letter.isspace() or unicodedata.category(letter) == "Cf":
        return letter
    return letter if any(has_letter(letter, font) for font in FONTS) else BOX


@cache
def _compiler(template: Path) -> typst.Compiler:
    fonts = typst.Fonts(
        include_system_fonts=False,
        include_embedded_fonts=False,
        font_paths=[font_file(font).parent for font in FONTS],
    )
    return typst.Compiler(input=template, root=template.parent, font_paths=fonts, sys_inputs={"sheets": "[]"})
