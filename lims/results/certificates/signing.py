"""Signing: COSE_Sign1 with ES256, the key's id in the protected header. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from lims.results.certificates.container import ALGORITHM, KEY_ID, TAG_SIGN1, signed_bytes

ES256 = -7
NUMBER_BYTES = 32
_ECDSA = ec.ECDSA(SHA256(), deterministic_signing=True)


def calculate_kid(certificate: x509.Certificate) -> bytes:
    """Return the id of a signer's key: the first 8 bytes of its certificate's SHA-256."""
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()[:8]


def sign(payload: bytes, *, kid: bytes, private_key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return a payload signed; the same for the same arguments (RFC 6979).

    Args:
        payload: encoded claims.
        kid: 8 bytes of `calculate_kid`.
        private_key: on P-256.
    """
    protected = _protect(kid)
    encoded = private_key.sign(signed_bytes(protected, payload), _ECDSA)
    signature = b"".join(number.to_bytes(NUMBER_BYTES) for number in decode_dss_signature(encoded))
    return cbor2.dumps(cbor2.CBORTag(TAG_SIGN1, [protected, {}, payload, signature]))


@lru_cache(maxsize=16)
def _protect(kid: bytes) -> bytes:
    return cbor2.dumps({ALGORITHM: ES256, KEY_ID: kid})
