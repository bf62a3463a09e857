"""Issuing certificates: one for a version of a result, kept, so that whoever asks again gets the same."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from sqlalchemy import update
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.extensions import vault
from lims.results.certificates.issuing import Stamp, says_the_same, write_certificate
from lims.results.certificates.models import Certificate
from lims.results.certificates.queries import certificates as queries
from lims.results.certificates.queries.certificates import Issued, Subject
from lims.results.certificates.queries.keys import Signer, find_signer
from lims.results.certificates.uvci import hash_uvci, make_uvci
from lims.tables import new_id
from lims.transaction import action


@action
def issue_certificates(
    session: Session, *, actor: Actor, result_ids: Sequence[uuid.UUID]
) -> dict[uuid.UUID, Issued]:
    """Return the certificates of some results; those that are missing are signed and kept.

    A person whose name or birth date was corrected since gets a new certificate, and the old one is revoked; so does
    one whose certificate ended early, with its signer.

    Args:
        actor: who asks: staff, or the resident.
        result_ids: versions; those without a certificate (not released, not clear, out of date, no key) are left out.

    Returns:
        Certificates by result.
    """
    now = clock.now()
    subjects = queries.list_subjects(session, result_ids=result_ids, lock=True)
    certified = [subject for subject in subjects.values() if subject.can_be_certified]
    issued = queries.list_issued(session, subjects=certified, vault=vault(), lock=True)
    signer = find_signer(session, vault=vault(), now=now, lock=True)
    for subject in certified:
        known = issued.get(subject.result_id)
        if signer is None or subject.certificate_ends_at(signer_ends_at=signer.not_after) <= now:
            continue
        if known is not None:
            corrected = not says_the_same(known.text, subject.tested(issuer=""))
            if not corrected and known.expires_at > now:
                continue
            _revoke(session, known, "corrected" if corrected else "expired")
        issued[subject.result_id] = _issue(session, subject, signer)
    return issued


def _issue(session: Session, subject: Subject, signer: Signer) -> Issued:
    uvci, now = make_uvci(), clock.now().replace(microsecond=0)
    stamp = Stamp(uvci, now, subject.certificate_ends_at(signer_ends_at=signer.not_after))
    text = write_certificate(
        subject.tested(issuer=signer.organisation), stamp, kid=signer.kid, private_key=signer.private_key
    )
    key = new_id()
    sealed = vault().seal(
        text,
        person_key=subject.person_key,
        person_id=subject.person_id,
        column=f"{queries.TEXT_COLUMN}:{key}",
    )
    session.add(
        Certificate(
            id=key,
            result_id=subject.result_id,
            signing_key_id=signer.key_id,
            uvci=uvci,
            uvci_hash=hash_uvci(uvci),
            issued_at=stamp.issued_at,
            expires_at=stamp.expires_at,
            text_sealed=sealed,
        )
    )
    audit.note(session, "result", subject.result_id, "certificate_issued")
    return Issued(key, subject.result_id, text, uvci, stamp.issued_at, stamp.expires_at, signer.kid.hex())


def _revoke(session: Session, known: Issued, reason: str) -> None:
    session.execute(
        update(Certificate)
        .where(Certificate.id == known.certificate_id)
        .values(revoked_at=clock.now(), revoked_reason=reason)
    )
    audit.note(session, "result", known.result_id, "certificate_revoked")
