"""Code 128 and QR symbols as modules, and as SVG and PNG for pages. Pure but for the libraries that encode.

A symbol is text of "1" (dark) and "0" (light): one string for Code 128, one string a row for QR, both without
their quiet zones. Who draws it adds 10 light modules on both sides of Code 128 and 4 around QR.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import cache, reduce
from html import escape
from operator import xor

import qrcode
from barcode.codex import Code128
from PIL import Image
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_L, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError
from qrcode.util import (
    ALPHA_NUM,
    BIT_LIMIT_TABLE,
    MODE_8BIT_BYTE,
    MODE_ALPHA_NUM,
    QRData,
    length_in_bits,
)

from lims import codes
from lims.errors import InvalidInput

BAR_QUIET = 10
QR_QUIET = 4
QR_SIDE = 21
# Any mask is legal. The search for the prettiest one takes four fifths of the time and, measured on 250
# degraded prints, gains nothing.
MASK = 0
LEVELS = {"L": ERROR_CORRECT_L, "M": ERROR_CORRECT_M, "Q": ERROR_CORRECT_Q, "H": ERROR_CORRECT_H}
_LONGEST_CODE_128 = 48
_CHARSET_SWITCHES_FROM_C = (100, 101)
_ALPHANUMERIC = ALPHA_NUM.decode()


class SoundCode128(Code128):
    """Code 128 whose first pair of digits may be 99.

    python-barcode 0.16.1 takes the value 99 after the start sign for a change of character set and drops it,
    so that "9912345678" becomes a valid symbol of "12345678" (its issue 251).
    """

    def _try_to_optimize(self, encoded: list[int]) -> list[int]:
        if encoded[1] in _CHARSET_SWITCHES_FROM_C:
            return super()._try_to_optimize(encoded)
        return encoded


def code128_modules(text: str) -> str:
    """Encode a text as Code 128.

    Args:
        text: 1 to 48 printable ASCII characters.

    Returns:
        The bars as "1" and "0", without quiet zones; 134 modules or fewer for a work code.

    Raises:
        InvalidInput: other characters, another length, or a text that begins with 99, as none of our codes
            does: whoever prints it with another version of the library would get a wrong symbol.
    """
    if not re.fullmatch(rf"[ -~]{{1,{_LONGEST_CODE_128}}}", text):
        raise InvalidInput("Only 1 to 48 plain letters, digits and signs can be printed as a bar code.")
    if text.startswith("99"):
        raise InvalidInput("A bar code that begins with 99 is not printed: scanners may read it wrongly.")
    return SoundCode128(text).build()[0]


def qr_matrix(text: str, *, version: int | None = None, level: str = "M") -> tuple[str, ...]:
    """Encode a text as a QR code.

    Args:
        text: upper-case letters, digits and ` $%*+-./:` take the least room; anything else goes as UTF-8.
        version: 1 to 40, 17 + 4 * version modules a side; the smallest that holds the text when left out.
        level: error correction, L (7 %), M (15 %), Q (25 %) or H (30 %).

    Returns:
        The rows from top to bottom, each of "1" and "0".

    Raises:
        InvalidInput: the text is empty or does not fit.
    """
    # Alphanumeric also for digits alone, so that every code of one length has the same structure.
    plain = all(character in _ALPHANUMERIC for character in text)
    content = QRData(text.encode(), mode=MODE_ALPHA_NUM if plain else MODE_8BIT_BYTE)
    if version is None and plain:
        version = _smallest_version(len(text), level)
    symbol = qrcode.QRCode(version=version, error_correction=LEVELS[level], border=0, mask_pattern=MASK)
    symbol.add_data(content, optimize=0)
    try:
        if not text:
            raise DataOverflowError
        symbol.make(fit=version is None)
    except (DataOverflowError, ValueError) as error:
        # best_fit leaves version 41 behind when nothing fits, and qrcode then refuses it as a ValueError.
        raise InvalidInput(
            "%(length)s characters cannot be printed as this QR code.", length=len(text)
        ) from error
    return tuple("".join("1" if dark else "0" for dark in row) for row in symbol.modules)


def _smallest_version(length: int, level: str) -> int | None:
    """Return the smallest version that holds so many alphanumeric characters; None where none does.

    The library finds it by encoding once for each size of the length's field: half of its time on a certificate.
    """
    limits = BIT_LIMIT_TABLE[LEVELS[level]]
    for version in range(1, len(limits)):
        needed = 4 + length_in_bits(MODE_ALPHA_NUM, version) + 11 * (length // 2) + 6 * (length % 2)
        if needed <= limits[version]:
            return version
    return None


def code_matrix(code: str) -> tuple[str, ...]:
    """The QR code of a work code: version 1, level H, 21 modules a side.

    The same as `qr_matrix(code, version=1, level="H")`, some twenty times faster, for sheets of thousands.

    Args:
        code: nine characters of `codes.ALPHABET`.

    Returns:
        21 rows from top to bottom, each of 21 "1" and "0".
    """
    # With length, version, level and mask fixed, error correction and masking are linear over GF(2): the
    # symbol is that of "000000000" with, for each pair of characters, the modules flipped which that pair
    # flips alone. Both are taken from qrcode itself, so there is no second encoder to be wrong.
    origin, tables = _code_tables()
    groups = (code[start : start + 2] for start in range(0, codes.LENGTH, 2))
    flipped = reduce(xor, (table[group] for table, group in zip(tables, groups, strict=True)), origin)
    bits = f"{flipped:0{QR_SIDE * QR_SIDE}b}"
    return tuple(bits[start : start + QR_SIDE] for start in range(0, len(bits), QR_SIDE))


@cache
def _code_tables() -> tuple[int, list[dict[str, int]]]:
    zeros = "0" * codes.LENGTH
    origin = _as_number(zeros)
    tables = []
    for start in range(0, codes.LENGTH, 2):
        size = len(zeros[start : start + 2])
        # QR writes two characters as the number 45 * first + second in 11 bits, a last single one in 6.
        flips = [
            _as_number(zeros[:start] + _alphanumeric(1 << bit, size) + zeros[start + size :]) ^ origin
            for bit in range(11 if size == 2 else 6)
        ]
        groups = (first + second for first in codes.ALPHABET for second in codes.ALPHABET)
        tables.append(
            {
                group: reduce(xor, (flip for bit, flip in enumerate(flips) if _number(group) >> bit & 1), 0)
                for group in (groups if size == 2 else codes.ALPHABET)
            }
        )
    return origin, tables


def _as_number(text: str) -> int:
    return int("".join(qr_matrix(text, version=1, level="H")), 2)


def _alphanumeric(number: int, size: int) -> str:
    characters = _ALPHANUMERIC[number // 45] + _ALPHANUMERIC[number % 45]
    return characters[-size:]


def _number(group: str) -> int:
    return reduce(lambda number, character: 45 * number + _ALPHANUMERIC.index(character), group, 0)


def runs(modules: str) -> Iterator[tuple[int, int]]:
    """Where the dark stretches of a row are.

    Args:
        modules: "1" and "0".

    Returns:
        Start and length of each stretch, in modules.
    """
    return ((found.start(), len(found[0])) for found in re.finditer("1+", modules))


def qr_svg(text: str, *, label: str, level: str = "M") -> str:
    """Draw a QR code for a page.

    Args:
        text: what it says; see `qr_matrix`.
        label: what a screen reader says, translated.
        level: error correction; see `qr_matrix`.

    Returns:
        An `<svg>` element without a size of its own (the style sheet gives it), quiet zone included.

    Raises:
        InvalidInput: the text is empty or too long.
    """
    rows = qr_matrix(text, level=level)
    side = len(rows) + 2 * QR_QUIET
    return _svg(rows, width=side, height=side, quiet=(QR_QUIET, QR_QUIET), row_height=1, label=label)


def code128_svg(text: str, *, label: str, height_modules: int = 24) -> str:
    """Draw a Code 128 for a page.

    Args:
        text: what it says; see `code128_modules`.
        label: what a screen reader says, translated.
        height_modules: height of the bars, in widths of the narrowest bar.

    Returns:
        An `<svg>` element without a size of its own, quiet zones included.

    Raises:
        InvalidInput: the text cannot be a bar code.
    """
    modules = code128_modules(text)
    width = len(modules) + 2 * BAR_QUIET
    return _svg(
        (modules,),
        width=width,
        height=height_modules,
        quiet=(BAR_QUIET, 0),
        row_height=height_modules,
        label=label,
    )


def qr_png(text: str, *, module_px: int = 8, level: str = "M") -> bytes:
    """Draw a QR code as a picture, to be saved on a phone or sent.

    Args:
        text: what it says; see `qr_matrix`.
        module_px: side of one module in pixels.
        level: error correction; see `qr_matrix`.

    Returns:
        A black and white PNG, quiet zone included.

    Raises:
        InvalidInput: the text is empty or too long.
    """
    rows = qr_matrix(text, level=level)
    side = len(rows) + 2 * QR_QUIET
    picture = Image.new("1", (side, side), 1)
    for top, row in enumerate(rows, start=QR_QUIET):
        for start, length in runs(row):
            picture.paste(0, (start + QR_QUIET, top, start + QR_QUIET + length, top + 1))
    stream = io.BytesIO()
    picture.resize((side * module_px, side * module_px), Image.Resampling.NEAREST).save(stream, "PNG")
    return stream.getvalue()


def _svg(
    rows: tuple[str, ...], *, width: int, height: int, quiet: tuple[int, int], row_height: int, label: str
) -> str:
    left, above = quiet
    path = "".join(
        f"M{left + start} {above + top}h{length}v{row_height}h-{length}z"
        for top, row in enumerate(rows)
        for start, length in runs(row)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{width}v{height}H0z"/><path fill="#000" d="{path}"/></svg>'
    )
