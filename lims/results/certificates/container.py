"""The outer layers of a certificate: HC1: + base45 + zlib + COSE_Sign1. Pure.

Source: eHN Electronic Health Certificate Specification 1.0.5; RFC 9285 (base45), RFC 1950, RFC 9052.
"""

from __future__ import annotations

import io
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cbor2

from lims.results.certificates import base45
from lims.results.certificates.refusals import NotValid

PREFIX = "HC1:"
MOST_BYTES = 64 * 1024
MOST_CHARACTERS = 100_000
ADLER_BYTES = 4
DEEPEST = 32
TAG_SIGN1, TAG_CWT = 18, 61
ALGORITHM, KEY_ID = 1, 4


def _forbid(_decoder: Any, _immutable: bool) -> Any:
    raise ValueError("a tag that no certificate has")


# Kinds of values that the decoder knows and no certificate needs. References to what was read before (25, 28, 29, 256)
# make of 100 bytes a value that takes minutes to go through; patterns, mails and huge fractions are no safer.
_FORBIDDEN = dict.fromkeys((4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 256, 258, 260, 261, 43000), _forbid)


@dataclass(frozen=True)
class Signed:
    """A COSE_Sign1 message, read but not verified.

    Args:
        protected: the protected header as it was signed.
        header, unprotected: both headers.
        payload: what was signed.
        signature: 64 bytes for ES256.
    """

    protected: bytes
    header: Mapping[Any, Any]
    unprotected: Mapping[Any, Any]
    payload: bytes
    signature: bytes

    @property
    def kid(self) -> bytes | None:
        """Which key has signed: what the protected header says counts before the other."""
        found = self.header.get(KEY_ID, self.unprotected.get(KEY_ID))
        return found if isinstance(found, bytes) else None

    @property
    def algorithm(self) -> object:
        """The number of the algorithm."""
        return self.header.get(ALGORITHM, self.unprotected.get(ALGORITHM))

    @property
    def to_be_signed(self) -> bytes:
        """The bytes under the signature (RFC 9052, section 4.4)."""
        return signed_bytes(self.protected, self.payload)


def signed_bytes(protected: bytes, payload: bytes) -> bytes:
    """Return the Sig_structure of a COSE_Sign1 without external data."""
    return cbor2.dumps(["Signature1", protected, b"", payload])


def pack(cose: bytes, *, prefix: str = PREFIX) -> str:
    """Return a COSE message as the text of a QR code."""
    return prefix + base45.encode(zlib.compress(cose, 9))


def unpack(text: str, *, prefix: str = PREFIX, most_bytes: int = MOST_BYTES) -> bytes:
    """Return the COSE message in the text of a QR code.

    Args:
        text: exactly; whoever takes typed or pasted texts strips them before.
        prefix: what it must begin with.
        most_bytes: more is not unpacked.

    Raises:
        NotValid: prefix, base45, compression or too_large.
    """
    if not text.startswith(prefix):
        raise NotValid("prefix")
    if len(text) > max(MOST_CHARACTERS, 2 * most_bytes):
        raise NotValid("too_large")
    return inflate(decode_base45(text.removeprefix(prefix)), most_bytes=most_bytes)


def decode_base45(text: str) -> bytes:
    """Return the bytes of a base45 text.

    Raises:
        NotValid: base45.
    """
    try:
        return base45.decode(text)
    except ValueError:
        raise NotValid("base45") from None


def inflate(packed: bytes, *, most_bytes: int = MOST_BYTES) -> bytes:
    """Return what a zlib stream holds; the stream must end where the bytes end, and as an encoder ends it.

    Raises:
        NotValid: compression or too_large.
    """
    unpacked = _inflate_once(packed, most_bytes)
    if unpacked is None:
        raise NotValid("compression")
    if len(unpacked) > most_bytes:
        raise NotValid("too_large")
    if _has_loose_bits(packed, unpacked):
        raise NotValid("compression")
    return unpacked


def _inflate_once(packed: bytes, most_bytes: int) -> bytes | None:
    stream = zlib.decompressobj()
    try:
        unpacked = stream.decompress(packed, most_bytes + 1)
    except zlib.error:
        return None
    if len(unpacked) > most_bytes:
        return unpacked
    return unpacked if stream.eof and not stream.unused_data else None


def _has_loose_bits(packed: bytes, unpacked: bytes) -> bool:
    """Tell whether the unused bits after the last symbol are not zero, as every encoder leaves them.

    Nothing reads those bits, so that a text with one of them changed would say the same: one certificate, one text.
    The highest bit that is set in the last byte is loose when the stream says the same without it.
    """
    last = packed[-ADLER_BYTES - 1]
    if not last:
        return False
    without = last ^ (1 << (last.bit_length() - 1))
    changed = packed[: -ADLER_BYTES - 1] + bytes([without]) + packed[-ADLER_BYTES:]
    return _inflate_once(changed, len(unpacked)) == unpacked


def read_cose(cose: bytes) -> Signed:
    """Return a COSE_Sign1 message, tagged or not, within a CWT tag or not.

    Raises:
        NotValid: structure.
    """
    message = _load(cose)
    for tag in (TAG_CWT, TAG_SIGN1):
        if isinstance(message, cbor2.CBORTag) and message.tag == tag:
            message = message.value
    if not isinstance(message, list | tuple) or len(message) != 4:
        raise NotValid("structure")
    protected, unprotected, payload, signature = message
    kinds = (protected, bytes), (unprotected, Mapping), (payload, bytes), (signature, bytes)
    if not all(isinstance(value, kind) for value, kind in kinds):
        raise NotValid("structure")
    header = _load(protected) if protected else {}
    if not isinstance(header, Mapping):
        raise NotValid("structure")
    return Signed(protected, header, unprotected, payload, signature)


def read_claims(payload: bytes) -> dict[Any, Any]:
    """Return the claims of a CWT (RFC 8392).

    Raises:
        NotValid: structure.
    """
    claims = _load(payload)
    if not isinstance(claims, dict):
        raise NotValid("structure")
    return claims


def _load(encoded: bytes) -> Any:
    """Return what is encoded; nothing may follow it, which anybody could add or change."""
    stream = io.BytesIO(encoded)
    try:
        read = cbor2.load(stream, max_depth=DEEPEST, allow_duplicate_keys=False, semantic_decoders=_FORBIDDEN)
    # what the decoder raises on hostile input beside its own errors: dates and numbers that cannot be, deep nesting
    except (cbor2.CBORError, ValueError, TypeError, OverflowError, RecursionError, AttributeError):
        raise NotValid("structure") from None
    if stream.tell() != len(encoded):
        raise NotValid("structure")
    return read
