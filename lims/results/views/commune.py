"""The list of a commune's health station: results for those who cannot read them online, on a screen and on paper."""

from __future__ import annotations

import uuid
from typing import Any

from flask import render_template, request, url_for
from flask_babel import ngettext
from werkzeug.wrappers import Response

from lims.auth.queries import map_display_names
from lims.errors import InvalidInput
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.intake.birth_dates import BirthDate
from lims.intake.models import Person
from lims.intake.people import open_contact
from lims.places import queries as place_queries
from lims.results.actions.telling import note_told
from lims.results.queries import commune as queries
from lims.results.queries.commune import CommuneFilter
from lims.results.views import results
from lims.results.views.steps import do, read_sent_id
from lims.security import current_actor, needs


@results.get("/results/commune")
@needs("see_commune_results")
def list_commune() -> str:
    """Show a commune's released results; where there are many communes, one has to be chosen."""
    actor, session = current_actor(), db.session()
    communes = [one for one in place_queries.list_communes(session, most=1000) if actor.sees(one.id)]
    commune_id = request.args.get("commune", type=uuid.UUID)
    if commune_id is None and len(communes) == 1:
        commune_id = communes[0].id
    finding = request.args.get("finding", "")
    wanted = CommuneFilter(
        commune_id=commune_id,
        untold=request.args.get("told", "no") != "all",
        finding=finding if finding in queries.FINDINGS else "",
        after=request.args.get("after", ""),
    )
    rows, cursor = (
        queries.list_commune_results(session, actor=actor, wanted=wanted) if commune_id else ((), "")
    )
    kept: dict[str, Any] = {name: value for name, value in request.args.items() if name != "after"}
    page = render_template(
        "results/commune.html",
        rows=rows,
        contacts={row.id: open_contact(vault(), row.sample.person) for row in rows},
        tellers=map_display_names(session, user_ids=[row.told_by_id for row in rows]),
        amended=queries.find_amended(session, sample_ids=[row.sample_id for row in rows]),
        born=_born,
        wanted=wanted,
        chosen=commune_id is not None,
        communes=communes,
        findings=queries.FINDINGS,
        more_url=url_for("results.list_commune", **kept, after=cursor) if cursor else None,
    )
    record_accesses(actor=actor, person_ids={row.sample.person_id for row in rows}, shown_by="list")
    return page


@results.post("/results/told", endpoint="note_told")
@needs("see_commune_results")
def note_told_form() -> Response:
    """Note who was told."""

    def step() -> str:
        answer = note_told(actor=current_actor(), client_id=read_sent_id(), result_ids=_read_chosen())
        return ngettext("%(num)s person noted as told.", "%(num)s people noted as told.", answer["told"])

    commune_id = request.form.get("commune", type=uuid.UUID)
    return do(step, back=url_for("results.list_commune", commune=commune_id))


def _read_chosen() -> list[uuid.UUID]:
    try:
        return [uuid.UUID(text) for text in request.form.getlist("results")]
    except ValueError:
        raise InvalidInput("Load the page again, then send the form once more.", field="results") from None


def _born(person: Person) -> str:
    return "/".join(reversed(BirthDate.of(person.birth_on, person.birth_precision).iso.split("-")))
