"""Importing a ward's or a company's list of people: good rows kept, bad ones reported and kept sealed.

The file is read before any lock is taken, and its people are written a thousand at a time, each thousand one
transaction: everybody else's scans get their turn in between. Every row has a keyed natural key, unique in the
campaign, so that an import that was cut off is finished by sending the file again, and nothing is created twice.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from lims import audit, clock, inbox
from lims.auth.actors import Actor
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.inbox import Letter
from lims.intake import refused_rows
from lims.intake.actions.declarations import get_open_campaign
from lims.intake.commune_names import CommuneFinder
from lims.intake.declaring import Statement
from lims.intake.households import household_code_for
from lims.intake.identity import LONGEST_ADDRESS
from lims.intake.models import PeopleImport
from lims.intake.people_list import PeopleList, read_people
from lims.intake.people_rows import PersonRow
from lims.intake.queries import declarations as declaration_queries
from lims.intake.queries import lists as queries
from lims.intake.registration import Entry, register_people
from lims.intake.rules import CONSENT_WAYS_OF_LISTS
from lims.intake.symptom_words import read_symptoms
from lims.names import clean_text
from lims.tables import new_id
from lims.transaction import action

ROWS_AT_ONCE = 1_000
REFUSED_COLUMN = "people_import.refused_sealed"
SHOWN_OF_DRY_RUN = 200


def import_people(
    *,
    actor: Actor,
    client_id: uuid.UUID,
    campaign_id: uuid.UUID,
    commune_id: uuid.UUID | None,
    file_name: str,
    content: bytes,
    dry_run: bool = False,
    consent_given: str = "asked_by_sender",
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Import a list of people.

    Args:
        actor: who sends it; rows for communes that are not the actor's are refused.
        client_id: id made by the sender; the same list with it again is answered the same.
        campaign_id: the campaign; it must be open.
        commune_id: the commune of rows that name none.
        file_name: as sent.
        content: the bytes of the file, CSV or XLSX.
        dry_run: only say what would happen; nothing is written.
        consent_given: how the people have agreed, as the sender states it: a word of `rules.CONSENT_WAYS_OF_LISTS`.
        progress: told the rows done and all rows, after every thousand.

    Returns:
        `import_id` (None for a dry run), `file_name`, `rows_read`, `accepted`, `repeated` (imported before, or with
        an open declaration), `refused`, `warnings` (rows with something odd), `unused_columns`, and `problems`: the
        first 200 reasons as `line`, `column`, `message`, `parameters` (a dry run only; else they are sealed).

    Raises:
        InvalidInput: the file as a whole cannot be read.
        NotFound: no such campaign, or the commune is not among the actor's places.
        Refused: the campaign is closed.
    """
    if consent_given not in CONSENT_WAYS_OF_LISTS:
        raise InvalidInput("Choose how they have agreed.", field="consent_given")
    session = db.session()
    letter = _letter(client_id, campaign_id, commune_id, content, dry_run)
    answered = inbox.find_answers(session, [letter])
    if answered:
        answer: dict[str, Any] = answered[client_id]
        return answer
    campaign = get_open_campaign(session, campaign_id=campaign_id)
    if commune_id is not None:
        actor.check_place(commune_id)
    names = queries.list_commune_names(session, province_id=campaign.province_id)
    places = _Places(actor, CommuneFinder(names), commune_id)
    people = read_people(
        content,
        file_name=clean_text(file_name, field="file", longest=200),
        today=clock.today(),
        check=places.check,
    )
    rows = [_listed(row, campaign_id, places.commune_by_line[row.line], consent_given) for row in people.rows]
    batches = [rows[start : start + ROWS_AT_ONCE] for start in range(0, len(rows), ROWS_AT_ONCE)]
    counts: Counter[str] = Counter(accepted=0, repeated=0)
    for batch in batches:
        if dry_run:
            counts += _count_listed(session, campaign_id, batch)
        else:
            counts += _declare_listed(actor=actor, campaign_id=campaign_id, rows=batch)
        if progress is not None:
            progress(counts.total(), len(rows))
    summary = _summary(people, counts, dry_run)
    if dry_run:
        return {**summary, "import_id": None, "problems": list_problems(people)[:SHOWN_OF_DRY_RUN]}
    return _keep_import(
        actor=actor,
        letter=letter,
        campaign_id=campaign_id,
        commune_id=commune_id,
        file_sha256=hashlib.sha256(content).digest(),
        people=people,
        summary=summary,
    )


def list_problems(people: PeopleList) -> list[dict[str, Any]]:
    """Return every reason against a row of a list: `line`, `column`, `message` (msgid), `parameters`."""
    return [
        {
            "line": row.line,
            "column": reason.column,
            "message": reason.message,
            "parameters": dict(reason.parameters),
        }
        for row in people.refused
        for reason in row.reasons
    ]


