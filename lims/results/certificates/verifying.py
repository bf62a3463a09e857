"""Verifying a certificate without a network: signature, signer, key usage, time, revocation. Pure.

Every step can be run by itself, as the outside vectors ask; `verify` runs them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from lims.results.certificates.container import Signed, read_claims, read_cose, unpack
from lims.results.certificates.payload import EXPIRES, HEALTH, ISSUED
from lims.results.certificates.refusals import NotValid
from lims.results.certificates.revocation_list import NOTHING_REVOKED, Revoked, open_list, read_list
from lims.results.certificates.signing import ES256, NUMBER_BYTES, calculate_kid
from lims.results.certificates.trust import Trust, is_valid_at
from lims.results.certificates.uvci import hash_uvci

PS256 = -37
SMALLEST_RSA_BITS = 2048
MOST_SECONDS = 2**53  # moments beyond it are none; neither is "not a number"
# kinds of entries, and the key usage that allows each (two spellings were in use)
_USAGES = {
    kind: {f"1.3.6.1.4.1.1847.2021.1.{number}", f"1.3.6.1.4.1.0.1847.2021.1.{number}"}
    for kind, number in (("t", 1), ("v", 2), ("r", 3))
}


@dataclass(frozen=True)
class Verified:
    """A certificate that holds.

    Args:
        claims: what it says.
        signer: who has signed it.
    """

    claims: dict[Any, Any]
    signer: x509.Certificate

    @property
    def kid(self) -> bytes:
        """The id of the signer's key."""
        return calculate_kid(self.signer)


def verify(text: str, *, trust: Trust, at: datetime, revoked: Revoked = NOTHING_REVOKED) -> Verified:
    """Check a certificate in every respect.

    Args:
        text: `HC1:…`.
        trust: accepted signers.
        at: aware moment at which it is to hold.
        revoked: what was taken back, of `verify_list`.

    Raises:
        NotValid: says why in one word, with what could be read.
    """
    signed = read_cose(unpack(text))
    claims: dict[Any, Any] | None = None
    try:
        claims = read_claims(signed.payload)
        signer = check_signature(signed, trust=trust)
        check_root(signer, trust=trust)
        content = get_content(claims)
        if not list_entries(content):
            raise NotValid("structure")
        check_key_usage(signer, content)
        check_revocation(claims, signer=signer, revoked=revoked)
        check_time(claims, at=at)
        check_signer_time(signer, at=at)
    except NotValid as error:
        raise NotValid(error.reason, claims=claims, kid=signed.kid) from None
    return Verified(claims=claims, signer=signer)


def verify_list(text: str, *, trust: Trust) -> Revoked:
    """Return what a revocation list says, after checking who has signed it.

    The list's own time counts for its signer: a list stays good after its signer was replaced.

    Args:
        text: `LR1:…`.
        trust: accepted signers.

    Raises:
        NotValid: it cannot be read, or no trusted signer has signed it, or its signer is on it.
    """
    signed = open_list(text)
    signer = check_signature(signed, trust=trust)
    revoked = read_list(signed, issuer=signer.issuer.public_bytes())
    if revoked.made_at is None:
        raise NotValid("structure")
    check_root(signer, trust=trust)
    check_signer_time(signer, at=revoked.made_at)
    if signed.kid in revoked.kids:
        raise NotValid("signer_revoked")
    return revoked


def check_signature(signed: Signed, *, trust: Trust) -> x509.Certificate:
    """Return who has signed.

    Raises:
        NotValid: unknown_signer, algorithm or signature.
    """
    candidates = trust.signers.get(signed.kid, ()) if signed.kid else ()
    if not candidates:
        raise NotValid("unknown_signer")
    for certificate in candidates:
        if _signature_fits(signed, certificate):
            return certificate
    raise NotValid("signature")


