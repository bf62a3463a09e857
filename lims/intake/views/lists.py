"""Lists of people: send one, see what became of every row, get the refused rows back to mend them."""

from __future__ import annotations

import uuid
from typing import Any

from flask import flash, make_response, redirect, render_template, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from werkzeug.wrappers import Response
from wtforms import BooleanField, HiddenField, RadioField, SelectField
from wtforms.fields import SelectChoice

from lims.errors import LimsError
from lims.extensions import db, vault
from lims.intake import refused_rows
from lims.intake.actions import lists as actions
from lims.intake.models import PeopleImport
from lims.intake.people_list import PeopleList, refused_csv
from lims.intake.people_rows import Reason
from lims.intake.queries import lists as queries
from lims.intake.rules import CONSENT_WAYS_OF_LISTS
from lims.intake.views import intake
from lims.language import label_word, say, say_error
from lims.places import queries as place_queries
from lims.security import current_actor, needs

SHOWN_ROWS = 500


class ListForm(FlaskForm):
    """A file and what it is for."""

    client_id = HiddenField()
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    commune_id = SelectField(_l("Commune of rows that name none"), validate_choice=False)
    file = FileField(_l("File (CSV or XLSX)"))
    consent = BooleanField(_l("The people on this list have agreed to be tested."))
    consent_given = RadioField(
        _l("How have they agreed?"),
        choices=[SelectChoice(word, label_word(word)) for word in CONSENT_WAYS_OF_LISTS],
        validate_choice=False,
    )
    dry_run = BooleanField(_l("Only check the file, change nothing"))


@intake.route("/lists", methods=["GET", "POST"])
@needs("import_people")
def list_lists() -> str | Response | tuple[str, int]:
    """Show the lists sent so far, and take another."""
    form = _form()
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 422
    if not form.file.data or not form.file.data.filename:
        form.file.errors = [_("Choose a file.")]
        return _page(form), 422
    if not form.consent.data and not form.dry_run.data:
        form.consent.errors = [_("Nobody is tested without having agreed. Ask first, then tick.")]
        return _page(form), 422
    if form.consent_given.data not in CONSENT_WAYS_OF_LISTS and not form.dry_run.data:
        form.consent_given.errors = [_("Choose how they have agreed.")]
        return _page(form), 422
    try:
        answer = actions.import_people(
            actor=current_actor(),
            client_id=_uuid(form.client_id.data) or uuid.uuid4(),
            campaign_id=_uuid(form.campaign_id.data) or uuid.UUID(int=0),
            commune_id=_uuid(form.commune_id.data),
            file_name=form.file.data.filename,
            content=form.file.data.read(),
            dry_run=bool(form.dry_run.data),
            consent_given=form.consent_given.data or CONSENT_WAYS_OF_LISTS[0],
        )
    except LimsError as refusal:
        form.file.errors = [say_error(refusal)]
        return _page(form), refusal.status
    if answer["import_id"] is None:
        return _page(form, preview=answer)
    flash(
        ngettext("%(num)s person was declared.", "%(num)s people were declared.", answer["accepted"]),
        "success" if answer["accepted"] else "warning",
    )
    return redirect(url_for("intake.show_list", import_id=answer["import_id"]))


@intake.get("/lists/<uuid:import_id>")
@needs("import_people")
def show_list(import_id: uuid.UUID) -> str:
    """Show what became of a list: its counts, and every refused row with line, column and reason."""
    found = queries.get_import(db.session(), actor=current_actor(), import_id=import_id)
    problems = actions.list_problems(_refused(found)) if found.refused_sealed else []
    return render_template(
        "intake/lists_one.html", found=found, problems=[_spoken(one) for one in problems[:SHOWN_ROWS]]
    )


@intake.get("/lists/<uuid:import_id>/refused.csv")
@needs("import_people")
def download_refused(import_id: uuid.UUID) -> Response:
    """Return the refused rows, to be mended and sent again."""
    found = queries.get_import(db.session(), actor=current_actor(), import_id=import_id)
    content = refused_csv(_refused(found), say=_say_reason) if found.refused_sealed else b""
    answer = make_response(content)
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="refused.csv"'
    return answer


def _form() -> ListForm:
    form = ListForm()
    campaigns = place_queries.list_open_campaigns(db.session())
    form.campaign_id.choices = [SelectChoice(str(campaign.id), campaign.name) for campaign in campaigns]
    actor = current_actor()
    communes = [
        place for place in place_queries.list_communes(db.session(), most=1000) if actor.sees(place.id)
    ]
    own = [SelectChoice(str(place.id), place.full_name) for place in communes]
    form.commune_id.choices = (
        own if len(own) == 1 else [SelectChoice("", _("None: every row names its commune")), *own]
    )
    return form


def _page(form: ListForm, preview: dict[str, Any] | None = None) -> str:
    # A page that was answered has used up its id; the next sending of another file is another request.
    form.client_id.data = str(uuid.uuid4())
    return render_template(
        "intake/lists.html",
        form=form,
        preview=preview,
        problems=[_spoken(one) for one in (preview or {}).get("problems", [])],
        lists=queries.list_imports(db.session(), actor=current_actor()),
    )


def _refused(found: PeopleImport) -> PeopleList:
    sealed = found.refused_sealed or b""
    plain = vault().unseal_record(sealed, record_id=found.id, column=actions.REFUSED_COLUMN)
    return refused_rows.unpack(plain)


def _spoken(problem: dict[str, Any]) -> dict[str, Any]:
    return {**problem, "message": say(problem["message"], problem["parameters"])}


def _say_reason(reason: Reason) -> str:
    said = say(reason.message, dict(reason.parameters))
    return f"{reason.column}: {said}" if reason.column else said


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
