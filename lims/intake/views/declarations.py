"""The declaration, step by step: residents at /declare, staff for others at /declare/for-others.

Each step is a page of its own that posts and moves on, so that it works without scripts and the browser's own way
back always finds what was filled in.
"""

from __future__ import annotations

import base64
import dataclasses
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response
from wtforms.fields import SelectChoice

from lims import clock, codes, labels
from lims.errors import InvalidInput, LimsError
from lims.extensions import db, settings, vault
from lims.intake.actions.declarations import declare_people
from lims.intake.consent import get_current_text
from lims.intake.declaring import Mistakes, check_declaration
from lims.intake.identity import read_person_qr
from lims.intake.result_codes import result_code_for
from lims.intake.views import declare_forms as forms
from lims.intake.views import intake
from lims.intake.views.drafts import Draft, keep_draft, read_draft
from lims.language import say, say_error
from lims.places import queries as place_queries
from lims.places.models import Campaign
from lims.security import current_actor, needs

STEPS = ("who", "place", "health", "check")
Page = str | Response | tuple[str, int]


@intake.route("/declare", methods=["GET", "POST"])
def declare() -> Page:
    """Declare oneself or a relative; open to residents."""
    return _Walk("intake.declare").answer()


@intake.route("/declare/for-others", methods=["GET", "POST"])
@needs("declare_others")
def declare_for_others() -> Page:
    """Declare somebody who has no phone, or a household, one member after the other."""
    return _Walk("intake.declare_for_others").answer()


