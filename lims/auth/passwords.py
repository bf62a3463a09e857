"""Passwords: argon2id (RFC 9106), few at a time so that a rush of sign-ins does not starve the machine."""

from __future__ import annotations

from threading import BoundedSemaphore

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from lims.errors import InvalidInput

SHORTEST = 12
LONGEST = 200
# 19 MiB, two passes, one lane: OWASP's lower profile, 76 ms on the machine it was measured on.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_AT_ONCE = BoundedSemaphore(2)
# Verified against where there is no such account, so that the answer takes as long.
_NOBODY = _HASHER.hash("nobody has this password")


def hash_password(password: str) -> str:
    """Return the argon2id hash of a password."""
    with _AT_ONCE:
        return _HASHER.hash(password)


def check_password(password: str, *, stored: str | None) -> bool:
    """Tell whether a password is right; takes as long for an account that has none or does not exist."""
    known = stored if stored and stored.startswith("$argon2") else None
    with _AT_ONCE:
        try:
            return _HASHER.verify(known or _NOBODY, password) and known is not None
        except (VerificationError, InvalidHashError):
            return False


def check_strength(password: str, *, username: str) -> None:
    """Refuse a password that is too short, too long, or the user's name.

    Raises:
        InvalidInput: says which.
    """
    if len(password) < SHORTEST:
        raise InvalidInput(
            "The password needs at least %(shortest)s characters. A short sentence is good.",
            field="password",
            shortest=SHORTEST,
        )
    if len(password) > LONGEST:
        raise InvalidInput("The password is too long.", field="password")
    if username.lower() in password.lower():
        raise InvalidInput("The password must not contain the user name.", field="password")
