"""Reading signing keys: the one that signs, those that are published, and how near the end is."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_private_key
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims.errors import InvalidInput, NotFound
from lims.results.certificates.models import Certificate, SigningKey
from lims.results.certificates.revocation_list import Revoked
from lims.vault import Vault

PRIVATE_COLUMN = "signing_key.private_sealed"
# a certificate stays on the revocation list for so long after its end
KEPT_REVOKED = timedelta(days=30)


@dataclass(frozen=True)
class Signer:
    """A key that can sign.

    Args:
        key_id: its row.
        organisation: who signs.
        kid: 8 bytes.
        private_key: opened.
        not_after: end of its certificate.
    """

    key_id: uuid.UUID
    organisation: str
    kid: bytes
    private_key: ec.EllipticCurvePrivateKey
    not_after: datetime


def find_signer(session: Session, *, vault: Vault, now: datetime, lock: bool = False) -> Signer | None:
    """Return the key that signs at a moment, None where there is none or its certificate has ended.

    Args:
        session: any; a writing one to lock.
        vault: opens the private key.
        now: aware moment.
        lock: True where something is signed and kept: the key is not revoked meanwhile.
    """
    query = select(SigningKey).where(SigningKey.state == "active")
    row = session.scalars(query.with_for_update(read=True) if lock else query).one_or_none()
    if row is None or row.kid is None or row.private_sealed is None or row.not_after is None:
        return None
    if row.not_after <= now:
        return None
    return Signer(row.id, row.name, row.kid, open_private_key(row, vault=vault), row.not_after)


def open_private_key(row: SigningKey, *, vault: Vault) -> ec.EllipticCurvePrivateKey:
    """Return the private half of a key that may still sign.

    Raises:
        ValueError: it is destroyed, or of another kind.
    """
    if row.private_sealed is None:
        raise ValueError("the private half of this key is destroyed")
    opened = vault.unseal_record(row.private_sealed, record_id=row.id, column=PRIVATE_COLUMN)
    private_key = load_der_private_key(opened, None)
    if not isinstance(private_key, ec.EllipticCurvePrivateKey):
        raise ValueError("a signing key is on P-256")
    return private_key


def find_active(session: Session) -> SigningKey | None:
    """Return the key that signs, whether or not its certificate has ended."""
    return session.scalars(select(SigningKey).where(SigningKey.state == "active")).one_or_none()


def list_keys(session: Session) -> Sequence[SigningKey]:
    """Return all keys, the newest first."""
    return session.scalars(select(SigningKey).order_by(SigningKey.made_at.desc(), SigningKey.id.desc())).all()


def lock_key(session: Session, *, kid: str) -> SigningKey:
    """Return a key by its id in hexadecimal digits, locked.

    Raises:
        InvalidInput: that is no such id.
        NotFound: there is no such key.
    """
    try:
        raw = bytes.fromhex(kid)
    except ValueError:
        raise InvalidInput(
            "“%(kid)s” is not the id of a key: 16 digits from 0 to f.", field="kid", kid=kid[:40]
        ) from None
    row = session.scalars(select(SigningKey).where(SigningKey.kid == raw).with_for_update()).one_or_none()
    if row is None:
        raise NotFound("There is no key %(kid)s. `lims keys list` shows all.", field="kid", kid=kid[:40])
    return row


def list_published(session: Session) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """Return the certificates that verifiers are to trust: signers that are not revoked, and their roots."""
    rows = session.execute(
        select(SigningKey.certificate, SigningKey.root_certificate)
        .where(SigningKey.state.in_(("active", "retired")))
        .order_by(SigningKey.made_at, SigningKey.id)
    ).all()
    signers = [x509.load_der_x509_certificate(row.certificate) for row in rows if row.certificate]
    roots = dict.fromkeys(row.root_certificate for row in rows if row.root_certificate)
    return signers, [x509.load_der_x509_certificate(root) for root in roots]


def get_revoked(session: Session, *, now: datetime) -> Revoked:
    """Return what was taken back and is not long out of date by itself."""
    hashes = session.scalars(
        select(Certificate.uvci_hash).where(
            Certificate.revoked_at.is_not(None), Certificate.expires_at > now - KEPT_REVOKED
        )
    ).all()
    kids = session.scalars(
        select(SigningKey.kid).where(SigningKey.state == "revoked", SigningKey.kid.is_not(None))
    ).all()
    return Revoked(certificates=frozenset(hashes), kids=frozenset(kid for kid in kids if kid), made_at=now)
