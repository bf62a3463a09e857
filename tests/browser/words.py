"""What the pages say: tests name a text by its English msgid and click what stands there in Vietnamese."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUE = Path(__file__).parents[2] / "lims" / "translations" / "vi" / "LC_MESSAGES" / "messages.po"
# shorter msgids are words that both languages may write alike, as "Ct"
SHORTEST_SENTENCE = 2
_PARAMETER = re.compile(r"%\((\w+)\)[sd]")


@cache
def _catalogue() -> dict[str, str]:
    with CATALOGUE.open("rb") as file:
        read = read_po(file, locale="vi")
    pairs = {}
    for message in read:
        source = message.id if isinstance(message.id, str) else message.id[0]
        target = message.string if isinstance(message.string, str) else message.string[0]
        if source:
            pairs[source] = target or source
    return pairs


def vi(msgid: str, **parameters: object) -> str:
    """Return the Vietnamese words of an English msgid, which must be in the catalogue."""
    text = _catalogue()[msgid]
    return text % parameters if parameters else text


@cache
def english_sentences() -> re.Pattern[str]:
    """Return a pattern that matches a whole text which is an English msgid of two words or more, translated."""
    found = []
    for source, target in _catalogue().items():
        words = re.findall(r"[A-Za-z]{2,}", _PARAMETER.sub("", source))
        if source != target and len(words) >= SHORTEST_SENTENCE:
            parts = _PARAMETER.split(source)[::2]
            found.append(".+?".join(re.escape(part.replace("%%", "%")) for part in parts))
    return re.compile("|".join(f"(?:{pattern})" for pattern in found))
