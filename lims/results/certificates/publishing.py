"""What verifiers need, as bytes: whom to trust (a JSON document, or PEM files), and the signed revocation list.

Signers that were revoked are not published, so that a verifier without the list refuses them as well.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from sqlalchemy.orm import Session

from lims import clock
from lims.errors import Refused
from lims.extensions import vault
from lims.results.certificates.queries.keys import find_signer, get_revoked, list_published
from lims.results.certificates.revocation_list import write_list
from lims.results.certificates.signing import calculate_kid
from lims.results.certificates.verifying import list_usages

FORMAT = "lims-trust-1"
ROOT_FILE, REVOCATIONS_FILE, DOCUMENT_FILE = "root-{}.pem", "revocations.txt", "trust.json"
SIGNER_FILE = "signer-{}.pem"


@dataclass(frozen=True)
class Published:
    """All that is published.

    Args:
        document: `trust.json`, for the verify page.
        certificates: PEM by file name, signers and roots; a folder of them is what `--trust` takes.
        revocations: `LR1:…`, one line; None where no key signs now.
    """

    document: bytes
    certificates: Mapping[str, bytes]
    revocations: bytes | None


def publish(session: Session) -> Published:
    """Return everything that verifiers need, as it stands now."""
    return Published(
        document=write_trust(session),
        certificates=_write_certificates(session),
        revocations=_write_revocations(session),
    )


def write_trust(session: Session) -> bytes:
    """Return the trust document: JSON in UTF-8, the same as long as no key changes.

    `format`; `signers`, each with `kid` (hexadecimal), `name`, `not_before` and `not_after` (ISO 8601), `usages` (the
    kinds of entries it may sign: t, v, r; none means all), `spki` (public key) and `certificate`, both base64 of DER;
    `roots`, each with `name`, `not_before`, `not_after` and `certificate`.
    """
    signers, roots = list_published(session)
    document = {
        "format": FORMAT,
        "signers": [_describe_signer(signer) for signer in signers],
        "roots": [_describe(root) for root in roots],
    }
    return json.dumps(document, ensure_ascii=False, indent=1).encode()


def write_revocations(session: Session) -> bytes:
    """Return the signed revocation list of this moment: `LR1:…`, one line of ASCII.

    Raises:
        Refused: no key signs now.
    """
    written = _write_revocations(session)
    if written is None:
        raise Refused(
            "No key signs now, so the revocation list cannot be signed. Install a key with `lims keys` first."
        )
    return written


def _write_revocations(session: Session) -> bytes | None:
    now = clock.now()
    signer = find_signer(session, vault=vault(), now=now)
    if signer is None:
        return None
    revoked = get_revoked(session, now=now)
    text = write_list(
        certificates=revoked.certificates,
        kids=revoked.kids,
        made_at=now,
        kid=signer.kid,
        private_key=signer.private_key,
    )
    return text.encode("ascii")


def _write_certificates(session: Session) -> dict[str, bytes]:
    signers, roots = list_published(session)
    files = {SIGNER_FILE: signers, ROOT_FILE: roots}
    return {
        name.format(calculate_kid(one).hex()): one.public_bytes(Encoding.PEM)
        for name, certificates in files.items()
        for one in certificates
    }


def _describe_signer(signer: x509.Certificate) -> dict[str, Any]:
    key = signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return {
        "kid": calculate_kid(signer).hex(),
        "usages": sorted(list_usages(signer)),
        "spki": base64.b64encode(key).decode("ascii"),
        **_describe(signer),
    }


def _describe(certificate: x509.Certificate) -> dict[str, Any]:
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "name": str(names[0].value) if names else certificate.subject.rfc4514_string(),
        "not_before": certificate.not_valid_before_utc.isoformat(),
        "not_after": certificate.not_valid_after_utc.isoformat(),
        "certificate": base64.b64encode(certificate.public_bytes(Encoding.DER)).decode("ascii"),
    }
