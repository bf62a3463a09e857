"""Scenarios as pages: the form, what it comes to, the kept ones, several side by side."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.effective import POLICIES
from lims.capacity.scenarios import actions, queries
from lims.capacity.scenarios.calculation import (
    STATIONS,
    STOCKS,
    Plan,
    calculate_plan,
    tell_end,
    tell_first_break,
)
from lims.capacity.scenarios.rules import CURVES, FIELDS, MOST_ROUNDS, read_scenario
from lims.capacity.views import capacity
from lims.errors import InvalidInput
from lims.extensions import db
from lims.language import say, say_error
from lims.msgid import N_
from lims.places.models import Place
from lims.places.views import SentOnce
from lims.security import current_actor, needs

USUAL_CASES = (1_000, 5_000, 10_000)
ROUNDS_OFFERED = 3
SHARES = ("contact_prevalence", "community_prevalence", "sensitivity", "specificity")
"""Written in percent on the page."""
PARTS = (
    ("cases", ("cases", "days")),
    ("contacts", ("contacts_per_case", "contact_prevalence", "contact_pool_size")),
    ("community", ("community_prevalence", "community_pool_size")),
    ("tests", ("case_pool_size", "sensitivity", "specificity")),
    ("sampling", ("samplers", "persons_per_sampler_hour", "hours_per_day")),
    (
        "supplies",
        ("people_per_tube", "tubes_per_box", "reactions_per_kit", "tubes", "boxes", "kits"),
    ),
)


@capacity.get("/scenarios")
@needs("see_board")
def list_scenarios() -> str:
    """Show 1,000, 5,000 and 10,000 cases side by side, or the kept scenarios that were chosen."""
    actor, session = current_actor(), db.session()
    province = _choose_province(actor)
    chosen = {key for key in request.args.getlist("scenario_id", type=uuid.UUID) if key}
    rows = queries.list_chosen(session, actor=actor, scenario_ids=chosen) if chosen else []
    refused = None
    plans: list[Plan] = []
    try:
        documents = [row.document for row in rows] or _usual_documents(province)
        plans = [calculate_plan(read_scenario(one, starts_on=clock.today())) for one in documents]
    except InvalidInput as error:
        refused = {"message": say_error(error), "field": ""}
    return render_template(
        "capacity/scenarios.html",
        plans=[_shown(plan) for plan in plans],
        longest=max((plan.case_days for plan in plans), default=1) or 1,
        kept=queries.list_scenarios(session, actor=actor),
        chosen={row.id for row in rows},
        province=province,
        provinces=queries.list_own_provinces(session, actor=actor),
        may_keep=actor.can("manage_campaign"),
        refused=refused,
        stations=STATIONS,
        policies=POLICIES,
    )


def _usual_documents(province: Place | None) -> list[dict[str, Any]]:
    laboratories = _list_live(province)
    policy = request.args.get("policy", "positives")
    return [{"cases": cases, "policy": policy, "laboratories": laboratories} for cases in USUAL_CASES]


def _list_live(province: Place | None) -> list[dict[str, Any]]:
    if province is None:
        return []
    return queries.list_live_laboratories(db.session(), actor=None, province_id=province.id)


def _choose_province(actor: Actor) -> Place | None:
    provinces = queries.list_own_provinces(db.session(), actor=actor)
    wanted = request.values.get("province_id")
    return next((one for one in provinces if str(one.id) == wanted), next(iter(provinces), None))


def _shown(plan: Plan) -> dict[str, Any]:
    """Return a plan with its sentences and, for its bars, the most that a station is asked for on a day."""
    first, first_parameters = tell_first_break(plan)
    end, end_parameters = tell_end(plan)
    return {
        "plan": plan,
        "first_break": say(first, first_parameters),
        "end": say(end, end_parameters),
        "most": {
            name: max(
                max(day.stations[name].done + day.stations[name].waiting, day.stations[name].asked)
                for day in plan.days
            )
            or 1
            for name in STATIONS
        },
    }


@capacity.get("/scenarios/plan")
@needs("see_board")
def plan_scenario() -> str | tuple[str, int]:
    """Show the form and, once it was sent, what the scenario comes to. A kept one fills the form."""
    actor, session = current_actor(), db.session()
    province = _choose_province(actor)
    laboratories = _list_live(province)
    sent = request.args.get("shown") == "1"
    key = request.args.get("scenario_id", type=uuid.UUID)
    refused = None
    shown = None
    document: dict[str, Any] = {}
    kept = queries.get_scenario(session, actor=actor, scenario_id=key).document if key and not sent else None
    values = request.args if sent else _as_form(kept or {"laboratories": laboratories})
    if sent or kept is not None:
        try:
            # a kept one is shown as it was kept: a program's may say more than the form asks for
            document = _read_form(values) if kept is None else dict(kept)
            shown = _shown(calculate_plan(read_scenario(document, starts_on=clock.today())))
        except InvalidInput as error:
            refused = {"message": _say_refusal(error), "field": error.field}
    page = render_template(
        "capacity/scenario.html",
        values=values,
        fields=FIELDS,
        parts=PARTS,
        shares=SHARES,
        curves=CURVES,
        policies=POLICIES,
        rounds=range(_count_rounds(values)),
        shown=shown,
        document=json.dumps(document, ensure_ascii=False),
        refused=refused,
        province=province,
        provinces=queries.list_own_provinces(session, actor=actor),
        has_laboratories=bool(laboratories),
        may_keep=actor.can("manage_campaign"),
        stations=STATIONS,
        stocks=STOCKS,
    )
    return (page, 422) if refused else page


@capacity.post("/scenarios/keep")
@needs("manage_campaign")
def keep_scenario() -> Response | tuple[str, int]:
    """Keep the scenario that was shown."""
    try:
        document = json.loads(request.form.get("document", ""))
        province_id = uuid.UUID(request.form.get("province_id", ""))
    except (ValueError, RecursionError):
        document, province_id = None, uuid.uuid4()
    if not isinstance(document, dict):
        raise InvalidInput("Calculate the scenario first, then keep it.", field="document")
    document["name"] = request.form.get("name", "").strip() or document.get("name")
    try:
        actions.keep_scenario(
            actor=current_actor(),
            client_id=SentOnce().sent_id(),
            province_id=province_id,
            document=document,
        )
    except InvalidInput as error:
        if error.field != "name":
            raise
        read_scenario(document | {"name": None}, starts_on=clock.today())
        flash(say_error(error), "error")
        values = _as_form(document) | {"shown": "1", "province_id": str(province_id)}
        back: Response = redirect(f"{url_for('capacity.plan_scenario')}?{urlencode(values)}")
        return back
    flash(_("Kept. Tick several to see them side by side."), "success")
    done: Response = redirect(url_for("capacity.list_scenarios", province_id=province_id))
    return done


@capacity.post("/scenarios/<uuid:scenario_id>/drop")
@needs("manage_campaign")
def drop_scenario(scenario_id: uuid.UUID) -> Response:
    """Take a kept scenario off the list."""
    dropped = actions.drop_scenario(
        actor=current_actor(), client_id=SentOnce().sent_id(), scenario_id=scenario_id
    )
    flash(_("%(name)s was taken off the list.", name=dropped["name"]), "success")
    done: Response = redirect(url_for("capacity.list_scenarios"))
    return done


def _count_rounds(values: Mapping[str, str] | MultiDict[str, str]) -> int:
    """Return for how many rounds the form has fields: as many as are written, some to begin with."""
    written = (place + 1 for place in range(MOST_ROUNDS) if values.get(f"round_people_{place}"))
    return max(ROUNDS_OFFERED, max(written, default=0))


def _say_refusal(error: InvalidInput) -> str:
    """Return a refusal in the words of the form, whose shares are percentages."""
    if error.field not in SHARES:
        return say_error(error)
    field = FIELDS[error.field]
    message = (
        N_("“%(field_label)s”: enter a percentage above 0 and below 100, such as 2.")
        if field.is_share
        else N_("“%(field_label)s”: enter a percentage from 0 to 100, such as 95.")
    )
    return say(message, {"field_label": field.label})


def _as_form(document: Mapping[str, Any]) -> dict[str, str]:
    """Return a document as what the form's fields hold."""
    values = {"policy": "positives", "curve": "even", "schedule": "1, 7, 14"}
    for name, field in FIELDS.items():
        number = document.get(name, field.preset)
        if isinstance(number, (int, float)):
            values[name] = f"{number * 100:.10g}" if name in SHARES else f"{number:.10g}"
    for name in ("name", "starts_on", "policy", "strategy", "curve"):
        if isinstance(document.get(name), str):
            values[name] = document[name]
    if isinstance(document.get("curve"), list):
        values["curve"] = ", ".join(map(str, document["curve"]))
        values["cases"] = str(sum(document["curve"]))
    schedules = document.get("schedules") or []
    if schedules:
        values["schedule"] = "; ".join(
            f"{one['valid_from']}: {', '.join(map(str, one['days']))}"
            if one.get("valid_from")
            else ", ".join(map(str, one["days"]))
            for one in schedules
        )
    for place, one in enumerate(document.get("rounds") or []):
        values |= {f"round_{name}_{place}": str(one[name]) for name in ("first_day", "days", "people")}
    laboratories = document.get("laboratories") or []
    for name in ("screening_per_day", "confirmation_per_day"):
        if laboratories:
            values[name] = str(sum(one.get(name, 0) for one in laboratories))
    return values


