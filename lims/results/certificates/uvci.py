"""The unique identifier of a certificate, with its check character. Pure.

Source: eHN, Guidelines on verifiable vaccination certificates, release 2, annex 2 (format), and the schema's FAQ
(Luhn mod N over the whole identifier, the alphabet below).
"""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/:"


def make_uvci(*, country: str = "VN") -> str:
    """Return a new identifier that nobody can guess (128 random bits)."""
    plain = f"URN:UVCI:01:{country}:{secrets.token_hex(16).upper()}"
    return f"{plain}#{check_character(plain)}"


def check_character(plain: str) -> str:
    """Return the Luhn mod N check character of an identifier without one.

    Raises:
        ValueError: it has a character outside the alphabet.
    """
    total = 0
    for place, character in enumerate(reversed(plain)):
        addend = ALPHABET.index(character) * (2 if place % 2 == 0 else 1)
        total += sum(divmod(addend, len(ALPHABET)))
    return ALPHABET[-total % len(ALPHABET)]


def hash_uvci(uvci: str) -> bytes:
    """Return the 16 bytes by which the revocation list names a certificate."""
    return hashlib.sha256(uvci.encode()).digest()[:16]
