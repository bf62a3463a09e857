"""`/metrics` for operators: Prometheus asks with an API client's token of the scope `see_board`."""

from __future__ import annotations

from flask import Response

from lims.capacity.exposing import CONTENT_TYPE, expose
from lims.capacity.queries.board import read_board
from lims.capacity.queries.working import read_working
from lims.capacity.views import capacity
from lims.extensions import db
from lims.security import current_actor, needs


@capacity.get("/metrics")
@needs("see_board")
def show_metrics() -> Response:
    """Return queue lengths, samples by station and reactions in the text format; of the places of the account."""
    session = db.session()
    text = expose(read_board(session, actor=current_actor()), read_working(session, actor=current_actor()))
    return Response(text, content_type=CONTENT_TYPE)
