"""XML as instruments export it: parsed without entities, and with a bound on its size. Pure."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from lims.pooling.instruments.tables import damaged

_ENCODING = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
MOST_ELEMENTS = 2_000_000


def parse(written: str) -> ElementTree.Element:
    """Parse a document.

    Args:
        written: the decoded text; a declared encoding is no longer true of it and is dropped.

    Raises:
        FileRefused: not well formed, or with a document type: no instrument writes one, and entities can grow without
            bound.
    """
    if "<!DOCTYPE" in written or "<!ENTITY" in written or written.count("<") > MOST_ELEMENTS:
        raise damaged()
    try:
        return ElementTree.fromstring(_ENCODING.sub("", written, count=1).lstrip())  # noqa: S314 - no entities
    except (ElementTree.ParseError, ValueError):
        raise damaged() from None


def local_name(element: ElementTree.Element) -> str:
    """Return an element's name without namespace, its escaped characters (`_x0020_`) written out."""
    name = element.tag.rsplit("}", 1)[-1] if isinstance(element.tag, str) else ""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda match: chr(int(match[1], 16)), name)
