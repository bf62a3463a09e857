"""`lims report daily` and `lims report weekly`: a report of any day as PDF, workbook or JSON."""

from __future__ import annotations

import json
import sys
import uuid
from datetime import datetime, timedelta
from pathlib import Path

import click
from flask.cli import with_appcontext
from flask_babel import force_locale

from lims import clock
from lims.auth.actors import SYSTEM
from lims.capacity.queries.report_figures import list_provinces
from lims.capacity.reports import files
from lims.capacity.reports.files import ReadReport
from lims.errors import InvalidInput
from lims.extensions import db


@click.group("report", epilog="Example: lims report daily --date 2021-08-06 --format json")
def report_group() -> None:
    """Reports for the steering committee, of any day, as known then or now."""


def _with_options(kind: str) -> None:
    days = "" if kind == "daily" else "; any day of its week may be given"

    @report_group.command(
        kind,
        help=f"The {kind} report{days}.",
        epilog=f"Example: lims report {kind} --date 2021-08-06 --format pdf --out report.pdf",
    )
    @click.option("--date", "day", type=click.DateTime(["%Y-%m-%d"]), help="Yesterday when left out.")
    @click.option(
        "--format", "ending", type=click.Choice(["json", "pdf", "xlsx"]), default="json", show_default=True
    )
    @click.option("--known", type=click.Choice(["now", "then"]), default="now", show_default=True)
    @click.option("--province", help="Its code; needed where there are several.")
    @click.option("--language", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
    @click.option(
        "--out", type=click.Path(dir_okay=False, writable=True), help="A file; else standard output."
    )
    @with_appcontext
    def command(
        day: datetime | None, ending: str, known: str, province: str | None, language: str, out: str | None
    ) -> None:
        report = files.read_report(
            db.session(),
            actor=SYSTEM,
            province_id=_find_province(province),
            kind=kind,
            day=day.date() if day else clock.today() - timedelta(days=1),
            known=known,
        )
        with force_locale(language):
            content = _write(report, ending)
        if out:
            try:
                Path(out).write_bytes(content)
            except OSError as error:
                raise click.BadParameter(
                    f"“{out}” cannot be written: {error.strerror}.", param_hint="--out"
                ) from None
        elif ending != "json" and sys.stdout.isatty():
            raise click.UsageError("A terminal shows no such file. Give --out FILE.")
        else:
            click.echo(content, nl=False)


def _write(report: ReadReport, ending: str) -> bytes:
    if ending == "pdf":
        return files.write_pdf(report, actor=SYSTEM)
    if ending == "xlsx":
        return files.write_xlsx(report, actor=SYSTEM)
    shown = {
        "known": report.known,
        "made_at": report.made_at and report.made_at.isoformat(),
        **report.content,
    }
    return (json.dumps(shown, ensure_ascii=False, indent=1) + "\n").encode()


def _find_province(code: str | None) -> uuid.UUID:
    provinces = list_provinces(db.session(), actor=SYSTEM)
    found = [row for row in provinces if code in (None, row.code)]
    if len(found) != 1:
        raise InvalidInput(
            "Give --province with the code of one of these provinces: %(known)s.",
            field="province",
            known=", ".join(f"{row.code} {row.name}" for row in provinces) or "(none has a campaign)",
        )
    return found[0].id


for _kind in ("daily", "weekly"):
    _with_options(_kind)
