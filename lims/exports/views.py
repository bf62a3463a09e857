"""Pages of exports: choose, see how many rows it will be, take the file; and which files were taken away before."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import date

from flask import Blueprint, Response, render_template, request, stream_with_context
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import Headers
from wtforms import SelectField, StringField
from wtforms.fields import SelectChoice

from lims.errors import InvalidInput, LimsError
from lims.exports.queries import KINDS
from lims.exports.queries.kinds import Filters
from lims.exports.queries.written import list_exports
from lims.exports.rules import FORMATS, KIND_WORDS, MEDIA_TYPES
from lims.exports.taking import Taken, count_export, take_export
from lims.extensions import db
from lims.language import say, say_error
from lims.places import queries as place_queries
from lims.security import current_actor, needs

exports = Blueprint("exports", __name__)


class ExportForm(FlaskForm):
    """What to take, narrowed how, in which format."""

    kind = SelectField(_l("Which data"), validate_choice=False)
    format = SelectField(
        _l("Format"),
        choices=[SelectChoice(value=word, label=word.upper()) for word in FORMATS],
        validate_choice=False,
    )
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    since = StringField(_l("From day"))
    until = StringField(_l("Up to day"))

    def fill(self) -> None:
        """Offer what the reader may choose from."""
        actor = current_actor()
        self.kind.choices = [
            SelectChoice(kind.name, say(KIND_WORDS[kind.name]))
            for kind in KINDS.values()
            if actor.can(kind.permission)
        ]
        campaigns = [one for one in place_queries.list_campaigns(db.session()) if actor.sees(one.province_id)]
        self.campaign_id.choices = [
            SelectChoice("", _("All")),
            *(SelectChoice(str(one.id), one.name) for one in campaigns),
        ]

    def blame(self, error: LimsError) -> None:
        """Put a refusal beside its field, or above all."""
        blamed = {name: self[name] for name in ("kind", "format", "campaign_id", "since", "until")}
        if error.field in blamed:
            blamed[error.field].errors = [say_error(error)]
        else:
            self.form_errors = [say_error(error)]


@exports.get("/exports")
@needs("export_data")
def show_exports() -> str | tuple[str, int]:
    """Let somebody choose; once chosen, say how many rows it will be and offer the file."""
    form = ExportForm(formdata=request.args)
    form.fill()
    if not form.kind.data or not request.args:
        return _page(form)
    try:
        rows = count_export(actor=current_actor(), kind=form.kind.data, filters=read_filters(request.args))
    except LimsError as error:
        form.blame(error)
        return _page(form), error.status
    return _page(form, rows=rows)


@exports.post("/exports/file")
@needs("export_data")
def take_file() -> Response | tuple[str, int]:
    """Give the file; the export is written down before its first byte leaves."""
    form = ExportForm()
    form.fill()
    try:
        taken = take_export(
            actor=current_actor(),
            kind=form.kind.data or "",
            format=form.format.data or "",
            filters=read_filters(request.form),
        )
    except LimsError as error:
        form.blame(error)
        return _page(form), error.status
    return send(taken)


def _page(form: ExportForm, rows: int | None = None) -> str:
    return render_template(
        "exports/exports.html",
        form=form,
        rows=rows,
        written=list_exports(db.session(), actor=current_actor()),
        kind_words=KIND_WORDS,
        sees_all=current_actor().can("manage_accounts"),
    )


def read_filters(sent: Mapping[str, str]) -> Filters:
    """Return what an export is narrowed to, from a form or an address.

    Raises:
        InvalidInput: no day or no campaign can be read.
    """

    def text(name: str) -> str:
        return str(sent.get(name) or "").strip()

    return Filters(
        campaign_id=_campaign(text("campaign_id")),
        since=_day(text("since"), "since"),
        until=_day(text("until"), "until"),
    )


def _campaign(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise InvalidInput("Choose a campaign from the list.", field="campaign_id") from None


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise InvalidInput("Enter a day as year-month-day, such as 2021-08-16.", field=field) from None


def send(taken: Taken) -> Response:
    """Return a file as an answer that is streamed, with the number of its rows said beforehand."""
    headers = Headers({"X-Export-Rows": str(taken.rows), "X-Export-Id": str(taken.export_id)})
    headers.add("Content-Disposition", "attachment", filename=taken.file_name)
    return Response(
        stream_with_context(taken.pieces), headers=headers, content_type=MEDIA_TYPES[taken.format]
    )
