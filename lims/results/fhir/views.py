"""FHIR R4 under /fhir: read, search, a report with everything, and orders sent in. See docs/guides/exchange.md.

Outside the API's description: the standard and /fhir/metadata describe it. Its media type is its own, and every
refusal is an OperationOutcome.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, Response, current_app, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import BadRequest, NotAcceptable, UnsupportedMediaType

import lims
from lims import clock
from lims.config import Settings, SettingsError
from lims.errors import NotFound
from lims.extensions import db, vault
from lims.intake.actions.accesses import record_accesses
from lims.language import say
from lims.results.fhir.actions import accept_orders
from lims.results.fhir.bundles import (
    ISSUES,
    make_issue,
    make_outcome,
    make_searchset,
    make_transaction_response,
)
from lims.results.fhir.capability import make_capability
from lims.results.fhir.dialect import Dialect, make_dialect
from lims.results.fhir.orders import read_transaction
from lims.results.fhir.problems import Gone, Unacceptable
from lims.results.fhir.reading import READERS, Read, Reader
from lims.results.fhir.search import check_format, parse_search, read_key
from lims.security import current_actor, needs
from lims.texts import check_text
from lims.web import answer_refusals_with

fhir = Blueprint("fhir", __name__, url_prefix="/fhir")
MEDIA_TYPE = "application/fhir+json"
JSON = (MEDIA_TYPE, "application/json")
FORM = "application/x-www-form-urlencoded"


@fhir.record
def _read_settings(state: BlueprintSetupState) -> None:
    """Make the dialect when the application starts, so that it does not start with a system or code there is not."""
    configured: Settings = state.app.extensions["lims.settings"]
    try:
        made = make_dialect(configured.base_url, configured.fhir_systems, configured.fhir_codes)
    except ValueError as fault:
        raise SettingsError(f"FHIR_SYSTEMS and FHIR_CODES: {fault}.") from None
    state.app.extensions["lims.fhir"] = made


@fhir.before_request
def _check_accepted() -> None:
    """Refuse whoever takes no JSON; `_format` goes before the header (R4, 3.1.0.1.11)."""
    if "_format" in request.args:
        check_format(request.args["_format"])
    elif request.accept_mimetypes and not request.accept_mimetypes.best_match(JSON):
        raise NotAcceptable


def _dialect() -> Dialect:
    return cast(Dialect, current_app.extensions["lims.fhir"])


def _reader() -> Reader:
    return Reader(db.session(), current_actor(), vault(), _dialect())


def _answer(resource: dict[str, Any], status: int = 200) -> Response:
    return Response(
        json.dumps(resource, ensure_ascii=False, separators=(",", ":")),
        status=status,
        content_type=f"{MEDIA_TYPE}; charset=utf-8",
    )


def _answer_refusal(code: str, sentence: str, field: str) -> Response:
    """Return a refusal that was raised anywhere below /fhir, as an OperationOutcome."""
    return _answer(make_outcome([make_issue(ISSUES.get(code, "processing"), sentence, field)]))


def _record(found: Iterable[Read]) -> None:
    """Keep whose data a program was shown. To be called last: it ends what was read."""
    people = {one.person_id for one in found if one.person_id}
    record_accesses(actor=current_actor(), person_ids=people, shown_by="program")


def _check_kind(kind: str) -> str:
    if kind not in READERS:
        raise NotFound(
            "There are no resources of the type %(kind)s here. See /fhir/metadata for what there is.",
            kind=kind[:60],
        )
    return kind


def _no_such(kind: str) -> NotFound:
    return NotFound("There is no such %(kind)s among your places.", field=f"{kind}.id", kind=kind)


@fhir.get("/metadata")
def show_capabilities() -> Response:
    """Say what this server can do; open to everybody."""
    return _answer(make_capability(_dialect().base, version=lims.__version__))


@fhir.get("/<resource_type>")
@needs("exchange")
def search(resource_type: str) -> Response:
    """Search resources of a type."""
    return _search(_check_kind(resource_type), list(request.args.items(multi=True)))


@fhir.post("/<resource_type>/_search")
@needs("exchange")
def search_by_post(resource_type: str) -> Response:
    """Search with the parameters in the body, so that no number of a person stands in an address."""
    if request.mimetype != FORM and request.content_length:
        # a condition that is not read would answer more than was asked for
        raise UnsupportedMediaType
    sent = [*request.args.items(multi=True), *request.form.items(multi=True)]
    for name, value in sent:
        check_text(name, field="")
        check_text(value, field=name)
    return _search(_check_kind(resource_type), sent)


def _search(kind: str, pairs: Sequence[tuple[str, str]]) -> Response:
    wanted = parse_search(kind, pairs, zone=clock.ZONE)
    reader = _reader()
    found, cursor = reader.search(wanted)
    included = reader.include(found, wanted.includes)
    page = make_searchset(
        reader.dialect.base,
        matches=[one.resource for one in found],
        included=[one.resource for one in included],
        self_link=_link(reader.dialect, kind, pairs),
        next_link=_link(reader.dialect, kind, pairs, cursor) if cursor else "",
    )
    _record([*found, *included])
    return _answer(page)


def _link(dialect: Dialect, kind: str, pairs: Sequence[tuple[str, str]], cursor: str = "") -> str:
    kept = [pair for pair in pairs if not cursor or pair[0] != "_cursor"]
    query = urlencode([*kept, *([("_cursor", cursor)] if cursor else [])])
    return f"{dialect.base}/{kind}" + (f"?{query}" if query else "")


@fhir.get("/<resource_type>/<resource_id>")
@needs("exchange")
def read(resource_type: str, resource_id: str) -> Response:
    """Read one resource."""
    kind, key = _check_kind(resource_type), read_key(resource_id)
    found = _reader().read(kind, [key]) if key else []
    if not found:
        raise _no_such(kind)
    if found[0].gone:
        raise Gone("The identity of this person was erased.", field="Patient.id")
    _record(found)
    return _answer(found[0].resource)


@fhir.get("/DiagnosticReport/<resource_id>/$everything")
@needs("exchange")
def read_everything(resource_id: str) -> Response:
    """Read a report with all that belongs to it."""
    key = read_key(resource_id)
    reader = _reader()
    found = reader.read_everything(key) if key else []
    if key is None or not found:
        raise _no_such("DiagnosticReport")
    bundle = make_searchset(
        reader.dialect.base,
        matches=[found[0].resource],
        included=[one.resource for one in found[1:]],
        self_link=f"{reader.dialect.base}/DiagnosticReport/{key}/$everything",
    )
    _record(found)
    return _answer(bundle)


@fhir.post("")
@needs("exchange")
def take_in() -> Response:
    """Take in a transaction of orders."""
    if request.mimetype not in JSON:
        raise UnsupportedMediaType
    body = request.get_json(force=True, silent=True)
    if body is None:
        raise BadRequest
    dialect = _dialect()
    try:
        transaction = read_transaction(body, dialect=dialect, today=clock.today())
        answer = accept_orders(actor=current_actor(), transaction=transaction)
    except Unacceptable as refusal:
        return _refuse(refusal)
    people = {uuid.UUID(one["id"]) for one in answer["entries"] if one["kind"] == "Patient"}
    record_accesses(actor=current_actor(), person_ids=people, shown_by="program")
    return _answer(make_transaction_response(answer["entries"]))


def _refuse(refusal: Unacceptable) -> Response:
    issues = [
        make_issue(one.kind, say(one.message, one.parameters), one.expression, one.diagnostics)
        for one in refusal.found
    ]
    return _answer(make_outcome(issues), refusal.status)


answer_refusals_with("/fhir", _answer_refusal)
