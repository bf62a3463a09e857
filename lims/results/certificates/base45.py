"""Base45, the alphabet of QR codes in alphanumeric mode (RFC 9285). Pure.

By tables: the library's way, character by character, took six times as long as the signature
(docs/decisions/certificates.md).
"""

from __future__ import annotations

from functools import cache
from operator import itemgetter
from struct import pack, unpack

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
BASE, SQUARE = 45, 2025
_NONE = 255
_PAIRS = [ALPHABET[number % BASE] + ALPHABET[number // BASE] for number in range(SQUARE)]
_VALUES = bytes(ALPHABET.find(chr(code)) % (_NONE + 1) for code in range(256))  # -1 becomes 255


def encode(content: bytes) -> str:
    """Return bytes as base45: three characters for two bytes, two for a last one."""
    whole = len(content) // 2
    numbers = unpack(f">{whole}H", content[: 2 * whole])
    text = "".join(itemgetter(0, 0, *numbers)(_list_triples())[2:])
    return text + _PAIRS[content[-1]] if len(content) % 2 else text


@cache
def _list_triples() -> list[str]:
    """Return the three characters of every two bytes: 65,536 texts, 4 MB, made at first use in 10 ms."""
    return [_PAIRS[number % SQUARE] + ALPHABET[number // SQUARE] for number in range(0x10000)]


def decode(text: str) -> bytes:
    """Return the bytes of a base45 text; every text stands for other bytes.

    Raises:
        ValueError: a character outside the alphabet, a group too large for its bytes, or a lone last character.
    """
    values = text.encode("ascii").translate(_VALUES)
    whole, rest = divmod(len(values), 3)
    if _NONE in values or rest == 1:
        raise ValueError("not base45")
    end = 3 * whole
    numbers = [
        low + 45 * middle + 2025 * high
        for low, middle, high in zip(values[:end:3], values[1:end:3], values[2:end:3], strict=True)
    ]
    last = values[end] + BASE * values[end + 1] if rest else 0
    if last > 0xFF or max(numbers, default=0) > 0xFFFF:
        raise ValueError("not base45")
    return pack(f">{whole}H", *numbers) + (bytes([last]) if rest else b"")