@dataclass
class _Walk:
    """One request of somebody's way through the steps."""

    endpoint: str

    def __post_init__(self) -> None:
        self.for_others = self.endpoint == "intake.declare_for_others"
        self.draft = read_draft(self.endpoint)
        self.campaigns = place_queries.list_open_campaigns(db.session())

    def answer(self) -> Page:
        """Show the step asked for, or take what was sent for it."""
        if not self.campaigns:
            return render_template("intake/declare_closed.html")
        step = request.args.get("step", "")
        if request.method == "POST":
            return self._take(step or "who")
        if step == "done" and self.draft.done:
            return self._show_done()
        if self.draft.done and (self.for_others or step):
            self._keep(Draft.fresh())
        elif self.draft.done:
            return self._to("done")
        if step not in STEPS:
            return self._to("who")
        return self._show(step, self._form(step, fill=True))

    def _take(self, step: str) -> Page:
        doing = request.form.get("doing", "")
        if doing == "next_member":
            self._keep(self.draft.next_member())
            return self._to("who")
        if doing == "new_person":
            self._keep(Draft.fresh())
            return self._to("who")
        if doing == "card":
            return self._take_card()
        if step not in STEPS or self.draft.done:
            return self._to("done" if self.draft.done else "who")
        return self._take_consent() if step == "check" else self._take_step(step)

    def _take_step(self, step: str) -> Page:
        form = self._form(step, fill=False)
        changed = dataclasses.replace(self.draft, **self._values(step, form))
        if not form.validate() or form.show_mistakes(self._mistakes(changed)):
            return self._show(step, form), 422
        self._keep(changed)
        return self._to(STEPS[STEPS.index(step) + 1])

    def _take_card(self) -> Page:
        card = forms.CardForm()
        try:
            if not card.validate():
                raise InvalidInput("This page was open for too long. Send it once more.", field="card")
            values = read_person_qr(card.card.data or "", field="card")
        except InvalidInput as refusal:
            card.card.errors = [say_error(refusal)]
            return self._show("who", self._form("who", fill=True), card=card), 422
        birth = ["", "", *values.pop("birth_date").split("/")][-3:]
        said: dict[str, Any] = {name: value for name, value in values.items() if value}
        parts: dict[str, Any] = dict(zip(("birth_day", "birth_month", "birth_year"), birth, strict=True))
        self._keep(dataclasses.replace(self.draft, **said, **parts))
        return self._to("who")

    def _take_consent(self) -> Page:
        form = forms.CheckForm()
        first_wrong = self._first_wrong_step()
        if first_wrong:
            return self._to(first_wrong)
        if not form.validate():
            return self._show("check", form), 422
        try:
            (verdict,) = declare_people(
                actor=current_actor(),
                campaign_id=uuid.UUID(self.draft.campaign_id),
                declarations=[
                    self.draft.form(
                        consent=bool(form.consent.data), consent_version=form.consent_version.data or ""
                    )
                ],
            )
        except LimsError as refusal:
            form.form_errors = [say_error(refusal)]
            return self._show("check", form), refusal.status
        if verdict["verdict"] == "wrong":
            mistakes = [_read_mistake(**one) for one in verdict["mistakes"]]
            if not form.show_mistakes(mistakes):
                form.form_errors = [say_error(mistake) for mistake in mistakes]
            return self._show("check", form), 422
        self._keep(
            dataclasses.replace(
                self.draft, done=verdict["declaration_code"], is_new=verdict["verdict"] == "good"
            )
        )
        return self._to("done")

    def _values(self, step: str, form: Any) -> dict[str, Any]:
        """Return what a step changes in the draft; too long texts are cut where no rule would take them anyway."""
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else (value or "")[:1000]
            for name, value in form.data.items()
            if name != "csrf_token"
        }
        if step == "who":
            values["campaign_id"] = self._campaign_id(str(values["campaign_id"]))
            values["declared_by"] = "health_worker" if self.for_others else values["declared_by"]
            if values["identity_number"] != self.draft.identity_number:
                # the number of an older paper came from a card; another number is another card
                values["old_identity_number"] = ""
        return values

    def _campaign_id(self, wanted: str) -> str:
        known = [str(campaign.id) for campaign in self.campaigns]
        return wanted if wanted in known else known[0]

    @property
    def campaign(self) -> Campaign:
        """The campaign chosen, or the newest."""
        chosen = self._campaign_id(self.draft.campaign_id)
        return next(campaign for campaign in self.campaigns if str(campaign.id) == chosen)

    def _mistakes(self, draft: Draft) -> list[InvalidInput]:
        found: list[InvalidInput] = []
        try:
            check_declaration(draft.form(consent=True), today=clock.today())
        except Mistakes as mistakes:
            found += mistakes.found
        if draft.commune_code not in {code for _, group in self._communes() for code, _ in group}:
            found.append(InvalidInput("Choose the commune from the list.", field="commune_code"))
        return found

    def _first_wrong_step(self) -> str:
        """Return the first step that is not filled in as it should be; somebody may come straight to the end."""
        mistakes = self._mistakes(self.draft)
        for step in STEPS[:3]:
            if self._form(step, fill=True).show_mistakes(mistakes):
                return step
        return ""

    def _communes(self) -> list[tuple[str, list[tuple[str, str]]]]:
        found = place_queries.list_communes(db.session(), province_id=self.campaign.province_id, most=1000)
        by_district = sorted(found, key=lambda place: place.parent.name_key if place.parent else b"")
        return [
            (district, [(place.code, place.name) for place in places])
            for district, places in groupby(
                by_district, key=lambda place: place.parent.name if place.parent else ""
            )
        ]

    def _form(self, step: str, *, fill: bool) -> Any:
        made = {
            "who": forms.WhoForm,
            "place": forms.PlaceForm,
            "health": forms.HealthForm,
            "check": forms.CheckForm,
        }
        known = {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in dataclasses.asdict(self.draft).items()
            if value
        }
        form = made[step](formdata=None, data=known) if fill else made[step]()
        if step == "who":
            form.campaign_id.choices = [
                SelectChoice(str(campaign.id), campaign.name) for campaign in self.campaigns
            ]
        if step == "place":
            form.commune_code.choices = [SelectChoice("", "–")] + [
                SelectChoice(code, name, optgroup=district)
                for district, group in self._communes()
                for code, name in group
            ]
        return form

    def _show(self, step: str, form: Any, card: forms.CardForm | None = None) -> str:
        return render_template(
            f"intake/declare_{step}.html",
            form=form,
            card=card or forms.CardForm(formdata=None),
            draft=self.draft,
            for_others=self.for_others,
            campaign=self.campaign,
            endpoint=self.endpoint,
            step_number=STEPS.index(step) + 1,
            step_count=len(STEPS),
            consent=get_current_text(),
            **(self._summary() if step == "check" else {}),
        )

    def _summary(self) -> dict[str, Any]:
        """Return what the person has stated, for the page to check it."""
        names = {code: f"{name}, {district}" for district, group in self._communes() for code, name in group}
        try:
            statement = check_declaration(self.draft.form(consent=True), today=clock.today())
        except Mistakes:
            return {"statement": None, "commune": "", "warnings": []}
        warnings = [say(warning) for warning in statement.warnings]
        return {
            "statement": statement,
            "commune": names.get(self.draft.commune_code, ""),
            "warnings": warnings,
        }

    def _show_done(self) -> str:
        code = self.draft.done
        secret = ""
        if self.draft.is_new:
            secret = result_code_for(vault(), client_id=uuid.UUID(self.draft.client_id))
        return render_template(
            "intake/declare_done.html",
            draft=self.draft,
            endpoint=self.endpoint,
            for_others=self.for_others,
            code=code,
            code_png=base64.b64encode(labels.qr_png(code, level="H")).decode(),
            secret=secret,
            result_address=f"{settings().base_url}/results",
            svg=labels.qr_svg,
            grouped=codes.grouped,
        )

    def _keep(self, draft: Draft) -> None:
        self.draft = draft
        keep_draft(self.endpoint, draft)

    def _to(self, step: str) -> Response:
        return redirect(url_for(self.endpoint, step=step))


def _read_mistake(*, message: str, field: str, parameters: Mapping[str, object]) -> InvalidInput:
    """Return a mistake of a verdict as the error that it was."""
    return InvalidInput(message, field=field, **parameters)
