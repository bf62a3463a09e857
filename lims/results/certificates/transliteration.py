"""Names as the machine-readable zone of a passport writes them. Pure.

Source: ICAO Doc 9303 part 3, section 6: capital letters without marks, "<" for a blank or a hyphen, apostrophes left
out. For the letters of Vietnamese that is the letter without its marks, đ is D.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 80
# capital letters that do not decompose, as ICAO recommends; what divides names
_LETTERS = str.maketrans(
    {"Đ": "D", "Ð": "D", "Ø": "OE", "Æ": "AE", "Œ": "OE", "Þ": "TH", "Ł": "L", "ẞ": "SS"}
    | dict.fromkeys(" -‐‑–", "<")
)
_OTHERS, _SEVERAL = re.compile("[^A-Z<]"), re.compile("<+")


def transliterate(name: str) -> str:
    """Return a name in the letters A to Z and "<", at most 80 characters."""
    upper = unicodedata.normalize("NFC", name).upper().translate(_LETTERS)
    plain = _OTHERS.sub("", unicodedata.normalize("NFD", upper))
    return _SEVERAL.sub("<", plain).strip("<")[:LONGEST]
