"""People, their declarations, and the released results of a commune. A restricted person is counted, never named."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.orm import Session, aliased

from lims.auth.actors import Actor
from lims.exports.queries.kinds import Kind, of, within
from lims.intake.birth_dates import BirthDate
from lims.intake.identity import written_phone
from lims.intake.models import Declaration, Person, PersonIdentity, Sample
from lims.intake.people import ADDRESS, IDENTITY, PHONE
from lims.places.models import Place
from lims.results.models import Result
from lims.results.rules import UNCLEAR
from lims.vault import Vault

PERSON = ("name", "birth_date", "sex")
NAMES = (
    Person.id.label("person_id"),
    Person.name,
    Person.birth_on,
    Person.birth_precision,
    Person.sex,
    Person.restricted_at,
    Person.erased_at,
)
commune = aliased(Place)


def _names(row: Any) -> list[Any]:
    """Return name, birth date and sex, or what is left of them."""
    if row.restricted_at is not None or row.erased_at is not None:
        return [None, None, row.sex]
    return [row.name, BirthDate.of(row.birth_on, row.birth_precision).iso, row.sex]


def _people(actor: Actor) -> Select[*tuple[Any, ...]]:
    declared = exists(
        select(Declaration.id).where(
            Declaration.person_id == Person.id, within(actor, Declaration.commune_id)
        )
    )
    sealed = (Person.person_key, Person.phone_sealed, Person.address_sealed, Person.created_at)
    return (
        select(*NAMES, *sealed, commune.code.label("commune_code"), commune.name.label("commune"))
        .join(commune, commune.id == Person.commune_id)
        .where(declared)
    )


def _declared_in(campaign_id: uuid.UUID) -> ColumnElement[bool]:
    return exists(
        select(Declaration.id).where(
            Declaration.person_id == Person.id, Declaration.campaign_id == campaign_id
        )
    )


def _read_people(session: Session, vault: Vault, rows: Sequence[Any]) -> list[Sequence[Any]]:
    numbers: defaultdict[uuid.UUID, list[bytes]] = defaultdict(list)
    for identity in session.execute(
        select(PersonIdentity.person_id, PersonIdentity.number_sealed)
        .where(PersonIdentity.person_id.in_([row.person_id for row in rows]))
        .order_by(PersonIdentity.id)
    ):
        numbers[identity.person_id].append(identity.number_sealed)
    read: list[Sequence[Any]] = []
    for row in rows:
        shown = row.restricted_at is None and row.person_key is not None

        def unseal(sealed: bytes | None, column: str, row: Any = row, shown: bool = shown) -> str | None:
            if sealed is None or not shown:
                return None
            return vault.unseal(sealed, person_key=row.person_key, person_id=row.person_id, column=column)

        phone = unseal(row.phone_sealed, PHONE)
        read.append(
            [
                str(row.person_id),
                *_names(row),
                ", ".join(filter(None, (unseal(one, IDENTITY) for one in numbers[row.person_id]))) or None,
                written_phone(phone) if phone else None,
                unseal(row.address_sealed, ADDRESS),
                row.commune_code,
                row.commune,
                row.created_at,
                row.restricted_at is not None,
                row.erased_at is not None,
            ]
        )
    return read


def _declarations(actor: Actor) -> Select[*tuple[Any, ...]]:
    columns = (
        Declaration.code,
        Declaration.status,
        Declaration.attempt,
        Declaration.resample_reason,
        Declaration.household_code,
        Declaration.symptoms,
        Declaration.has_symptoms,
        Declaration.is_contact,
        Declaration.declared_by,
        Declaration.consent_version,
        Declaration.consent_given,
        Declaration.consented_at,
        Declaration.created_at,
        Declaration.closed_at,
    )
    return (
        select(*NAMES, *columns, commune.code.label("commune_code"), commune.name.label("commune"))
        .join(Person, Person.id == Declaration.person_id)
        .join(commune, commune.id == Declaration.commune_id)
        .where(within(actor, Declaration.commune_id))
    )


DECLARED = (
    "status",
    "attempt",
    "resample_reason",
    "household_code",
    "symptoms",
    "has_symptoms",
    "is_contact",
    "declared_by",
    "consent_version",
    "consent_given",
    "consented_at",
    "commune_code",
    "commune",
    "created_at",
    "closed_at",
)


def _read_declarations(_session: Session, _vault: Vault, rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [[row.code, *_names(row), *(getattr(row, name) for name in DECLARED)] for row in rows]


def _commune_results(actor: Actor) -> Select[*tuple[Any, ...]]:
    return (
        select(
            *NAMES,
            Declaration.code,
            Sample.sampled_at,
            Result.finding,
            Result.version,
            Result.released_at,
            commune.code.label("commune_code"),
            commune.name.label("commune"),
        )
        .join(Sample, Sample.id == Result.sample_id)
        .join(Declaration, Declaration.id == Sample.declaration_id)
        .join(Person, Person.id == Sample.person_id)
        .join(commune, commune.id == Declaration.commune_id)
        .where(Result.status == "released", within(actor, Declaration.commune_id))
    )


def _read_commune_results(_session: Session, _vault: Vault, rows: Sequence[Any]) -> list[Sequence[Any]]:
    return [
        [
            row.code,
            *_names(row),
            row.commune_code,
            row.commune,
            row.sampled_at,
            # as the person is told it: an invalid test is an inconclusive one
            "inconclusive" if row.finding in UNCLEAR else row.finding,
            row.version,
            row.released_at,
        ]
        for row in rows
    ]


KINDS = (
    Kind(
        "people",
        "see_people",
        (
            "person_id",
            *PERSON,
            "identity_numbers",
            "phone",
            "address",
            "commune_code",
            "commune",
            "created_at",
            "restricted",
            "erased",
        ),
        key=(Person.id,),
        query=_people,
        of_campaign=_declared_in,
        at=Person.created_at,
        read=_read_people,
        person="person_id",
    ),
    Kind(
        "declarations",
        "see_people",
        ("code", *PERSON, *DECLARED),
        key=(Declaration.id,),
        query=_declarations,
        of_campaign=of(Declaration.campaign_id),
        at=Declaration.created_at,
        read=_read_declarations,
        person="person_id",
    ),
    Kind(
        "commune_results",
        "see_commune_results",
        (
            "declaration",
            *PERSON,
            "commune_code",
            "commune",
            "sampled_at",
            "finding",
            "version",
            "released_at",
        ),
        key=(Result.id,),
        query=_commune_results,
        of_campaign=of(Declaration.campaign_id),
        at=Result.released_at,
        read=_read_commune_results,
        person="person_id",
    ),
)
