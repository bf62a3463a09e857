"""A report read, and written as a file: page, API and command line begin here."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_babel import format_datetime, format_decimal, get_locale
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.measures import MEASURES
from lims.capacity.queries.report_figures import get_province, read_report_figures
from lims.capacity.queries.reports import find_report
from lims.capacity.reports.content import SHOWN_DAYS, compare, find_days, is_empty, write_content
from lims.capacity.reports.drawing import draw_report
from lims.capacity.reports.tables import make_charts, make_tables, title_of
from lims.capacity.reports.workbook import write_workbook
from lims.errors import InvalidInput
from lims.language import say
from lims.msgid import N_

KNOWN = ("then", "now")
CHANGED = {**MEASURES, "detected": N_("Detected")}
"""Words of what may have changed since a report was made."""


@dataclass(frozen=True)
class ReadReport:
    """A report as it is shown.

    Args:
        content: as of `content.write_content`.
        known: `then` or `now`.
        made_at: when it was kept; None of one that was not.
        known_on: the local day up to whose end everything was known; None: now, or when it was kept.
        changed: of one that was kept: which counts are others now.
    """

    content: Mapping[str, Any]
    known: str
    made_at: datetime | None
    known_on: date | None
    changed: list[tuple[str, int, int]]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened on its days."""
        return is_empty(self.content)


def read_report(
    session: Session, *, actor: Actor, province_id: uuid.UUID, kind: str, day: date, known: str = "now"
) -> ReadReport:
    """Return a report of past or present days.

    As known *then* it is the one that was kept, for whoever leads the whole province; where none was kept, and for
    those who see a part, it is what was known at the end of its last day.

    Args:
        session: reading session.
        actor: whose places are counted.
        province_id: of the report.
        kind: "daily" or "weekly".
        day: the day, or any day of the week.
        known: "then" or "now".

    Raises:
        InvalidInput: no such kind, no such knowledge, or a day that is still to come.
        NotFound: no such province among the actor's places.
    """
    if known not in KNOWN:
        raise InvalidInput("Choose what was known then, or what is known now.", field="known")
    first_on, last_on = find_days(kind, day)
    if first_on > clock.today():
        raise InvalidInput("This day is still to come. Choose today or a day before.", field="day")
    province = get_province(session, actor=actor, province_id=province_id)
    kept = (
        find_report(session, province_id=province.id, kind=kind, first_on=first_on)
        if actor.sees(province.id)
        else None
    )

    def write(known_on: date | None) -> dict[str, Any]:
        return write_content(
            kind,
            read_report_figures(
                session,
                actor=actor,
                province_id=province.id,
                first_on=first_on,
                last_on=last_on,
                shown_days=SHOWN_DAYS[kind],
                known_on=known_on,
            ),
        )

    if known == "then" and kept is not None:
        changed = compare(kept.content, write(None))
        return ReadReport(kept.content, known, kept.made_at, None, changed)
    known_on = last_on if known == "then" else None
    return ReadReport(write(known_on), known, kept.made_at if kept else None, known_on, [])


def make_notes(report: ReadReport, *, actor: Actor) -> list[str]:
    """Return the lines under a report's title: what was known when, and who took this copy."""
    now = clock.now()
    if report.known == "then" and report.made_at is not None:
        known = _("As it was made on %(time)s.", time=_moment(report.made_at))
    elif report.known_on is not None:
        known = _("As it was known at the end of the last day.")
    else:
        known = _("As it is known on %(time)s.", time=_moment(now))
    campaigns = ", ".join(report.content["campaigns"])
    return [
        known,
        _("Campaigns: %(names)s", names=campaigns),
        _("Taken by %(name)s on %(time)s.", name=actor.display_name, time=_moment(now)),
    ]


def _moment(moment: datetime) -> str:
    return str(format_datetime(moment, "dd/MM/yyyy HH:mm"))


def make_warning(report: ReadReport) -> str:
    """Return what must be said above the figures; '' where all is well."""
    if report.is_empty:
        return _("Nothing was counted on these days: no sample was taken, tested or released.")
    return ""


def _write_notes(report: ReadReport, *, actor: Actor) -> list[str]:
    """Return the notes of a file: on paper, too, it is said what has changed since."""
    changed = "; ".join(
        f"{say(CHANGED[name])}: {_('then %(before)s, now %(after)s', before=_number(before), after=_number(after))}"
        for name, before, after in report.changed
    )
    notes = make_notes(report, actor=actor)
    return [*notes, f"{_('Changed since it was made')}: {changed}"] if changed else notes


def _number(value: int) -> str:
    return str(format_decimal(value))


def write_pdf(report: ReadReport, *, actor: Actor) -> bytes:
    """Return a report as a PDF in the reader's language."""
    return draw_report(
        title_of(report.content),
        _write_notes(report, actor=actor),
        make_tables(report.content),
        make_charts(),
        made_at=clock.now(),
        language=str(get_locale()),
        warning=make_warning(report),
    )


def write_xlsx(report: ReadReport, *, actor: Actor) -> bytes:
    """Return a report as a workbook in the reader's language."""
    notes = [*_write_notes(report, actor=actor), *filter(None, [make_warning(report)])]
    return write_workbook(
        title_of(report.content), notes, make_tables(report.content), make_charts(), made_at=clock.now()
    )


def name_file(report: ReadReport, ending: str) -> str:
    """Return the name under which a report is saved."""
    kind = {"daily": "bao-cao-ngay", "weekly": "bao-cao-tuan"}[report.content["kind"]]
    return f"{kind}-{report.content['first_on']}.{ending}"
