"""The board, the lists behind its numbers, and the reconciliation as pages."""

from __future__ import annotations

from flask import Response, current_app, make_response, render_template, request, url_for

from lims import clock
from lims.auth.actors import Actor
from lims.capacity.board_figures import as_figures, tag_figures
from lims.capacity.measures import MEASURES, STATIONS
from lims.capacity.pace import LEG_WORDS
from lims.capacity.queries import figures, happened
from lims.capacity.queries import reconciliation as reconciling
from lims.capacity.queries.board import check_day, read_board
from lims.capacity.queries.choices import list_choices
from lims.capacity.rules import CLASS_WORDS
from lims.capacity.views import capacity
from lims.capacity.views.narrowing import read_narrowing
from lims.capacity.views.wording import say_duration
from lims.cursors import read_cursor, write_cursor
from lims.extensions import db
from lims.language import choose, say
from lims.security import current_actor, needs

PAGE = 50
# where the board's numbers lead beside the lists of waiting samples, for those who may go there
_LINKS = {
    "people": ("intake.list_people", "see_people"),
    "reconciliation": ("capacity.reconciliation", "reconcile"),
    "release": ("results.list_to_verify", "verify_results"),
    "discrepancies": ("intake.list_discrepancies", "settle_discrepancies"),
    "pools": ("pooling.list_pools", "see_laboratory"),
    "runs": ("pooling.list_runs", "see_laboratory"),
    "kits": ("pooling.list_kit_lots", "see_laboratory"),
    "capacity": ("places.set_capacity", "manage_campaign"),
    "campaigns": ("places.list_campaigns", "manage_campaign"),
    "alarms": ("capacity.list_alarms", "see_board"),
    "advice": ("capacity.advise_size", "see_board"),
    "forecast": ("capacity.show_forecast", "see_board"),
}


def _open_links(actor: Actor) -> dict[str, str]:
    """Return the pages behind the numbers that exist and that the actor may open: name → endpoint."""
    return {
        name: endpoint
        for name, (endpoint, permission) in _LINKS.items()
        if actor.can(permission) and endpoint in current_app.view_functions
    }


@capacity.get("/board")
@needs("see_board")
def board() -> Response:
    """Show what stands where, how fast it goes and each laboratory's day; 304 where nothing has changed."""
    actor, session, narrowing = current_actor(), db.session(), read_narrowing()
    read = read_board(session, actor=actor, scope=narrowing.scope, day=narrowing.day)
    told = as_figures(read)
    tag = f"{tag_figures(told)}-{choose()}"
    if request.if_none_match.contains(tag):
        response = current_app.response_class(status=304)
    else:
        page = render_template(
            "capacity/board.html",
            board=read,
            figures=told,
            station_words=STATIONS,
            measure_words=MEASURES,
            legs_in_words={name: say(word) for name, word in LEG_WORDS.items()},
            duration=say_duration,
            today=clock.today().isoformat(),
            choices=list_choices(session, actor=actor, scope=narrowing.scope, day=read.day),
            narrowing=narrowing,
            is_wall=request.args.get("wall") == "1",
            links=_open_links(actor),
        )
        response = make_response(page)
    response.set_etag(tag)
    return response


@capacity.get("/board/waiting")
@needs("see_board")
def list_waiting_samples() -> str:
    """Show the samples behind a station's number, the oldest first."""
    actor, session, narrowing = current_actor(), db.session(), read_narrowing()
    station = request.args.get("station") or None
    rows = figures.list_waiting(
        session,
        actor=actor,
        scope=narrowing.scope,
        station=station,
        after=read_cursor(request.args.get("after", "")),
        most=PAGE,
    )
    choices = list_choices(session, actor=actor, scope=narrowing.scope, day=clock.today())
    last = rows[-1] if len(rows) == PAGE else None
    return render_template(
        "capacity/waiting.html",
        rows=rows,
        standing=figures.read_standing(session, actor=actor, scope=narrowing.scope),
        station=station,
        station_words=STATIONS,
        choices=choices,
        names={place.id: place.name for place in choices.laboratories},
        narrowing=narrowing,
        more_url=last
        and url_for(
            "capacity.list_waiting_samples",
            **narrowing.also(station=station, after=write_cursor(last.collected_at, last.sample_id)),
        ),
    )


@capacity.get("/board/happened")
@needs("see_board")
def list_happened() -> str:
    """Show the samples behind a number of a day, the latest first."""
    actor, session, narrowing = current_actor(), db.session(), read_narrowing()
    measure, detail = request.args.get("measure", "released"), request.args.get("detail", "")[:60]
    day = check_day(narrowing.day)
    rows = happened.list_happened(
        session,
        actor=actor,
        scope=narrowing.scope,
        measure=measure,
        day=day,
        detail=detail,
        after=read_cursor(request.args.get("after", "")),
        most=PAGE,
    )
    choices = list_choices(session, actor=actor, scope=narrowing.scope, day=day)
    last = rows[-1] if len(rows) == PAGE else None
    return render_template(
        "capacity/happened.html",
        rows=rows,
        measure=measure,
        detail=detail,
        day=day,
        today=clock.today().isoformat(),
        listed=happened.LISTED,
        measure_words=MEASURES,
        choices=choices,
        names={place.id: place.name for place in choices.laboratories},
        narrowing=narrowing,
        more_url=last
        and url_for(
            "capacity.list_happened",
            **narrowing.also(measure=measure, detail=detail, after=write_cursor(last.at, last.sample_id)),
        ),
    )


@capacity.get("/reconciliation")
@needs("reconcile")
def reconciliation() -> str:
    """Show that everybody and every tube is in exactly one class, or who is not."""
    campaigns = reconciling.list_campaign_ids(db.session(), actor=current_actor())
    return render_template(
        "capacity/reconciliation.html",
        identities=reconciling.reconcile(db.session(), campaign_ids=campaigns),
        class_words=CLASS_WORDS,
        discrepancies=reconciling.count_open_discrepancies(db.session(), campaign_ids=campaigns),
        links=_open_links(current_actor()),
    )
