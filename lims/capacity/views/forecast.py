"""The forecast as a page: what is released tonight, what waits at the week's end, what limits it, what would help."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from flask import render_template, request

from lims import clock
from lims.capacity.forecast.asking import Asked, answer
from lims.capacity.forecast.forecasting import Forecast, StationLoad
from lims.capacity.forecast.simulation import STATION_WORDS
from lims.capacity.forecast.telling import ADDED, as_figures, tell_bottleneck, tell_change, tell_effect
from lims.capacity.forecast.values import check_state
from lims.capacity.queries.advice import list_advised_campaigns
from lims.capacity.queries.forecast import read_start
from lims.capacity.views import capacity
from lims.errors import InvalidInput
from lims.extensions import db
from lims.language import say, say_error
from lims.security import current_actor, needs

DAYS = (1, 3, 7, 14)
Number = TypeVar("Number", int, float)
SHOWN_STATIONS = 12


@capacity.get("/forecast")
@needs("see_board")
def show_forecast() -> str | tuple[str, int]:
    """Show the forecast from now on, with the changes that its address names."""
    actor, session = current_actor(), db.session()
    start = read_start(session, actor=actor, campaign_id=request.args.get("campaign_id", type=uuid.UUID))
    told, empty, refused = None, None, None
    try:
        check_state(start.state)
    except InvalidInput as error:
        empty = say_error(error)
    if not empty:
        try:
            told = answer(start.state, start.assumptions, _read_asked())
        except InvalidInput as error:
            refused = {"message": say_error(error), "field": error.field}
    now = clock.now()
    page = render_template(
        "capacity/forecast.html",
        start=start,
        told=told,
        empty=empty,
        refused=refused,
        figures=told and as_figures(told),
        bottleneck=told and say(*tell_bottleneck(told, added=say(ADDED))),
        what_ifs=[(say(*tell_change(one)), say(*tell_effect(one)), one) for one in told.what_ifs]
        if told
        else [],
        stations=_list_stations(told) if told else [],
        station_words=STATION_WORDS,
        campaigns=list_advised_campaigns(session, actor=actor),
        days_offered=DAYS,
        days_of=[clock.today() + timedelta(days=number) for number in range(len(told.daily) if told else 0)],
        after=lambda minutes: None if minutes is None else now + timedelta(minutes=minutes),
        chosen=request.args,
        now=now,
    )
    return (page, 422) if refused else page


def _list_stations(told: Forecast) -> list[StationLoad]:
    """Return the stations where somebody queues, the busiest first, as far as one wants to read them."""
    return [one for one in told.stations if one.utilisation is not None][:SHOWN_STATIONS]


def _read_asked() -> Asked:
    """Return what the address asks for; an empty field means as it is measured.

    Raises:
        InvalidInput: what was written is no number; names the field.
    """
    usual = Asked()
    share = _read("prevalence", float)
    if share is not None and not 0 <= share <= 100:
        raise InvalidInput("Enter a percentage from 0 to 100, such as 95.", field="prevalence")
    return Asked(
        days=_read_whole("days", usual.days),
        seed=_read_whole("seed", usual.seed),
        prevalence=None if share is None else share / 100,
        pool_size=_read("pool_size", int),
        more_shifts=_read_whole("more_shifts", 0),
        more_laboratories=_read_whole("more_laboratories", 0),
        arrivals_percent=_read_whole("arrivals_percent", usual.arrivals_percent),
    )


def _read_whole(name: str, usual: int) -> int:
    number = _read(name, int)
    return usual if number is None else number


def _read(name: str, kind: Callable[[str], Number]) -> Number | None:
    written = request.args.get(name, "").strip().replace(" ", "").removesuffix("%")[:12]
    if kind is int and re.fullmatch(r"\d{1,3}([.,]\d{3})+", written):
        written = re.sub(r"[.,]", "", written)
    try:
        return kind(written.replace(",", ".")) if written else None
    except ValueError:
        sentence = "Enter a whole number." if kind is int else "Enter a number."
        raise InvalidInput(sentence, field=name) from None
