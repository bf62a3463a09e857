"""What did not fit: the worklist, one record, and settling it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from lims.cursors import read_cursor, write_cursor
from lims.extensions import db, vault
from lims.intake import settling
from lims.intake.actions.accesses import record_accesses
from lims.intake.models import Discrepancy
from lims.intake.queries import discrepancies as queries
from lims.intake.queries import samples as sample_queries
from lims.intake.raw_scans import RawScan, read_raw_scans
from lims.intake.rules import DISCREPANCY_KINDS, SETTLEMENTS
from lims.intake.views import intake
from lims.intake.views.sent import sent_id
from lims.security import current_actor, needs
from lims.timeline import read_timeline

PAGE = 50


@intake.get("/discrepancies")
@needs("settle_discrepancies")
def list_discrepancies() -> str:
    """Show what is to be settled, the oldest first."""
    session, actor = db.session(), current_actor()
    status = "settled" if request.args.get("status") == "settled" else "open"
    kind = request.args.get("kind", "") if request.args.get("kind") in DISCREPANCY_KINDS else ""
    found = queries.list_discrepancies(
        session,
        actor=actor,
        status=status,
        kind=kind,
        after=read_cursor(request.args.get("after", "")),
        most=PAGE,
    )
    last = found[-1] if len(found) == PAGE else None
    return render_template(
        "intake/discrepancies.html",
        discrepancies=found,
        status=status,
        kind=kind,
        kinds=DISCREPANCY_KINDS,
        counts=queries.count_open_by_kind(session, actor=actor),
        more_url=url_for(
            "intake.list_discrepancies",
            status=status,
            kind=kind,
            after=write_cursor(last.opened_at, last.id),
        )
        if last
        else None,
    )


@intake.get("/discrepancies/<uuid:discrepancy_id>")
@needs("settle_discrepancies")
def show_discrepancy(discrepancy_id: uuid.UUID) -> str:
    """Show what did not fit, what it concerns, and how it can be settled."""
    session = db.session()
    found = queries.get_discrepancy(session, actor=current_actor(), discrepancy_id=discrepancy_id)
    samples = sample_queries.list_samples_of_tubes(session, tube_ids=[found.tube_id] if found.tube_id else [])
    of_person = (
        sample_queries.list_samples_of_declaration(session, declaration_id=found.declaration_id)
        if found.declaration_id
        else []
    )
    scans = _as_they_came(found)
    # who settles in a laboratory sees codes, not names
    whose: set[uuid.UUID] = set()
    if found.declaration and current_actor().can("see_people") and any(scan.person for scan in scans):
        whose.add(found.declaration.person_id)
    answer = render_template(
        "intake/discrepancy.html",
        discrepancy=found,
        samples=samples,
        of_person=of_person,
        settlements=SETTLEMENTS,
        suspicions=settling.SUSPICIONS,
        scans=scans,
        events=read_timeline(session, subject_ids=[found.id]),
    )
    record_accesses(actor=current_actor(), person_ids=whose, shown_by="record")
    return answer


def _as_they_came(found: Discrepancy) -> Sequence[RawScan]:
    if found.raw_sealed is None:
        return []
    return read_raw_scans(
        vault().unseal_record(found.raw_sealed, record_id=found.id, column="discrepancy.raw")
    )


@intake.post("/discrepancies/<uuid:discrepancy_id>/settlement")
@needs("settle_discrepancies")
def settle_discrepancy(discrepancy_id: uuid.UUID) -> Response:
    """Settle it, by the action that its kind asks for."""
    found = queries.get_discrepancy(db.session(), actor=current_actor(), discrepancy_id=discrepancy_id)
    settle = settling.settler_of(found.kind)
    settle(
        actor=current_actor(),
        client_id=sent_id(),
        discrepancy_id=discrepancy_id,
        settlement=request.form.get("settlement", "")[:24],
        note=request.form.get("note", ""),
    )
    flash(_("The discrepancy is settled."), "success")
    return redirect(url_for("intake.list_discrepancies"))
