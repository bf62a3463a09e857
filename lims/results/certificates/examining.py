"""What is found when a certificate is examined, as plain words that JSON holds. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

from cryptography import x509

from lims.results.certificates.payload import EXPIRES, HEALTH, ISSUED, ISSUER
from lims.results.certificates.refusals import REASONS, NotValid
from lims.results.certificates.revocation_list import NOTHING_REVOKED, Revoked
from lims.results.certificates.schema import list_faults
from lims.results.certificates.trust import Trust
from lims.results.certificates.verifying import verify

LARGEST = 2**63  # whole numbers beyond it are written in hexadecimal digits


def examine(text: str, *, trust: Trust, at: datetime, revoked: Revoked = NOTHING_REVOKED) -> dict[str, Any]:
    """Return what is found of a certificate; of an invalid one, whatever could be read of it.

    Args:
        text: `HC1:…`.
        trust: accepted signers.
        at: aware moment at which it is to hold.
        revoked: what was taken back.

    Returns:
        `valid`; `reason`, a word of `refusals.REASONS` or None, and `message`, its sentence in English; `kid`
        (hexadecimal); `signer` (name of whoever signed, only where the signature is good); `issuer` (country, as the
        certificate says); `issued_at`, `expires_at` and `checked_at` (ISO 8601, UTC); `payload` (the health
        certificate); `schema_faults` (paths at which it does not fit the EU DCC schema; it may be valid all the same).
    """
    found: dict[str, Any] = {"valid": True, "reason": None, "message": None}
    try:
        verified = verify(text, trust=trust, at=at, revoked=revoked)
    except NotValid as error:
        found |= {"valid": False, "reason": error.reason, "message": REASONS[error.reason]}
        return found | _describe(error.kid, None, error.claims, at)
    return found | _describe(verified.kid, verified.signer, verified.claims, at)


def _describe(
    kid: bytes | None, signer: x509.Certificate | None, claims: Mapping[Any, Any] | None, at: datetime
) -> dict[str, Any]:
    claims = claims or {}
    health = claims.get(HEALTH)
    content = health.get(1) if isinstance(health, Mapping) else None
    return {
        "kid": kid.hex() if kid else None,
        "signer": signer.subject.rfc4514_string() if signer else None,
        "issuer": to_json(claims.get(ISSUER)),
        "issued_at": _moment(claims.get(ISSUED)),
        "expires_at": _moment(claims.get(EXPIRES)),
        "checked_at": at.astimezone(UTC).isoformat(),
        "payload": to_json(content),
        "schema_faults": list_faults(content) if content is not None else [],
    }


def _moment(value: object) -> str | None:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return datetime.fromtimestamp(value, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return None


def to_json(value: Any) -> Any:
    """Return a decoded value as JSON can hold it: names are texts, bytes hexadecimal, moments ISO 8601."""
    if isinstance(value, Mapping):
        return {
            key if isinstance(key, str) else str(to_json(key)): to_json(one) for key, one in value.items()
        }
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if value is None or isinstance(value, bool | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < LARGEST else hex(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, bytes):
        return value.hex()
    return value.isoformat() if isinstance(value, date) else str(value)