class _Places:
    """Finds each row's commune while the list is read, so that a wrong one refuses its row."""

    def __init__(self, actor: Actor, finder: CommuneFinder, commune_id: uuid.UUID | None) -> None:
        self._actor, self._finder, self._fallback = actor, finder, commune_id
        self.commune_by_line: dict[int, uuid.UUID] = {}

    def check(self, row: PersonRow) -> None:
        if row.commune:
            commune_id = self._finder.find(commune=row.commune, district=row.district)
        elif self._fallback is not None:
            commune_id = self._fallback
        else:
            raise InvalidInput(
                "The commune is missing. Write it, or choose one for the whole list.", field="commune"
            )
        if not self._actor.sees(commune_id):
            raise InvalidInput(
                "“%(text)s” is not one of your communes. Send the row to its own health station.",
                field="commune",
                text=row.commune[:60],
            )
        self.commune_by_line[row.line] = commune_id


@action
def _declare_listed(
    session: Session, *, actor: Actor, campaign_id: uuid.UUID, rows: Sequence[Entry]
) -> Counter[str]:
    """Register at most a thousand rows; those imported before are left out."""
    campaign = get_open_campaign(session, campaign_id=campaign_id)
    before = declaration_queries.find_natural_keys(
        session, campaign_id=campaign_id, keys={row.natural_key for row in rows if row.natural_key}
    )
    outcomes = register_people(
        session,
        actor=actor,
        vault=vault(),
        campaign=campaign,
        entries=[row for row in rows if row.natural_key not in before],
        with_result_codes=False,
    )
    accepted = sum(outcome.is_new for outcome in outcomes)
    return Counter(accepted=accepted, repeated=len(rows) - accepted)


def _count_listed(session: Session, campaign_id: uuid.UUID, rows: Sequence[Entry]) -> Counter[str]:
    before = declaration_queries.find_natural_keys(
        session, campaign_id=campaign_id, keys={row.natural_key for row in rows if row.natural_key}
    )
    repeated = sum(row.natural_key in before for row in rows)
    return Counter(accepted=len(rows) - repeated, repeated=repeated)


@action
def _keep_import(
    session: Session,
    *,
    actor: Actor,
    letter: Letter,
    campaign_id: uuid.UUID,
    commune_id: uuid.UUID | None,
    file_sha256: bytes,
    people: PeopleList,
    summary: dict[str, Any],
) -> dict[str, Any]:
    """Remember what became of a list, its refused rows sealed."""
    import_id = new_id()
    sealed = None
    if people.refused:
        packed = refused_rows.pack(people)
        sealed = vault().seal_record(packed, record_id=import_id, column=REFUSED_COLUMN)
    counts = {name: summary[name] for name in ("rows_read", "accepted", "repeated", "refused")}
    session.add(
        PeopleImport(
            id=import_id,
            campaign_id=campaign_id,
            commune_id=commune_id,
            file_name=people.file_name,
            file_sha256=file_sha256,
            refused_sealed=sealed,
            imported_by_id=actor.user_id,
            imported_at=clock.now(),
            **counts,
        )
    )
    audit.note(session, "people_import", import_id, "imported", **counts)
    answer = {**summary, "import_id": str(import_id), "problems": []}
    inbox.keep_answers(session, [(letter, answer)])
    return answer


def _summary(people: PeopleList, counts: Counter[str], dry_run: bool) -> dict[str, Any]:
    return {
        "file_name": people.file_name,
        "rows_read": people.read,
        "accepted": counts["accepted"],
        "repeated": counts["repeated"],
        "refused": len(people.refused),
        "warnings": sum(bool(row.warnings) for row in people.rows),
        "unused_columns": list(people.unused_columns),
        "dry_run": dry_run,
    }


def _letter(
    client_id: uuid.UUID, campaign_id: uuid.UUID, commune_id: uuid.UUID | None, content: bytes, dry_run: bool
) -> Letter:
    said = [str(campaign_id), str(commune_id or ""), hashlib.sha256(content).hexdigest(), dry_run]
    return Letter(client_id, "import_people", inbox.content_hash(said))


def _listed(row: PersonRow, campaign_id: uuid.UUID, commune_id: uuid.UUID, consent_given: str) -> Entry:
    where = ", ".join(part for part in (row.house, row.hamlet, row.address) if part)
    household = ""
    if row.household:
        named = "|".join((str(campaign_id), str(commune_id), row.hamlet, row.household))
        household = household_code_for(vault(), text=named)
    statement = Statement(
        name=row.name,
        birth=row.birth,
        sex=row.sex,
        identity_numbers=tuple(
            dict.fromkeys(number for number in (row.identity_number, row.old_identity_number) if number)
        ),
        phone=row.phone,
        address=where[:LONGEST_ADDRESS],
        symptoms=read_symptoms(row.symptoms),
        has_symptoms=bool(row.symptoms),
        is_contact=bool(row.contact),
        declared_by="list",
        household_code=household,
        warnings=(),
    )
    natural_key = vault().digest(row.key, purpose="imported-row")
    return Entry(new_id(), statement, commune_id, natural_key, consent_given)
