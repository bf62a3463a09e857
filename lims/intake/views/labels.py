"""What is printed before and during a campaign: tube lots, box labels, slips for people on lists."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from flask import Response as FlaskResponse
from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import HiddenField, IntegerField, SelectField
from wtforms.fields import SelectChoice

from lims import clock, labels
from lims.errors import InvalidInput, LimsError
from lims.extensions import db, vault
from lims.intake.actions import declarations as slip_actions
from lims.intake.actions import lots as actions
from lims.intake.actions.accesses import record_accesses
from lims.intake.queries import declarations as declaration_queries
from lims.intake.queries import lots as queries
from lims.intake.result_codes import result_code_for
from lims.intake.tube_labels import make_tube_labels
from lims.intake.views import intake
from lims.intake.views.people import as_pdf
from lims.intake.views.slips import slips_pdf
from lims.labels import Label
from lims.language import say_error
from lims.places import queries as place_queries
from lims.security import current_actor, needs

MOST_A_FILE = 5_000
ZPL_AT_ONCE = 500
FORMATS = ("pdf", "zpl")


class LotForm(FlaskForm):
    """A lot of tubes to be minted."""

    client_id = HiddenField()
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    mode = SelectField(
        _l("What goes into a tube"),
        choices=[
            SelectChoice("single", _l("One person")),
            SelectChoice("mixed", _l("Several people, mixed at collection")),
        ],
        validate_choice=False,
    )
    count = IntegerField(_l("How many tubes"), default=700)
    place_id = SelectField(_l("For"), validate_choice=False)


class BoxesForm(FlaskForm):
    """Boxes to be minted."""

    client_id = HiddenField()
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    count = IntegerField(_l("How many boxes"), default=8)


class SlipsForm(FlaskForm):
    """Slips of listed people who have none yet."""

    client_id = HiddenField()
    campaign_id = SelectField(_l("Campaign"), validate_choice=False)
    commune_id = SelectField(_l("Commune"), validate_choice=False)
    most = IntegerField(_l("How many slips, at most"), default=200)


@intake.route("/labels", methods=["GET", "POST"])
@needs("print_labels")
def list_lots() -> str | Response | tuple[str, int]:
    """Show the lots of tubes, and mint another."""
    form = _choices(LotForm())
    if not form.is_submitted():
        return _page(form)
    if not form.validate():
        return _page(form), 422
    try:
        lot = actions.mint_tubes(
            actor=current_actor(),
            client_id=_uuid(form.client_id.data) or uuid.uuid4(),
            campaign_id=_uuid(form.campaign_id.data) or uuid.UUID(int=0),
            mode=form.mode.data,
            count=form.count.data or 0,
            place_id=_uuid(form.place_id.data),
        )
    except LimsError as refusal:
        wrong = refusal.field if refusal.field in form.data else "count"
        form[wrong].errors = [say_error(refusal)]
        return _page(form), refusal.status
    return redirect(url_for("intake.show_lot", lot_id=lot["lot_id"]))


@intake.get("/labels/lots/<uuid:lot_id>")
@needs("print_labels")
def show_lot(lot_id: uuid.UUID) -> str:
    """Show a lot with the files to print, at most 5,000 labels each."""
    lot = queries.get_lot(db.session(), actor=current_actor(), lot_id=lot_id)
    firsts = range(1, lot.tube_count + 1, MOST_A_FILE)
    ranges = [(first, min(first + MOST_A_FILE - 1, lot.tube_count)) for first in firsts]
    return render_template("intake/labels_lot.html", lot=lot, ranges=ranges, per_page=labels.A4_70.places)


@intake.get("/labels/lots/<uuid:lot_id>.<form>")
@needs("print_labels")
def print_lot(lot_id: uuid.UUID, form: str) -> Response:
    """Return a range of a lot's labels as A4 sheets or for a thermal printer."""
    lot = queries.get_lot(db.session(), actor=current_actor(), lot_id=lot_id)
    first = request.args.get("first", default=1, type=int)
    last = min(request.args.get("last", default=first + MOST_A_FILE - 1, type=int), lot.tube_count)
    if form not in FORMATS:
        raise InvalidInput("Labels are printed as PDF or as ZPL.", field="form")
    if not 1 <= first <= last or last - first >= MOST_A_FILE:
        raise InvalidInput(
            "Print at most %(most)s labels at once, from 1 to %(last)s.",
            field="first",
            most=MOST_A_FILE,
            last=lot.tube_count,
        )
    codes = queries.list_tube_codes(db.session(), lot_id=lot.id, first=first, most=last - first + 1)
    made = make_tube_labels(lot, codes)
    name = f"{lot.mode}-{first}-{last}"
    if form == "zpl":
        dots = request.args.get("dots", default=8, type=int)
        answer = FlaskResponse(_zpl(made, dots), mimetype="text/plain")
        answer.headers["Content-Disposition"] = f'attachment; filename="{name}.zpl"'
        return answer
    place = request.args.get("place", default=1, type=int)
    return as_pdf(labels.tube_sheet_pdf(made, first=place, title=_("Tube labels")), f"{name}.pdf")


