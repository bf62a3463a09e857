"""The signed list of what was taken back: certificates by the hash of their identifier, and keys. Pure.

The same container as a certificate under another prefix, so that whoever reads one reads the other. It has no health
claim, so it can never pass for a certificate, and a certificate has no claim of the list.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec

from lims.results.certificates.container import Signed, pack, read_claims, read_cose, unpack
from lims.results.certificates.payload import COUNTRY, ISSUED, ISSUER
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.signing import sign

PREFIX = "LR1:"
MOST_BYTES = 16 * 1024 * 1024
# a private claim (RFC 8392: below -65536)
LIST = -65760
HASH_BYTES, KID_BYTES = 16, 8


@dataclass(frozen=True)
class Revoked:
    """What was taken back.

    Args:
        certificates: hashes of identifiers, 16 bytes each.
        kids: ids of keys, 8 bytes each.
        made_at: when the list was signed.
        issuer: the root's name in the certificate of whoever signed the list (DER): it speaks of that root's signers
            only, so that no other trusted signer can take their certificates back. Empty: it speaks of all.
    """

    certificates: frozenset[bytes] = frozenset()
    kids: frozenset[bytes] = frozenset()
    made_at: datetime | None = None
    issuer: bytes = b""


NOTHING_REVOKED = Revoked()


def write_list(
    *,
    certificates: Collection[bytes],
    kids: Collection[bytes],
    made_at: datetime,
    kid: bytes,
    private_key: ec.EllipticCurvePrivateKey,
) -> str:
    """Return the signed list as one line of text.

    Args:
        certificates, kids: what was taken back.
        made_at: aware moment.
        kid, private_key: of the signer.
    """
    content = {"c": b"".join(sorted(certificates)), "k": b"".join(sorted(kids))}
    payload = cbor2.dumps({ISSUER: COUNTRY, ISSUED: int(made_at.timestamp()), LIST: content})
    return pack(sign(payload, kid=kid, private_key=private_key), prefix=PREFIX)


def open_list(text: str) -> Signed:
    """Return a list whose signature is still to be checked.

    Raises:
        NotValid: it cannot be read.
    """
    return read_cose(unpack(text, prefix=PREFIX, most_bytes=MOST_BYTES))


def read_list(signed: Signed, *, issuer: bytes) -> Revoked:
    """Return what a list says; its signature was checked before (`verifying.verify_list`).

    Args:
        signed: of `open_list`.
        issuer: of `Revoked`.

    Raises:
        NotValid: structure.
    """
    claims = read_claims(signed.payload)
    content, made = claims.get(LIST), claims.get(ISSUED)
    if not isinstance(content, dict) or not isinstance(made, int) or isinstance(made, bool):
        raise NotValid("structure")
    return Revoked(
        certificates=_cut(content.get("c"), HASH_BYTES),
        kids=_cut(content.get("k"), KID_BYTES),
        made_at=_moment(made),
        issuer=issuer,
    )


def _moment(seconds: int) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        raise NotValid("structure") from None


def _cut(joined: object, size: int) -> frozenset[bytes]:
    if not isinstance(joined, bytes) or len(joined) % size:
        raise NotValid("structure")
    return frozenset(joined[start : start + size] for start in range(0, len(joined), size))
