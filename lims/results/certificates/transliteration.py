"""Names as the machine-readable zone of a passport writes them. Pure.

Source: ICAO Doc 9303 part 3, section 6: capital letters without marks, "<" for a blank or a hyphen, apostrophes left
out. For the letters of Vietnamese that is the letter without its marks, đ is D.
"""

from __future__ import annotations

import unicodedata

LONGEST = 80
# letters that do not decompose; as ICAO recommends
_LETTERS = {
    "Đ": "D",
    "Ð": "D",
    "Ø": "OE",
    "Æ": "AE",
    "Œ": "OE",
    "Þ": "TH",
    "Ł": "L",
    "ß": "SS",
    "ẞ": "SS",
    "ı": "I",
}
_GAPS = frozenset(" -‐‑–")


def transliterate(name: str) -> str:
    """Return a name in the letters A to Z and "<", at most 80 characters."""
    letters: list[str] = []
    for character in unicodedata.normalize("NFC", name):
        if character in _GAPS:
            letters.append("<")
            continue
        for upper in _LETTERS.get(character, character.upper()):
            plain = unicodedata.normalize("NFD", _LETTERS.get(upper, upper))
            letters.extend(letter for letter in plain if "A" <= letter <= "Z")
    return "<".join(part for part in "".join(letters).split("<") if part)[:LONGEST]
