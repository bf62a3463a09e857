"""Every printed code: minting, checking, reading. Pure: no database, no Flask.

A code that is scanned at work is a prefix letter, six random characters and two check characters, shown in
groups of three. The secret result code of a person is thirteen random characters and one check character,
shown 5-5-4. What makes a code genuine (it was minted here) is not decided here but by the tables that keep
them; what is here tells a misread or mistyped code from a possible one.

The alphabet has 23 characters: no vowels and no D W Y, so that no Vietnamese input method (Telex, VNI) can
turn a scan into letters with marks and no word can appear by chance; and no letter that looks like a digit
(B8, S5, Z2, Q0, L1). 23 is prime, so plain arithmetic modulo 23 gives check characters whose strength is
proved, not hoped for (tests/test_codes.py, docs/decisions/codes-and-labels.md). static/js/codes.js is the
same in the browser.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection
from typing import NamedTuple

from lims.errors import InvalidInput
from lims.msgid import N_

ALPHABET = "0123456789CFGHJKMNPRTVX"
PREFIXES = {
    "declaration": "K",
    "tube": "T",
    "box": "X",
    "pool": "P",
    "plate": "G",
    "extraction": "R",
    "badge": "C",
    "household": "H",
    "site": "V",
}
LENGTH = 9
RANDOM_LENGTH = 6
RESULT_LENGTH = 14

_KINDS = {letter: kind for kind, letter in PREFIXES.items()}
_BASE = len(ALPHABET)
_VALUES = {character: value for value, character in enumerate(ALPHABET)}
# Only ASCII is upper-cased: str.upper() would turn "ı" into I and "ſ" into S, and so into digits.
_LOWER = "abcdefghijklmnopqrstuvwxyz"
_FOLDED = {"O": "0", "Q": "0", "D": "0", "I": "1", "L": "1", "Z": "2", "S": "5", "B": "8"}
_DROPPED = " \t\r\n-\u00a0\u2009\u200b\u202f\ufeff\u2010\u2011\u2012\u2013"
_NORMALISED = str.maketrans(
    {
        **{letter: _FOLDED.get(letter.upper(), letter.upper()) for letter in _LOWER},
        **_FOLDED,
        **dict.fromkeys(_DROPPED, ""),
    }
)
_ECHO_LENGTH = 40


# One sentence for what was scanned; what should have been scanned is told by its first letter.
_OF_KIND = {
    "declaration": N_("%(code)s is the code of a declaration. Scan a code that begins with %(letters)s."),
    "tube": N_("%(code)s is the code of a tube. Scan a code that begins with %(letters)s."),
    "box": N_("%(code)s is the code of a box. Scan a code that begins with %(letters)s."),
    "pool": N_("%(code)s is the code of a pool. Scan a code that begins with %(letters)s."),
    "plate": N_("%(code)s is the code of a plate. Scan a code that begins with %(letters)s."),
    "extraction": N_("%(code)s is the code of an extraction. Scan a code that begins with %(letters)s."),
    "badge": N_("%(code)s is the code of a staff badge. Scan a code that begins with %(letters)s."),
    "household": N_("%(code)s is the code of a household. Scan a code that begins with %(letters)s."),
    "site": N_("%(code)s is the code of a site. Scan a code that begins with %(letters)s."),
}


class Code(NamedTuple):
    """A code that can be one of ours: its kind (a key of `PREFIXES`) and its nine characters."""

    kind: str
    text: str


def normalise(text: str) -> str:
    """Bring typed or scanned text to the form codes are kept in.

    Args:
        text: as typed, read aloud or scanned.

    Returns:
        Upper case, without spaces and hyphens, look-alike letters folded to the digit they are taken for
        (O Q D to 0, I L to 1, Z to 2, S to 5, B to 8). Any other character stays, to be refused later.
    """
    return text.translate(_NORMALISED)


def check_characters(body: str) -> str:
    """Calculate the two check characters of a code.

    With i the position from the right, counted from 1, and v a character's place in the alphabet, the whole
    code fulfils sum(v) = 0 and sum(i * v) = 0 modulo 23: a code over GF(23) of distance 3, so every error in
    one or two characters is found and a single one can be located.

    Args:
        body: the prefix letter and the six random characters, normalised.

    Returns:
        The two characters to append.
    """
    plain, weighted = _sums(body + ALPHABET[0] * 2)
    return ALPHABET[(plain - weighted) % _BASE] + ALPHABET[(weighted - 2 * plain) % _BASE]


def mint(kind: str) -> str:
    """Draw one code at random; whoever keeps it has the UNIQUE constraint that makes it the only one.

    Args:
        kind: a key of `PREFIXES`.

    Returns:
        Nine characters. Neighbours in time or on a roll are not neighbours in value.

    Raises:
        ValueError: there is no such kind.
    """
    return mint_many(kind, 1)[0]


def mint_many(kind: str, count: int) -> list[str]:
    """Draw several different codes at random.

    Args:
        kind: a key of `PREFIXES`.
        count: how many, 0 or more.

    Returns:
        `count` codes, all different, in random order.

    Raises:
        ValueError: there is no such kind, or the count is negative or beyond half of all codes of a kind.
    """
    if kind not in PREFIXES:
        raise ValueError(f"no codes of kind {kind!r}")
    if not 0 <= count <= _BASE**RANDOM_LENGTH // 2:
        raise ValueError(f"cannot mint {count} codes")
    numbers: dict[int, None] = {}
    while len(numbers) < count:
        numbers[secrets.randbelow(_BASE**RANDOM_LENGTH)] = None
    bodies = (PREFIXES[kind] + _written(number, RANDOM_LENGTH) for number in numbers)
    return [body + check_characters(body) for body in bodies]


def parse(text: str, *, expect: str | Collection[str] | None = None, field: str = "code") -> Code:
    """Read a scanned or typed code.

    Args:
        text: as scanned or typed.
        expect: the kind, or the kinds, that fit here; any kind when left out.
        field: name of the input, for the error.

    Returns:
        The code, normalised, with its kind. That it was minted here is still to be looked up.

    Raises:
        InvalidInput: it is not a code, its check characters are wrong (with the code it may have been, in the
            parameter `suggestion`), or it is a code of another kind. A secret result code is never repeated
            in the message.
    """
    code = normalise(text)
    if not code:
        raise InvalidInput("Scan or type a code.", field=field)
    if _may_be_result_code(code.rpartition("#")[2]):
        raise InvalidInput(
            "This is a secret result code, which belongs to the person alone. Scan the work code instead.",
            field=field,
        )
    if any(letter.isalpha() and not letter.isascii() for letter in code):
        raise InvalidInput(
            "Switch off the Vietnamese input method, then scan again: %(code)s has letters with marks.",
            field=field,
            code=_echo(text),
        )
    if not _is_sound(code):
        _refuse_unsound(code, text, field)
    kind = _KINDS[code[0]]
    expected = (expect,) if isinstance(expect, str) else expect
    if expected is not None and kind not in expected:
        letters = " / ".join(PREFIXES[wanted] for wanted in expected)
        raise InvalidInput(_OF_KIND[kind], field=field, code=grouped(code), letters=letters)
    return Code(kind, code)


def suggest(text: str) -> str | None:
    """Find the code that differs from a wrong one in exactly one character.

    It is offered, never taken: two wrong characters can point at a third code.

    Args:
        text: as scanned or typed.

    Returns:
        The nine characters of the only sound code at distance one, or None when the text is sound already or
        there is no such code.
    """
    code = normalise(text)
    if len(code) != LENGTH:
        return None
    foreign = [at for at, character in enumerate(code) if character not in _VALUES]
    plain, weighted = _sums(code)
    if plain:
        # One character too large by e at position j makes the sums e and j * e.
        at = LENGTH - weighted * pow(plain, -1, _BASE) % _BASE
    elif foreign:
        at = foreign[0]
    else:
        return None
    if not 0 <= at < LENGTH:
        return None
    right = ALPHABET[(_VALUES.get(code[at], 0) - plain) % _BASE]
    mended = code[:at] + right + code[at + 1 :]
    return mended if _is_sound(mended) else None


def grouped(code: str) -> str:
    """Write a code the way people read it.

    Args:
        code: a work code or a result code, normalised.

    Returns:
        Groups of three (`T3K 9F2 C5N`), or 5-5-4 for a result code, parted by spaces.
    """
    size = 5 if len(code) == RESULT_LENGTH else 3
    return " ".join(code[start : start + size] for start in range(0, len(code), size))


def mint_result_code() -> str:
    """Draw a secret result code: 13 random characters (58.8 bits) and a check character."""
    return _with_result_check(_written(secrets.randbelow(_BASE ** (RESULT_LENGTH - 1)), RESULT_LENGTH - 1))


def result_code_from(secret_bytes: bytes) -> str:
    """Derive a result code from a keyed digest, so that it need not be kept to be printed again.

    Args:
        secret_bytes: an HMAC digest; 32 bytes are expected, at least 16 are needed for the remainder modulo
            23^13 to be uniform (bias below 2^-69).

    Returns:
        14 characters; the same bytes always give the same code.

    Raises:
        ValueError: fewer than 16 bytes.
    """
    if len(secret_bytes) < 16:
        raise ValueError("a result code needs a digest of at least 16 bytes")
    number = int.from_bytes(secret_bytes, "big") % _BASE ** (RESULT_LENGTH - 1)
    return _with_result_check(_written(number, RESULT_LENGTH - 1))


def check_result_code(text: str, *, field: str = "result_code") -> str:
    """Read a result code as a person types it.

    The code is a secret, so the message never repeats it, and a mistyped one gets no suggestion.

    Args:
        text: as typed or scanned.
        field: name of the input, for the error.

    Returns:
        The 14 characters, normalised.

    Raises:
        InvalidInput: the length, a character or the check character is wrong.
    """
    code = normalise(text)
    if not _is_result_code(code):
        raise InvalidInput(
            "The result code is not complete or was mistyped: it has 14 characters, printed as 5, 5 and 4.",
            field=field,
        )
    return code


def _written(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, value = divmod(number, _BASE)
        characters.append(ALPHABET[value])
    return "".join(characters)


def _sums(code: str) -> tuple[int, int]:
    """The two sums of `check_characters`; a character outside the alphabet counts as 0, to be located."""
    values = [_VALUES.get(character, 0) for character in reversed(code)]
    weighted = sum(position * value for position, value in enumerate(values, start=1))
    return sum(values) % _BASE, weighted % _BASE


def _is_sound(code: str) -> bool:
    in_alphabet = len(code) == LENGTH and all(character in _VALUES for character in code)
    return in_alphabet and code[0] in _KINDS and _sums(code) == (0, 0)


def _refuse_unsound(code: str, text: str, field: str) -> None:
    suggestion = suggest(code)
    if suggestion:
        raise InvalidInput(
            "%(code)s is not right. Did you mean %(suggestion)s? Read the label again.",
            field=field,
            code=_echo(text),
            suggestion=grouped(suggestion),
        )
    if len(code) == LENGTH and code[0] in _KINDS and all(character in _VALUES for character in code):
        raise InvalidInput(
            "%(code)s is not right: its check characters do not fit. Read the label again.",
            field=field,
            code=_echo(text),
        )
    raise InvalidInput(
        "%(code)s is not a code of this system: scan the label again, or type its nine characters.",
        field=field,
        code=_echo(text),
    )


def _echo(text: str) -> str:
    shown = "".join(character if character.isprintable() else " " for character in text.strip())
    return shown if len(shown) <= _ECHO_LENGTH else shown[:_ECHO_LENGTH] + "…"


def _with_result_check(body: str) -> str:
    # One weighted sum: with 14 positions below 23, every single wrong character and every swap is found.
    _, weighted = _sums(body + ALPHABET[0])
    return body + ALPHABET[-weighted % _BASE]


def _may_be_result_code(code: str) -> bool:
    """Whether a wrong scan may be someone's secret, even mistyped; 14 digits are rather an article number."""
    return len(code) == RESULT_LENGTH and all(letter in _VALUES for letter in code) and not code.isdigit()


def _is_result_code(code: str) -> bool:
    in_alphabet = len(code) == RESULT_LENGTH and all(character in _VALUES for character in code)
    return in_alphabet and _sums(code)[1] == 0
