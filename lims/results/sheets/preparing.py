"""From released results to their sheets: facts and certificates are read, times and codes are written as printed."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from lims import clock, codes, labels
from lims.extensions import settings, vault
from lims.intake.birth_dates import BirthDate
from lims.results.certificates.queries.certificates import Issued, Subject, list_issued, list_subjects
from lims.results.sheets.content import Sheet, shorten_address
from lims.results.sheets.drawing import draw_sheets, find_template
from lims.results.sheets.queries import Paper, list_papers

QR_LEVEL = "M"
QR_NAME = "QR HC1"
VERIFY, READ = "/verify", "/results"


@dataclass(frozen=True)
class Prepared:
    """A sheet and what it is made of.

    Args:
        sheet: as printed.
        person_id: whose it is.
        released_at: of the result.
        certificate: text of the QR; empty where there is no certificate.
    """

    sheet: Sheet
    person_id: uuid.UUID
    released_at: datetime
    certificate: str


def prepare_sheets(session: Session, *, result_ids: Sequence[uuid.UUID]) -> list[Prepared]:
    """Return the sheets of those of some results that are released, current and clear, in the order asked for.

    The certificates are those that were issued; whoever wants them issued calls that action before.
    """
    subjects = {
        key: subject
        for key, subject in list_subjects(session, result_ids=result_ids).items()
        if subject.can_be_certified
    }
    issued = list_issued(session, subjects=list(subjects.values()), vault=vault())
    papers = list_papers(session, result_ids=subjects)
    base = settings().base_url
    return [
        Prepared(
            sheet=_write(subjects[key], papers[key], issued.get(key), base_url=base),
            person_id=subjects[key].person_id,
            released_at=subjects[key].released_at,
            certificate=issued[key].text if key in issued else "",
        )
        for key in result_ids
        if key in subjects
    ]


def draw(prepared: Collection[Prepared]) -> bytes:
    """Return the sheets as one PDF, dated by the latest release among them, so that it is the same each time."""
    return draw_sheets(
        [one.sheet for one in prepared],
        made_at=max(one.released_at for one in prepared),
        template=find_template(settings().instance_path),
    )


def _write(subject: Subject, paper: Paper, issued: Issued | None, *, base_url: str) -> Sheet:
    return Sheet(
        name=subject.name,
        born=_birth_date(subject.born),
        declaration=codes.grouped(subject.declaration_code),
        tube=codes.grouped(paper.tube),
        campaign=paper.campaign,
        site=f"{paper.site}, {paper.commune}",
        laboratory=subject.laboratory,
        kit=subject.kit,
        pooled=subject.pooled,
        finding=subject.finding,
        sampled_at=_moment(subject.sampled_at),
        valid_until=_moment(subject.valid_until),
        verified_by=paper.verified_by,
        verified_at=_moment(paper.verified_at),
        released_by=paper.released_by,
        released_at=_moment(subject.released_at),
        version=subject.version,
        is_amended=subject.is_amended,
        amendment_reason=paper.amendment_reason if subject.is_amended else "",
        verify_at=shorten_address(base_url + VERIFY),
        read_at=shorten_address(base_url + READ),
        **_proof(issued),
    )


def _proof(issued: Issued | None) -> Mapping[str, str]:
    if issued is None:
        return {"qr": "", "uvci": "", "certificate_until": ""}
    return {
        "qr": labels.qr_svg(issued.text, label=QR_NAME, level=QR_LEVEL),
        "uvci": issued.uvci,
        "certificate_until": _moment(issued.expires_at),
    }


def _moment(moment: datetime | None) -> str:
    return "" if moment is None else f"{clock.local(moment):%H:%M %d/%m/%Y}"


def _birth_date(born: BirthDate) -> str:
    return "/".join(reversed(born.iso.split("-")))
