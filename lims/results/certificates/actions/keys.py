"""Signing keys: requested, signed by a root, replaced, ended. The private key never leaves the database in clear."""

from __future__ import annotations

import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.errors import InvalidInput, NotFound, Refused
from lims.extensions import vault
from lims.results.certificates import authorities
from lims.results.certificates.models import Certificate, SigningKey
from lims.results.certificates.queries import keys as queries
from lims.results.certificates.rules import SIGNING_KEY
from lims.results.certificates.signing import calculate_kid
from lims.tables import new_id
from lims.transaction import action

MOST_REASON = 200


@action
def request_key(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, organisation: str
) -> dict[str, Any]:
    """Make a key pair and the request that a root is to sign.

    Args:
        actor: administrator.
        client_id: id made by the sender.
        organisation: who signs, at most 64 characters; certificates name it.

    Returns:
        `id` and `request` (PEM).

    Raises:
        InvalidInput: no name, or a longer one.
    """
    private_key, request = authorities.make_request(organisation=organisation)
    row = SigningKey(id=new_id(), name=organisation.strip(), state="requested", made_at=clock.now())
    opened = private_key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    row.private_sealed = vault().seal_record(opened, record_id=row.id, column=queries.PRIVATE_COLUMN)
    session.add(row)
    audit.note(session, "signing_key", row.id, "created")
    return {"id": str(row.id), "request": request.public_bytes(Encoding.PEM).decode("ascii")}


@action
def install_key(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, certificate: str, root: str
) -> dict[str, Any]:
    """Take a signed certificate in: its key signs from now on, the one before is retired and its private half gone.

    Args:
        actor: administrator.
        client_id: id made by the sender.
        certificate: PEM, for a key that was requested here.
        root: PEM of who has signed it.

    Returns:
        `kid` (hexadecimal) and `retired` (kid of the key before, or None).

    Raises:
        InvalidInput: it cannot be read, or another root has signed it, or its time is over or has not begun.
        NotFound: no key of this installation waits for it.
    """
    signed, issuer = (authorities.read_certificate(text.encode()) for text in (certificate, root))
    authorities.check_issued_by(signed, issuer)
    if signed.not_valid_after_utc <= clock.now():
        raise InvalidInput("This certificate has ended. Have the request signed again.", field="certificate")
    if signed.not_valid_before_utc > clock.now():
        raise InvalidInput(
            "This certificate does not hold yet, so nothing signed now would be valid. Set the clocks of both machines "
            "right, and have the request signed again.",
            field="certificate",
        )
    known = session.scalar(select(SigningKey.state).where(SigningKey.kid == calculate_kid(signed)))
    if known is not None:
        SIGNING_KEY.check(known, "active", code=calculate_kid(signed).hex(), field="certificate")
    row = _find_requested(session, signed)
    before = queries.find_active(session)
    if before is not None:
        _end(session, before, "retired")
        session.flush()
    row.kid = calculate_kid(signed)
    row.certificate = signed.public_bytes(Encoding.DER)
    row.root_certificate = issuer.public_bytes(Encoding.DER)
    row.not_before, row.not_after = signed.not_valid_before_utc, signed.not_valid_after_utc
    SIGNING_KEY.check(row.state, "active", code=row.kid.hex(), field="certificate")
    row.state = "active"
    audit.note(session, "signing_key", row.id, "key_installed", kid=row.kid.hex())
    return {"kid": row.kid.hex(), "retired": before.kid.hex() if before and before.kid else None}


def _find_requested(session: Session, signed: x509.Certificate) -> SigningKey:
    """Return the row whose private key belongs to a certificate."""
    wanted = _public_bytes(signed.public_key())
    waiting = session.scalars(
        select(SigningKey).where(SigningKey.state == "requested").with_for_update()
    ).all()
    for row in waiting:
        if (
            row.private_sealed
            and _public_bytes(queries.open_private_key(row, vault=vault()).public_key()) == wanted
        ):
            return row
    raise NotFound(
        "No key waits for this certificate. Make a request first, and have that one signed.",
        field="certificate",
    )


def _public_bytes(key: Any) -> bytes:
    encoded: bytes = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return encoded


@action
def retire_key(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, kid: str
) -> dict[str, Any]:
    """Let a key sign no more; what it has signed stays valid, and its private half is destroyed.

    Returns:
        `kid`, `state`.

    Raises:
        NotFound: no such key.
        WrongState: it is revoked.
        AlreadyDone: it is retired.
    """
    row = queries.lock_key(session, kid=kid)
    SIGNING_KEY.check(row.state, "retired", code=kid, field="kid")
    _end(session, row, "retired")
    return {"kid": kid, "state": row.state}


@action
def revoke_key(
    session: Session, *, actor: Actor, client_id: uuid.UUID | None = None, kid: str, reason: str
) -> dict[str, Any]:
    """Take back a key that somebody else may have, with every certificate that it has signed.

    Args:
        actor: administrator.
        client_id: id made by the sender.
        kid: hexadecimal.
        reason: why, at most 200 characters.

    Returns:
        `kid`, `state`, `certificates` (how many were revoked; their people get new ones when they next ask).

    Raises:
        InvalidInput: no reason.
        NotFound: no such key.
        AlreadyDone: it is revoked.
        Refused: the reason is too long.
    """
    reason = reason.strip()
    if not reason:
        raise InvalidInput("Write the reason: it stays in the record.", field="reason")
    if len(reason) > MOST_REASON:
        raise Refused(
            "The reason has more than %(most)s characters. Shorten it.", field="reason", most=MOST_REASON
        )
    row = queries.lock_key(session, kid=kid)
    SIGNING_KEY.check(row.state, "revoked", code=kid, field="kid")
    _end(session, row, "revoked", reason)
    revoked = session.execute(
        update(Certificate)
        .where(Certificate.signing_key_id == row.id, Certificate.revoked_at.is_(None))
        .values(revoked_at=clock.now(), revoked_reason="signer_revoked")
    )
    return {"kid": kid, "state": row.state, "certificates": revoked.rowcount}  # type: ignore[attr-defined]


def _end(session: Session, row: SigningKey, state: str, reason: str = "") -> None:
    row.state, row.private_sealed = state, None
    row.ended_at, row.end_reason = clock.now(), reason
    verb = "key_revoked" if state == "revoked" else "key_retired"
    audit.note(session, "signing_key", row.id, verb, kid=row.kid.hex() if row.kid else "")
