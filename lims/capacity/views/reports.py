"""Pages of reports: of a day or a week, as they were made and as it is known now, and as files."""

from __future__ import annotations

import uuid
from datetime import date, timedelta

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from lims import clock
from lims.capacity.queries import reports as queries
from lims.capacity.queries.report_figures import list_provinces
from lims.capacity.reports import actions, files
from lims.capacity.reports.content import KINDS
from lims.capacity.reports.tables import make_charts, make_tables, show, title_of
from lims.capacity.reports.work import HOUR
from lims.capacity.views import capacity
from lims.errors import InvalidInput, LimsError, NotFound
from lims.extensions import db
from lims.intake.views.people import as_pdf
from lims.language import say_error
from lims.places.views import SentOnce
from lims.security import current_actor, needs

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@capacity.get("/reports")
@needs("see_board")
def list_reports() -> str:
    """Show which reports were made, and the form that asks for one."""
    actor, session = current_actor(), db.session()
    kind = request.args.get("kind", "")
    kind = kind if kind in KINDS else ""
    found = queries.list_reports(session, actor=actor, kind=kind, before=_read_day("before", None))
    plans = queries.map_plans(session)
    return render_template(
        "capacity/reports.html",
        reports=found,
        provinces=list_provinces(session, actor=actor),
        led=[row for row in list_provinces(session, actor=actor) if actor.sees(row.id)],
        plans=plans,
        preset_hour=HOUR,
        kinds=KINDS,
        kind=kind,
        yesterday=clock.today() - timedelta(days=1),
        more_url=url_for("capacity.list_reports", kind=kind or None, before=found[-1].first_on.isoformat())
        if len(found) == queries.PAGE
        else None,
    )


@capacity.get("/reports/read")
@needs("see_board")
def show_report() -> str | tuple[str, int] | AnyResponse:
    """Show one report, or give it as a file."""
    try:
        report = _read()
    except LimsError as error:
        flash(say_error(error), "error")
        return redirect(url_for("capacity.list_reports"))
    actor = current_actor()
    asked = request.args.get("format", "")
    if asked == "pdf":
        return as_pdf(files.write_pdf(report, actor=actor), files.name_file(report, "pdf"))
    if asked == "xlsx":
        return _as_file(files.write_xlsx(report, actor=actor), files.name_file(report, "xlsx"))
    tables = make_tables(report.content)
    return render_template(
        "capacity/report.html",
        report=report,
        title=title_of(report.content),
        notes=files.make_notes(report, actor=actor),
        warning=files.make_warning(report),
        tables=tables,
        charts=make_charts(),
        show=show,
        measures=files.CHANGED,
        can_keep=report.made_at is None
        and actor.sees(_read_province())
        and report.content["last_on"] < clock.today().isoformat(),
        province_id=_read_province(),
    )


def _read() -> files.ReadReport:
    return files.read_report(
        db.session(),
        actor=current_actor(),
        province_id=_read_province(),
        kind=request.args.get("kind", "daily"),
        day=_read_day("day", clock.today() - timedelta(days=1)) or clock.today(),
        known=request.args.get("known", "now"),
    )


def _read_province() -> uuid.UUID:
    """Return the province asked for, or the only one there is.

    Raises:
        NotFound: there is none among the reader's places.
    """
    asked = request.values.get("province_id", type=uuid.UUID)
    if asked is not None:
        return asked
    provinces = list_provinces(db.session(), actor=current_actor())
    if not provinces:
        raise NotFound("There is no province with a campaign among your places.", field="province_id")
    return provinces[0].id


def _read_day(name: str, preset: date | None) -> date | None:
    written = request.values.get(name, "")
    if not written:
        return preset
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise InvalidInput("Write the day as year-month-day, such as 2021-08-06.", field=name) from None


def _as_file(content: bytes, name: str) -> Response:
    answer = make_response(content)
    answer.headers["Content-Type"] = XLSX
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@capacity.post("/reports")
@needs("manage_campaign")
def keep_report() -> AnyResponse:
    """Keep a report as it is known now."""
    day = _read_day("day", None)
    if day is None:
        raise InvalidInput("Choose the report's day.", field="day")
    kind, province_id = request.form.get("kind", ""), _read_province()
    actions.make_report(
        actor=current_actor(),
        client_id=SentOnce().sent_id(),
        province_id=province_id,
        kind=kind,
        day=day,
    )
    flash(_("Kept. It stays as it is; what becomes known later is shown beside it."), "success")
    return redirect(
        url_for("capacity.show_report", kind=kind, day=day.isoformat(), province_id=province_id, known="then")
    )


@capacity.post("/reports/plan")
@needs("manage_campaign")
def plan_reports() -> AnyResponse:
    """Say from which hour on reports are made by themselves."""
    actions.plan_reports(
        actor=current_actor(),
        client_id=SentOnce().sent_id(),
        province_id=_read_province(),
        hour=request.form.get("hour", -1, type=int),
        is_active="is_active" in request.form,
    )
    flash(_("Changed. It holds from now on."), "success")
    return redirect(url_for("capacity.list_reports"))