def _read_form(values: Mapping[str, str] | MultiDict[str, str]) -> dict[str, Any]:
    """Return what was sent as a scenario's document.

    Raises:
        InvalidInput: something is no number; names the field.
    """
    document: dict[str, Any] = {}
    for name, field in FIELDS.items():
        number = _read_number(values, name, field.refusal, is_whole=field.is_whole)
        if number is not None:
            document[name] = number / 100 if name in SHARES else number
    for name in ("name", "starts_on", "policy", "strategy"):
        if values.get(name, "").strip():
            document[name] = values[name].strip()
    document["curve"] = _read_curve(values.get("curve", "even"))
    if isinstance(document["curve"], list):
        document.pop("cases", None)
    document["schedules"] = _read_schedules(values.get("schedule", ""))
    document["rounds"] = [
        found for place in range(MOST_ROUNDS) if (found := _read_round(values, place)) is not None
    ]
    document["laboratories"] = [_read_laboratories(values)]
    return document


def _read_number(
    values: Mapping[str, str], name: str, refusal: str, *, is_whole: bool = True
) -> int | float | None:
    """Return a number as people write it; "10.000" and "10,000" are ten thousand where only whole numbers are."""
    written = values.get(name, "").strip().replace(" ", "").replace("\u00a0", "")
    if not written:
        return None
    if is_whole and re.fullmatch(r"-?\d{1,3}([.,]\d{3})+", written):
        written = re.sub(r"[.,]", "", written)
    if not re.fullmatch(r"-?\d{1,12}([.,]\d{1,10})?", written):
        raise InvalidInput(refusal, field=name)
    number = float(written.replace(",", "."))
    return int(number) if number == int(number) else number


