"""Reading what a certificate and a sheet say: one statement for any number of results."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from lims import clock
from lims.intake.birth_dates import BirthDate
from lims.intake.models import Declaration, Person, Sample
from lims.places.models import Campaign, Place
from lims.pooling.models import Assay, PoolMember, Run
from lims.results.certificates.models import Certificate, SigningKey
from lims.results.certificates.payload import Tested, name_test
from lims.results.certificates.rules import CERTIFIED_FINDINGS
from lims.results.models import Result
from lims.vault import Vault

TEXT_COLUMN = "certificate.text_sealed"


@dataclass(frozen=True)
class Subject:
    """One released result, with all that its sheet says.

    Args:
        result_id, version, finding, released_at: of the result.
        is_amended: an earlier version was released before.
        person_id, person_key, name, born: of the person.
        sampled_at, validity_hours, certificate_hours: when it was taken, and the campaign's rules.
        kit, laboratory: what was used, where.
        pooled: how many people's samples the reaction held.
        place_id, commune_id: for who may see it.
        declaration_code: printed on the sheet.
    """

    result_id: uuid.UUID
    version: int
    finding: str
    released_at: datetime
    is_amended: bool
    person_id: uuid.UUID
    person_key: bytes
    name: str
    born: BirthDate
    sampled_at: datetime
    validity_hours: int
    certificate_hours: int
    kit: str
    laboratory: str
    pooled: int
    laboratory_id: uuid.UUID
    commune_id: uuid.UUID
    declaration_code: str

    @property
    def can_be_certified(self) -> bool:
        """Whether a certificate is ever issued of it."""
        return self.finding in CERTIFIED_FINDINGS

    @property
    def valid_until(self) -> datetime | None:
        """How long "not detected" holds."""
        if self.finding != "not_detected":
            return None
        return self.sampled_at + timedelta(hours=self.validity_hours)

    def certificate_ends_at(self, *, signer_ends_at: datetime) -> datetime:
        """Return until when a certificate can be verified: by the campaign's rule, never after its signer's end."""
        return min(self.sampled_at + timedelta(hours=self.certificate_hours), signer_ends_at)

    def tested(self, *, issuer: str) -> Tested:
        """Return what the certificate says."""
        return Tested(
            name=self.name,
            born=self.born,
            finding=self.finding,
            sampled_at=clock.local(self.sampled_at),
            test=name_test(kit=self.kit, pooled=self.pooled),
            laboratory=self.laboratory,
            issuer=issuer,
        )


def list_subjects(
    session: Session, *, result_ids: Collection[uuid.UUID], lock: bool = False
) -> dict[uuid.UUID, Subject]:
    """Return those of some results that are released, current, and whose person is not erased.

    Args:
        session: any; a writing one to lock.
        result_ids: versions.
        lock: True where something is issued of them: they are not taken back meanwhile.
    """
    earlier, mixed = aliased(Result), aliased(Sample)
    amended = exists(
        select(earlier.id).where(
            earlier.sample_id == Result.sample_id,
            earlier.version < Result.version,
            earlier.released_at.is_not(None),
        )
    )
    pooled = (
        select(func.count(mixed.id))
        .join(PoolMember, PoolMember.tube_id == mixed.tube_id)
        .where(PoolMember.pool_id == Result.pool_id, mixed.status != "void")
        .correlate(Result)
        .scalar_subquery()
    )
    query = (
        select(
            Result,
            Sample,
            Person,
            Campaign.validity_hours,
            Campaign.certificate_hours,
            Assay.name.label("kit"),
            Place.name.label("laboratory"),
            Declaration.code.label("declaration_code"),
            amended.label("is_amended"),
            pooled.label("pooled"),
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Person, Person.id == Sample.person_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .join(Run, Run.id == Result.run_id)
        .join(Assay, Assay.id == Run.assay_id)
        .join(Place, Place.id == Result.laboratory_id)
        .where(
            Result.id.in_(result_ids),
            Result.status == "released",
            Person.erased_at.is_(None),
            Person.person_key.is_not(None),
        )
        .order_by(Result.id)
    )
    rows = session.execute(query.with_for_update(of=Result, read=True) if lock else query).all()
    return {
        row.Result.id: Subject(
            result_id=row.Result.id,
            version=row.Result.version,
            finding=row.Result.finding,
            released_at=row.Result.released_at,
            is_amended=row.is_amended,
            person_id=row.Person.id,
            person_key=row.Person.person_key,
            name=row.Person.name,
            born=BirthDate.of(row.Person.birth_on, row.Person.birth_precision),
            sampled_at=row.Sample.sampled_at,
            validity_hours=row.validity_hours,
            certificate_hours=row.certificate_hours,
            kit=row.kit,
            laboratory=row.laboratory,
            pooled=row.pooled,
            laboratory_id=row.Result.laboratory_id,
            commune_id=row.Sample.commune_id,
            declaration_code=row.declaration_code,
        )
        for row in rows
    }


@dataclass(frozen=True)
class Issued:
    """A certificate that counts.

    Args:
        certificate_id, result_id: rows.
        text: `HC1:…`.
        uvci: its identifier.
        issued_at, expires_at: moments.
        kid: hexadecimal, of the key that signed it.
    """

    certificate_id: uuid.UUID
    result_id: uuid.UUID
    text: str
    uvci: str
    issued_at: datetime
    expires_at: datetime
    kid: str


def list_issued(
    session: Session, *, subjects: Collection[Subject], vault: Vault, lock: bool = False
) -> dict[uuid.UUID, Issued]:
    """Return the certificates of some results that are not revoked, by result."""
    people = {subject.result_id: subject for subject in subjects}
    query = (
        select(Certificate, SigningKey.kid)
        .join(SigningKey, SigningKey.id == Certificate.signing_key_id)
        .where(Certificate.result_id.in_(people), Certificate.revoked_at.is_(None))
    )
    found = session.execute(query.with_for_update(of=Certificate) if lock else query).all()
    return {
        row.Certificate.result_id: Issued(
            certificate_id=row.Certificate.id,
            result_id=row.Certificate.result_id,
            text=vault.unseal(
                row.Certificate.text_sealed,
                person_key=people[row.Certificate.result_id].person_key,
                person_id=people[row.Certificate.result_id].person_id,
                column=f"{TEXT_COLUMN}:{row.Certificate.id}",
            ),
            uvci=row.Certificate.uvci,
            issued_at=row.Certificate.issued_at,
            expires_at=row.Certificate.expires_at,
            kid=row.kid.hex(),
        )
        for row in found
    }
