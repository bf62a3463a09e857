"""Keeping a report as it is known at that moment, telling who waits for it, and when reports are made by themselves."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from flask_babel import force_locale, format_date
from sqlalchemy import select
from sqlalchemy.orm import Session

from lims import audit, clock
from lims.auth.actors import Actor
from lims.capacity.models.reports import Report, ReportPlan
from lims.capacity.queries.report_figures import get_province, read_report_figures
from lims.capacity.queries.reports import find_report, is_counted
from lims.capacity.reports.content import SHOWN_DAYS, find_days, write_content
from lims.capacity.reports.tables import title_of
from lims.errors import AlreadyDone, InvalidInput, NotAllowed
from lims.language import say
from lims.msgid import N_
from lims.outbox import stations
from lims.outbox.queries.receivers import find_on_call
from lims.outbox.queueing import Draft, queue_messages
from lims.places.models import Campaign
from lims.tables import new_id
from lims.transaction import action

TEMPLATE = "report_ready"
PATH = "/reports"
SUMMARY = N_(
    "%(collected)s samples collected, %(released)s results released, %(detected)s detected; %(waiting)s samples wait."
)
SMS = {"daily": "BAO CAO ngay {day}", "weekly": "BAO CAO tuan tu {day}"}


@action
def make_report(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    province_id: uuid.UUID,
    kind: str,
    day: date,
) -> dict[str, str]:
    """Keep a report as it is known now; it is not changed any more, whatever becomes known later.

    Args:
        actor: who makes it, for a whole province of theirs; the system at the set hour.
        client_id: id made by the sender.
        province_id: of the report.
        kind: "daily" or "weekly".
        day: the day, or any day of the week.

    Returns:
        `report`, its `kind` and `first_on`.

    Raises:
        NotFound: no such province among the actor's places.
        NotAllowed: only a part of the province is theirs.
        InvalidInput: no such kind; or its days are not over yet.
        AlreadyDone: it is made already.
    """
    province = get_province(session, actor=actor, province_id=province_id)
    if not actor.sees(province.id):
        raise NotAllowed("Only whoever leads the whole province keeps its reports.")
    first_on, last_on = find_days(kind, day)
    if last_on >= clock.today():
        raise InvalidInput("These days are not over yet. A report is kept when they are.", field="day")
    if not is_counted(session, last_on):
        raise InvalidInput(
            "What was done on these days is still being counted. Keep the report in a few minutes.",
            field="day",
        )
    if find_report(session, province_id=province_id, kind=kind, first_on=first_on) is not None:
        raise AlreadyDone("This report is made already. It is shown as it was made.")
    content = write_content(
        kind,
        read_report_figures(
            session,
            actor=actor,
            province_id=province_id,
            first_on=first_on,
            last_on=last_on,
            shown_days=SHOWN_DAYS[kind],
            known_on=None,
        ),
    )
    report = Report(
        id=new_id(),
        kind=kind,
        province_id=province_id,
        first_on=first_on,
        content=content,
        made_by_id=actor.user_id,
        made_at=clock.now(),
    )
    session.add(report)
    audit.note(session, "report", report.id, "made", kind=kind, first_on=first_on.isoformat())
    session.flush()
    _tell(session, report)
    return {"report": str(report.id), "kind": kind, "first_on": first_on.isoformat()}


def _tell(session: Session, report: Report) -> None:
    """Write a message to everybody who waits for this province's reports."""
    campaign_id = session.scalar(
        select(Campaign.id)
        .where(Campaign.province_id == report.province_id)
        .order_by(Campaign.created_at.desc())
    )
    readers = find_on_call(session, place_ids=[report.province_id], hears="reports")
    if campaign_id is None:
        return
    queue_messages(
        session,
        [
            Draft(
                kind="alert",
                channel=channel,
                template=TEMPLATE,
                key=f"{TEMPLATE}:{report.id}:{entry_id}",
                subject_kind="report",
                subject_id=report.id,
                campaign_id=campaign_id,
                laboratory_id=report.province_id,
                commune_id=None,
                receiver_id=entry_id,
                data=_prepare(report),
            )
            for entry_id, channel in readers.get(report.province_id, ())
        ],
    )


def _prepare(report: Report) -> dict[str, str]:
    counts = report.content["counts"]
    numbers = {
        "collected": counts["collected"],
        "released": counts["released"],
        "detected": counts["released_by_finding"]["detected"],
        "waiting": sum(report.content["standing"].values()),
    }
    texts = {}
    for language in ("vi", "en"):
        with force_locale(language):
            texts[language] = f"{title_of(report.content)}: {say(SUMMARY, numbers)}"
    with force_locale("vi"):
        subject = title_of(report.content)
        day = format_date(report.first_on, "dd/MM/yyyy")
    return {
        "sms": f"{SMS[report.kind].format(day=day)} da co. Dang nhap, mo trang Bao cao.",
        "subject": subject,
        "path": PATH,
        **texts,
    }


@action
def plan_reports(
    session: Session,
    *,
    actor: Actor,
    client_id: uuid.UUID | None = None,
    province_id: uuid.UUID,
    hour: int,
    is_active: bool = True,
) -> dict[str, Any]:
    """Say from which hour on a province's reports are made by themselves, or that none are.

    Args:
        actor: who leads the province.
        client_id: id made by the sender.
        province_id: one of the actor's places.
        hour: local, 0 to 23.
        is_active: False: none is made by itself.

    Returns:
        `hour` and `is_active`.

    Raises:
        NotFound: no such province among the actor's places.
        NotAllowed: only a part of the province is theirs.
        InvalidInput: there is no such hour.
    """
    province = get_province(session, actor=actor, province_id=province_id)
    if not actor.sees(province.id):
        raise NotAllowed("Only whoever leads the whole province says when its reports are made.")
    if not 0 <= hour <= 23:
        raise InvalidInput("A day has the hours 0 to 23. Choose one of them.", field="hour")
    plan = session.get(ReportPlan, province_id, with_for_update=True)
    if plan is None:
        plan = ReportPlan(province_id=province_id)
        session.add(plan)
    plan.hour, plan.is_active = hour, is_active
    plan.changed_by_id, plan.changed_at = actor.user_id, clock.now()
    audit.note(session, "report_plan", province_id, "changed", hour=hour, is_active=is_active)
    return {"hour": hour, "is_active": is_active}


def _is_kept(session: Session, _template: str, report_id: uuid.UUID) -> bool:
    """Tell whether the report that a message tells of is there."""
    return session.scalar(select(Report.id).where(Report.id == report_id)) is not None


stations.answer_for(TEMPLATE, _is_kept)
