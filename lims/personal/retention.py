"""Running retention: every night what is due, and after an old backup was restored, the whole list again."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from lims import clock
from lims.auth.actors import SYSTEM
from lims.errors import InvalidInput
from lims.extensions import db
from lims.field.judging import judge_kept
from lims.nights import every_night
from lims.personal.actions import retention as actions
from lims.personal.queries import requests
from lims.personal.queries import retention as queries
from lims.transaction import compact

# tables that held what was erased
TABLES = (
    "person",
    "person_identity",
    "declaration",
    "follow_up",
    "discrepancy",
    "field_scan",
    "people_import",
    "data_request",
    "person_correction",
    "result",
    "certificate",
    "foreign_identifier",
    "message",
    "inbound",
)


@dataclass(frozen=True)
class Erased:
    """What was erased, or would be.

    Args:
        people: whose identity.
        campaigns: whose lists and scans.
        lists: whose refused rows were older than a month.
        overdue: requests of people that are past a term; not erased, but to be looked at.
    """

    people: int
    campaigns: int
    lists: int
    overdue: int


def count_due() -> Erased:
    """Return what a run would erase now."""
    session, today = db.session(), clock.today()
    return Erased(
        people=queries.count_due_people(session, today=today),
        campaigns=len(queries.list_due_campaigns(session, today=today)),
        lists=queries.count_old_refused_rows(session, now=clock.now()),
        overdue=requests.count_overdue(session, now=clock.now()),
    )


def erase_due() -> Erased:
    """Erase what is due; a run that was cut off is finished by the next one."""
    due = [campaign.id for campaign in queries.list_due_campaigns(db.session(), today=clock.today())]
    for campaign_id in due:
        # what a phone sent is judged before it is erased
        judge_kept(device_ids=queries.list_waiting_phones(db.session(), campaign_id=campaign_id))
    people = 0
    while erased := actions.erase_due_people(actor=SYSTEM):
        people += erased
    for campaign_id in due:
        actions.erase_campaign_records(actor=SYSTEM, campaign_id=campaign_id)
    lists = actions.erase_old_refused_rows(actor=SYSTEM)
    overdue = requests.count_overdue(db.session(), now=clock.now())
    return Erased(people=people, campaigns=len(due), lists=lists, overdue=overdue)


def write_anew() -> None:
    """Write the tables that held identities anew, so that no free page of the file holds what was erased."""
    compact(TABLES)


def list_erased_lines() -> Iterator[str]:
    """Yield the list to keep outside with the backups: keys and moments, nothing of anybody."""
    people, campaigns = queries.list_erased(db.session())
    for word, rows in (("person", people), ("campaign", campaigns)):
        for row in rows:
            yield f"{word} {row.id} {row.erased_at.isoformat()}"


def replay(lines: Iterable[str]) -> Erased:
    """Erase again everybody on a list, as after an old backup was restored.

    Raises:
        InvalidInput: a line is not one of `list_erased_lines`; nothing was erased.
    """
    read = [_read(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    people = iter([(key, moment) for word, key, moment in read if word == "person"])
    erased = 0
    while some := list(islice(people, actions.PEOPLE_AT_ONCE)):
        erased += actions.replay_people(actor=SYSTEM, erased=some)
    known = {campaign.id for campaign in queries.list_campaigns(db.session())}
    campaigns = [(key, moment) for word, key, moment in read if word == "campaign" and key in known]
    for key, moment in campaigns:
        actions.erase_campaign_records(actor=SYSTEM, campaign_id=key, erased_at=moment)
    return Erased(people=erased, campaigns=len(campaigns), lists=0, overdue=0)


def _read(number: int, line: str) -> tuple[str, uuid.UUID, datetime]:
    try:
        word, key, moment = line.split()
        at = datetime.fromisoformat(moment)
        if word in ("person", "campaign") and at.tzinfo is not None:
            return word, uuid.UUID(key), at
    except ValueError:
        pass
    raise InvalidInput(
        "Line %(line)s is not of a list of erasures. Nothing was erased.", field="file", line=number
    )


every_night("retention", erase_due)
