"""What a sheet says beside its certificate; which results a commune or a run has sheets of."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from lims.auth.actors import Actor
from lims.auth.queries import map_display_names
from lims.errors import NotFound, Refused
from lims.intake.models import Person, Sample, Tube
from lims.places.models import Campaign, Place
from lims.pooling.models import Run
from lims.results.certificates.rules import CERTIFIED_FINDINGS
from lims.results.models import Result

MOST = 20_000


@dataclass(frozen=True)
class Paper:
    """What is printed beside the certificate's own words.

    Args:
        tube: code of the tube.
        campaign, site, commune: names.
        verified_by, verified_at, released_by: who agreed and when; who released.
        amendment_reason: empty where the version amends nothing.
    """

    tube: str
    campaign: str
    site: str
    commune: str
    verified_by: str
    verified_at: datetime
    released_by: str
    amendment_reason: str


def list_papers(session: Session, *, result_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Paper]:
    """Return what the sheets of some released results say, by result."""
    site, commune = aliased(Place), aliased(Place)
    rows = session.execute(
        select(Result, Tube.code, Campaign.name, site.name.label("site"), commune.name.label("commune"))
        .join(Sample, Sample.id == Result.sample_id)
        .join(Tube, Tube.id == Sample.tube_id)
        .join(Campaign, Campaign.id == Sample.campaign_id)
        .join(site, site.id == Sample.place_id)
        .join(commune, commune.id == Sample.commune_id)
        .where(Result.id.in_(result_ids), Result.released_at.is_not(None))
    ).all()
    people = [key for row in rows for key in (row.Result.verified_by_id, row.Result.released_by_id)]
    names = map_display_names(session, user_ids=people)
    return {
        row.Result.id: Paper(
            tube=row.code,
            campaign=row.name,
            site=row.site,
            commune=row.commune,
            verified_by=names.get(row.Result.verified_by_id, "–"),
            verified_at=row.Result.verified_at,
            released_by=names.get(row.Result.released_by_id, "–"),
            amendment_reason=row.Result.amendment_reason,
        )
        for row in rows
    }


def check_has_sheet(session: Session, *, actor: Actor, result_id: uuid.UUID) -> None:
    """Refuse where staff may not print a result.

    Raises:
        NotFound: there is no such result of the actor's communes.
        Refused: says why there is no sheet of it.
    """
    row = session.execute(
        select(Result.status, Result.finding, Sample.commune_id, Person.restricted_at, Person.erased_at)
        .join(Sample, Sample.id == Result.sample_id)
        .join(Person, Person.id == Sample.person_id)
        .where(Result.id == result_id)
    ).one_or_none()
    if row is None or not actor.sees(row.commune_id):
        raise NotFound("There is no such result among your places.", field="result_id")
    if row.erased_at is not None or row.restricted_at is not None:
        raise Refused("This person's data may not be used. Only the person can print the sheet.")
    if row.status == "superseded":
        raise Refused("This version was replaced by a newer one. Print the sheet of the newest version.")
    if row.status == "withdrawn":
        raise Refused("This result was withdrawn. There is no sheet of it any more.")
    if row.status != "released":
        raise Refused("This result is not released yet. There is a sheet as soon as it is.")
    if row.finding not in CERTIFIED_FINDINGS:
        raise Refused("This test has no clear finding, so there is no sheet. A new sample is needed.")


def find_result_of_declaration(session: Session, *, declaration_id: uuid.UUID) -> uuid.UUID | None:
    """Return the current result of the latest sample taken for a declaration, whatever its state."""
    return session.scalar(
        select(Result.id)
        .join(Sample, Sample.id == Result.sample_id)
        .where(Sample.declaration_id == declaration_id, Result.status != "superseded")
        .order_by(Sample.attempt.desc())
        .limit(1)
    )


def list_results_with_sheet(
    session: Session,
    *,
    actor: Actor,
    run_code: str = "",
    commune_id: uuid.UUID | None = None,
    sampled_on: date | None = None,
    most: int = MOST,
) -> Sequence[uuid.UUID]:
    """Return the released results with a clear finding, in the order of their keys.

    Args:
        session: a reading session.
        actor: only results of their communes.
        run_code: only those of a run, by its printed code.
        commune_id, sampled_on: only those of a commune, of a day.
        most: rows returned.
    """
    query = (
        select(Result.id)
        .join(Sample, Sample.id == Result.sample_id)
        .join(Person, Person.id == Sample.person_id)
        .where(
            Result.status == "released",
            Result.finding.in_(CERTIFIED_FINDINGS),
            Person.erased_at.is_(None),
            Person.restricted_at.is_(None),
        )
        .order_by(Result.id)
        .limit(most)
    )
    if not actor.everywhere:
        query = query.where(Sample.commune_id.in_(actor.place_ids))
    for column, value in (
        (Sample.commune_id, commune_id),
        (Sample.sampled_on, sampled_on),
    ):
        if value is not None:
            query = query.where(column == value)
    if run_code:
        query = query.join(Run, Run.id == Result.run_id).where(Run.code == run_code)
    return session.scalars(query).all()