def _signature_fits(signed: Signed, certificate: x509.Certificate) -> bool:
    """Tell whether a key made the signature; the algorithm must be the one for keys of its kind."""
    try:
        key = certificate.public_key()
        if signed.algorithm == ES256 and isinstance(key, ec.EllipticCurvePublicKey):
            if not isinstance(key.curve, ec.SECP256R1):
                raise NotValid("algorithm")
            if len(signed.signature) != 2 * NUMBER_BYTES:
                return False
            halves = signed.signature[:NUMBER_BYTES], signed.signature[NUMBER_BYTES:]
            key.verify(
                encode_dss_signature(*(int.from_bytes(half) for half in halves)),
                signed.to_be_signed,
                ec.ECDSA(SHA256()),
            )
        elif signed.algorithm == PS256 and isinstance(key, rsa.RSAPublicKey):
            if key.key_size < SMALLEST_RSA_BITS:
                raise NotValid("algorithm")
            pss = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=padding.PSS.DIGEST_LENGTH)
            key.verify(signed.signature, signed.to_be_signed, pss, SHA256())
        else:
            raise NotValid("algorithm")
    except InvalidSignature:
        return False
    except (UnsupportedAlgorithm, ValueError):  # a key on a curve that is not known, or no key at all
        raise NotValid("algorithm") from None
    return True


def check_root(signer: x509.Certificate, *, trust: Trust) -> None:
    """Refuse a signer whose own certificate is not signed by its root.

    Raises:
        NotValid: untrusted_signer.
    """
    if not trust.signed_by_a_root(signer):
        raise NotValid("untrusted_signer")


def check_signer_time(signer: x509.Certificate, *, at: datetime) -> None:
    """Refuse a signer outside the time of its own certificate.

    Raises:
        NotValid: signer_expired.
    """
    if not is_valid_at(signer, at):
        raise NotValid("signer_expired")


def list_usages(signer: x509.Certificate) -> frozenset[str]:
    """Return the kinds of entries (t, v, r) that a signer's certificate names; none where it names no kind."""
    try:
        extension = signer.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        named = {usage.dotted_string for usage in extension.value}
    except (x509.ExtensionNotFound, ValueError):  # an empty list of usages cannot be read, and names none
        return frozenset()
    return frozenset(kind for kind, usages in _USAGES.items() if named & usages)


def check_key_usage(signer: x509.Certificate, content: Mapping[str, Any]) -> None:
    """Refuse a signer that may sign other kinds of certificates only; one that names no kind may sign all.

    Raises:
        NotValid: key_usage.
    """
    usages = list_usages(signer)
    if usages and not any(content.get(kind) for kind in usages):
        raise NotValid("key_usage")


def get_content(claims: Mapping[Any, Any]) -> Mapping[str, Any]:
    """Return the health certificate among the claims.

    Raises:
        NotValid: structure.
    """
    health = claims.get(HEALTH)
    content = health.get(1) if isinstance(health, Mapping) else None
    if not isinstance(content, Mapping):
        raise NotValid("structure")
    return content


def check_time(claims: Mapping[Any, Any], *, at: datetime) -> None:
    """Refuse a certificate before it was signed and after its end.

    Raises:
        NotValid: structure, not_yet_valid or expired.
    """
    issued, expires = _seconds(claims.get(ISSUED)), _seconds(claims.get(EXPIRES))
    now = at.timestamp()
    if issued is not None and now < issued:
        raise NotValid("not_yet_valid")
    if expires is None:
        raise NotValid("structure")
    if now > expires:
        raise NotValid("expired")


def _seconds(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST_SECONDS:
        raise NotValid("structure")
    return value


def check_revocation(claims: Mapping[Any, Any], *, signer: x509.Certificate, revoked: Revoked) -> None:
    """Refuse a certificate that was taken back, or whose signer's key was.

    Raises:
        NotValid: signer_revoked or revoked.
    """
    if revoked.issuer not in (b"", signer.issuer.public_bytes()):
        return
    if calculate_kid(signer) in revoked.kids:
        raise NotValid("signer_revoked")
    for uvci in list_uvcis(get_content(claims)):
        if hash_uvci(uvci) in revoked.certificates:
            raise NotValid("revoked")


def list_uvcis(content: Mapping[str, Any]) -> list[str]:
    """Return the identifiers of all entries."""
    return [entry["ci"] for entry in list_entries(content) if isinstance(entry.get("ci"), str)]


def list_entries(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the tests, vaccinations and recoveries; whatever is no entry is passed over."""
    lists = [content[kind] for kind in _USAGES if isinstance(content.get(kind), list | tuple)]
    return [entry for entries in lists for entry in entries if isinstance(entry, Mapping)]