def _read_curve(written: str) -> str | list[int]:
    if not re.fullmatch(r"[\d\s,;]+", written):
        return written or "even"
    return [int(part[:9]) for part in re.split(r"[\s,;]+", written.strip()) if part]


def _read_schedules(written: str) -> list[dict[str, Any]]:
    """Return dated schedules written as in "1, 7, 14" or "2021-07-14: 1, 7, 14; 2021-12-18: 1, 7"."""
    found = []
    for part in filter(str.strip, written.split(";")):
        since, _colon, days = part.rpartition(":")
        numbers = [one for one in re.split(r"[\s,]+", days.strip()) if one]
        if not all(re.fullmatch(r"-?\d{1,4}", one) for one in numbers):
            raise InvalidInput(
                "Test days: list them as whole numbers, such as 1, 7, 14, each schedule with its first day.",
                field="schedules",
            )
        schedule: dict[str, Any] = {"days": [int(one) for one in numbers]}
        if since.strip():
            schedule["valid_from"] = since.strip()
        found.append(schedule)
    return found


def _read_round(values: Mapping[str, str], place: int) -> dict[str, Any] | None:
    refusal = "Rounds: each has a first day from 1 to 180, 1 to 60 days and 1 to 50,000,000 people."
    try:
        numbers = {
            name: _read_number(values, f"round_{name}_{place}", refusal)
            for name in ("first_day", "days", "people")
        }
    except InvalidInput:
        raise InvalidInput(refusal, field="rounds") from None
    if not numbers["people"]:
        return None
    return {name: number if number is not None else 1 for name, number in numbers.items()}


def _read_laboratories(values: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {"name": ""}
    for name, refusal in (
        (
            "screening_per_day",
            "Screening capacity is 0: no laboratory could test anybody. Enter at least 1 reaction a day.",
        ),
        (
            "confirmation_per_day",
            "Confirmation capacity is 0: no case could be confirmed. Enter at least 1 confirmation a day.",
        ),
    ):
        number = _read_number(values, name, refusal)
        if number is None or number < 1 or number != int(number):
            raise InvalidInput(refusal, field=name)
        found[name] = int(number)
    return found
