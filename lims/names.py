"""Names of people: clean, find and sort them the Vietnamese way.

Pure text in, text out. The folded form is for searching and matching, never for showing; a name is shown as
it was written, and what looks like HTML or SQL is kept, because to us it is only text.

Sources: Vietnamese lists go by given name (the last word), then middle, then family name; the alphabet and
the order of the tones are ICU's, by the package vn-collate.
"""

from __future__ import annotations

import unicodedata

from vn_collate import collate_key

from lims.errors import InvalidInput

LONGEST_NAME = 120
"""Characters; the longest real names on record need about half."""

_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
"""Soft hyphens and zero-width characters come along when text is copied; nobody typed them: they are
dropped."""

_FORBIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
"""Unicode categories that no name needs: control, direction marks, lone surrogates, private, unassigned."""


def fold(text: str) -> str:
    """Reduce a text to what two spellings of it have in common: no marks, no case, single blanks.

    "Hòa" and "Hoà" are both "hoa", "ĐẶNG" is "dang". The letter đ has no decomposition in Unicode, so it is
    replaced by hand. Folding twice changes nothing.

    Args:
        text: any text.

    Returns:
        The folded text, to store beside the name and to compare with other folded texts.
    """
    if not text.isascii():
        text = _without_marks(unicodedata.normalize("NFC", text).replace("đ", "d").replace("Đ", "D"))
        text = unicodedata.normalize("NFC", _without_marks(text.casefold()))
    return " ".join(text.casefold().split())


def sort_key(full_name: str) -> bytes:
    """Return the bytes by which a name takes its place in a Vietnamese list.

    Given name first, then the middle names, then the family name; upper and lower case stand together.
    Compare the keys as bytes (a binary column), never as text under a database's own collation.

    Args:
        full_name: family, middle and given names, in that order, as Vietnamese names are written.

    Returns:
        The key; equal only for names that fold, and are spelt, alike.
    """
    words = unicodedata.normalize("NFC", full_name).lower().split()
    given, middle, family = words[-1:], words[1:-1], words[:1] if len(words) > 1 else []
    # A zero byte after each part: fewer middle names come first, and no letter's weight is zero.
    parts = (b"".join(bytes.fromhex(collate_key(word)) for word in part) for part in (given, middle, family))
    # Letters outside the Vietnamese alphabet all weigh the same, so the text itself breaks the tie.
    return b"\x00".join(parts) + b"\x00" + " ".join(words).encode()


def clean_name(text: str, *, field: str, longest: int = LONGEST_NAME) -> str:
    """Return a person's name ready to store: composed, single blanks, nothing invisible.

    Args:
        text: the name as typed, scanned or imported.
        field: name of the input, for the error.
        longest: most characters allowed.

    Raises:
        InvalidInput: empty, too long, without any letter, or holding control or unreadable characters.
    """
    name = clean_text(text, field=field, longest=longest)
    if not name:
        raise InvalidInput("The name is missing. Write the full name.", field=field)
    if len(fold(name)) > longest:
        # A few letters of other alphabets fold to two; the folded name has a column of the same width.
        raise InvalidInput("Too long: at most %(longest)s characters.", field=field, longest=longest)
    if not any(character.isalpha() for character in name):
        raise InvalidInput("A name needs letters. Write the full name.", field=field)
    return name


def clean_text(text: str, *, field: str, longest: int) -> str:
    """Return free text on one line: composed (NFC), single blanks, nothing invisible; empty is allowed.

    Args:
        text: what was typed or imported; line breaks and tabs become blanks.
        field: name of the input, for the error.
        longest: most characters allowed.

    Raises:
        InvalidInput: too long, or holding control characters (NUL among them) or characters lost in reading.
    """
    # Decomposed Vietnamese has up to three characters a letter; normalising a huge
    # text only to refuse it would be work done for an attacker.
    if len(text) > 3 * longest + 100:
        raise InvalidInput("Too long: at most %(longest)s characters.", field=field, longest=longest)
    cleaned = " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())
    if len(cleaned) > longest:
        raise InvalidInput("Too long: at most %(longest)s characters.", field=field, longest=longest)
    if not (cleaned.isascii() and cleaned.isprintable()):
        _refuse_forbidden(cleaned, field=field)
    return cleaned


def _refuse_forbidden(text: str, *, field: str) -> None:
    if "\ufffd" in text:
        raise InvalidInput("Some letters could not be read. Write the text again.", field=field)
    for character in text:
        if unicodedata.category(character) in _FORBIDDEN:
            raise InvalidInput(
                "A character that cannot be printed (%(code)s) is not allowed. Write the text again.",
                field=field,
                code=f"U+{ord(character):04X}",
            )


def _without_marks(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(
        character for character in decomposed if not unicodedata.category(character).startswith("M")
    )
