"""Texts that come from outside: which characters no database and no label can hold, and every text of a body. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from lims.errors import InvalidInput

# Cc without tab and line breaks, and lone surrogates (Unicode categories Cc and Cs).
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


def check_text(text: str, *, field: str) -> None:
    """Refuse a text that no database and no label can hold.

    Args:
        text: as it came.
        field: name of the input, for the error.

    Raises:
        InvalidInput: it holds a control character other than tab and line breaks, or half a character.
    """
    found = FORBIDDEN.search(text)
    if found:
        raise InvalidInput(
            "A character that cannot be printed (%(code)s) is not allowed. Write the text again.",
            field=field,
            code=f"U+{ord(found.group()):04X}",
        )


def walk_texts(value: Any, *, field: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text inside a JSON value with the name of its field, as "scans.0.tube"; names of fields, too.

    Args:
        value: what JSON holds, however deep.
        field: name of the value itself.
    """
    waiting: list[tuple[str, Any]] = [(field, value)]
    while waiting:
        name, item = waiting.pop()
        if isinstance(item, str):
            yield name, item
        elif isinstance(item, dict):
            yield from ((name, key) for key in item)
            waiting += ((f"{name}.{key}" if name else str(key), inner) for key, inner in item.items())
        elif isinstance(item, list):
            waiting += (
                (f"{name}.{place}" if name else str(place), inner) for place, inner in enumerate(item)
            )