@intake.route("/labels/boxes.pdf", methods=["GET", "POST"])
@needs("print_labels")
def print_boxes() -> Response:
    """Mint boxes and return their labels; or print a box's label again (?code=…)."""
    if request.method == "GET":
        boxes = queries.list_boxes_by_code(db.session(), box_codes=request.args.getlist("code")[:200])
        if not boxes:
            raise InvalidInput("Name a box, so that its label can be printed.", field="code")
        return _box_labels([box.code for box in boxes])
    form = BoxesForm()
    minted = actions.mint_boxes(
        actor=current_actor(),
        client_id=_uuid(form.client_id.data) or uuid.uuid4(),
        campaign_id=_uuid(form.campaign_id.data) or uuid.UUID(int=0),
        count=form.count.data or 0,
    )
    return _box_labels(minted["boxes"])


@intake.route("/labels/slips", methods=["GET"])
@needs("print_slips")
def list_slips() -> str:
    """Choose the commune whose listed people get their slips."""
    return render_template("intake/labels_slips.html", form=_choices(SlipsForm(client_id=uuid.uuid4())))


@intake.post("/labels/slips.pdf")
@needs("print_slips")
def print_slips() -> Response:
    """Issue the result codes of listed people who have none, and print their slips; sent twice, printed the same."""
    form = SlipsForm()
    client_id = _uuid(form.client_id.data) or uuid.uuid4()
    issued = slip_actions.issue_slips(
        actor=current_actor(),
        client_id=client_id,
        campaign_id=_uuid(form.campaign_id.data) or uuid.UUID(int=0),
        commune_id=_uuid(form.commune_id.data) or uuid.UUID(int=0),
        most=form.most.data or 0,
    )
    ids = [uuid.UUID(text) for text in issued["declarations"]]
    if not ids:
        raise InvalidInput("Every listed person of this commune has a slip already.", field="commune_id")
    found = declaration_queries.list_for_slips(db.session(), declaration_ids=ids)
    slips = [(one, result_code_for(vault(), client_id=client_id, declaration_id=one.id)) for one in found]
    shown, content = {one.person_id for one in found}, slips_pdf(slips)
    record_accesses(actor=current_actor(), person_ids=shown, shown_by="paper")
    return as_pdf(content, "slips.pdf")


def _page(form: LotForm) -> str:
    form.client_id.data = str(uuid.uuid4())
    boxes = _choices(BoxesForm(formdata=None, client_id=uuid.uuid4()))
    lots = queries.list_lots(db.session(), actor=current_actor())
    return render_template("intake/labels.html", form=form, boxes=boxes, lots=lots)


def _choices(form: Any) -> Any:
    """Give a form's choices: open campaigns, and the actor's communes and sites."""
    actor = current_actor()
    campaigns = place_queries.list_open_campaigns(db.session())
    form.campaign_id.choices = [SelectChoice(str(campaign.id), campaign.name) for campaign in campaigns]
    communes = [
        place for place in place_queries.list_communes(db.session(), most=1000) if actor.sees(place.id)
    ]
    if "commune_id" in form:
        form.commune_id.choices = [SelectChoice(str(place.id), place.full_name) for place in communes]
    if "place_id" in form:
        sites = place_queries.list_sites(db.session(), actor=actor)
        form.place_id.choices = [
            SelectChoice("", _("not settled yet")),
            *(SelectChoice(str(place.id), place.name, optgroup=_("Collection sites")) for place in sites),
            *(SelectChoice(str(place.id), place.name, optgroup=_("Communes")) for place in communes),
        ]
    return form


def _zpl(made: list[Label], dots: int) -> Iterator[bytes]:
    # The first piece is made before the answer begins, so that a wrong resolution is refused and not cut off.
    first = labels.zpl(made[:ZPL_AT_ONCE], dots_per_mm=dots)

    def pieces() -> Iterator[bytes]:
        yield first
        for start in range(ZPL_AT_ONCE, len(made), ZPL_AT_ONCE):
            yield labels.zpl(made[start : start + ZPL_AT_ONCE], dots_per_mm=dots)

    return pieces()


def _box_labels(codes: list[str]) -> Response:
    day = clock.today().strftime("%d/%m/%Y")
    made = [Label(code, (_("Transport box"), day)) for code in codes]
    return as_pdf(labels.box_sheet_pdf(made, title=_("Box labels")), "boxes.pdf")


def _uuid(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None
