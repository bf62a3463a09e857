"""Encrypted columns, blind indexes and keyed hashes: what keeps personal data out of a stolen database.

Every key is derived from the secret key for one purpose (HKDF, RFC 5869). A ciphertext carries its key's number for
rotation and is bound to its column and row (AES-256-GCM, additional data), so it cannot be moved to another row.
A person's values are sealed under that person's own key: erasing the key erases the values in every copy.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import uuid
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_NUMBER = 1
_NONCE_BYTES = 12


@lru_cache(maxsize=64)
def _derive(secret_key: str, purpose: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=b"lims", info=purpose.encode()).derive(
        secret_key.encode()
    )


def _seal(key: bytes, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return bytes([KEY_NUMBER]) + nonce + AESGCM(key).encrypt(nonce, plain, context)


def _open(key: bytes, sealed: bytes, context: bytes) -> bytes:
    return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :], context)


class Vault:
    """All keyed work of one installation.

    Args:
        secret_key: the installation's secret, at least 32 characters.
    """

    def __init__(self, secret_key: str) -> None:
        self._secret_key = secret_key

    def new_person_key(self, person_id: uuid.UUID) -> bytes:
        """Return a fresh data key for a person, wrapped by the master key, ready to be stored."""
        return _seal(self._master(), os.urandom(32), person_id.bytes)

    def seal(self, text: str, *, person_key: bytes, person_id: uuid.UUID, column: str) -> bytes:
        """Encrypt one value of a person.

        Args:
            text: the value.
            person_key: the wrapped key of `new_person_key`.
            person_id: row the value belongs to.
            column: `table.column` it will stand in.
        """
        key = _open(self._master(), person_key, person_id.bytes)
        return _seal(key, text.encode(), f"{column}|{person_id}".encode())

    def unseal(self, sealed: bytes, *, person_key: bytes, person_id: uuid.UUID, column: str) -> str:
        """Decrypt what `seal` made.

        Raises:
            cryptography.exceptions.InvalidTag: the value was changed or moved to another row.
        """
        key = _open(self._master(), person_key, person_id.bytes)
        return _open(key, sealed, f"{column}|{person_id}".encode()).decode()

    def opens(self, person_key: bytes, *, person_id: uuid.UUID) -> bool:
        """Tell whether a wrapped key of `new_person_key` was wrapped under this installation's secret key."""
        try:
            _open(self._master(), person_key, person_id.bytes)
        except InvalidTag:
            return False
        return True

    def seal_record(self, content: bytes, *, record_id: uuid.UUID, column: str) -> bytes:
        """Encrypt a value that belongs to no single person (a raw scan, refused rows of a list)."""
        return _seal(_derive(self._secret_key, "record"), content, f"{column}|{record_id}".encode())

    def unseal_record(self, sealed: bytes, *, record_id: uuid.UUID, column: str) -> bytes:
        """Decrypt what `seal_record` made."""
        return _open(_derive(self._secret_key, "record"), sealed, f"{column}|{record_id}".encode())

    def index(self, text: str, *, column: str) -> bytes:
        """Return the blind index of a normalised value: equal values of a column are found, nothing else is told."""
        return hmac.digest(_derive(self._secret_key, f"index:{column}"), text.encode(), hashlib.sha256)

    def digest(self, text: str, *, purpose: str) -> bytes:
        """Return a keyed hash for one purpose (result codes, seals, natural keys of imported rows)."""
        return hmac.digest(_derive(self._secret_key, f"digest:{purpose}"), text.encode(), hashlib.sha256)

    def _master(self) -> bytes:
        return _derive(self._secret_key, "person-keys")
