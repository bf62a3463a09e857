"""Law 91/2025/QH15, SECURITY §2: whoever is shown somebody's name is written down, on every page and in every answer.

Everybody of the stage gets a name of their own, then every address is asked as every role that may open it: who stands
in the answer must stand in the log, by that account.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from factories import MORNING
from intake.people import declare, print_tubes
from security.stage import Stage
from security.test_objects import PLAIN, name_thing
from sqlalchemy import text

from lims.auth.rules import OPEN_ENDPOINTS, PERMISSIONS, ROLES
from lims.extensions import db
from lims.names import fold
from lims.transaction import writing

NAMED = re.compile(r"Bách Thử \d{4}")
# Told to the person in another way; each says how.
TOLD_OTHERWISE = {
    "field_api.get_packet": "a line for each person and phone would be millions: told by the phones of the site"
}
MORE = (
    "/api/v1/people?q=Bach",
    "/people?q=Bach",
    "/results/commune?told=all",
    "/discrepancies?status=settled",
    "/data-requests?status=settled",
)


@pytest.fixture
def named(stage: Stage) -> Iterator[dict[str, uuid.UUID]]:
    """Everybody of the stage by a name of their own; their old names come back at the end."""
    with stage.app.app_context():
        with writing() as session:
            before = session.execute(text("select id, name, name_folded from person")).all()
            names = [f"Bách Thử {number:04}" for number in range(len(before))]
            _rename(session, [(row.id, name, fold(name)) for row, name in zip(before, names, strict=True)])
        db.session.remove()
    yield {name: uuid.UUID(str(row.id)) for row, name in zip(before, names, strict=True)}
    with stage.app.app_context():
        with writing() as session:
            _rename(session, before)
        db.session.remove()


def _rename(session, rows) -> None:
    session.execute(
        text("update person set name = :name, name_folded = :folded where id = :id"),
        [{"id": key, "name": name, "folded": folded} for key, name, folded in rows],
    )


def _addresses(stage: Stage, role: str) -> Iterator[tuple[str, str]]:
    """Yield every address that a role may open, with a thing of the stage in it."""
    for rule in stage.app.url_map.iter_rules():
        if rule.endpoint in OPEN_ENDPOINTS or "GET" not in (rule.methods or set()):
            continue
        if stage.app.view_functions[rule.endpoint].needed_permission not in PERMISSIONS[role]:
            continue
        for kind in ("Patient", "DiagnosticReport") if "resource_type" in rule.arguments else ("",):
            values = {name: PLAIN[name] for name in set(rule.arguments) & PLAIN.keys()}
            for argument in set(rule.arguments) - PLAIN.keys():
                thing = stage.things.get(name_thing(rule, argument)[0])
                thing = thing or getattr(stage.world, name_thing(rule, argument)[0])
                values[argument] = thing[0] if isinstance(thing, list) else thing
            with stage.app.test_request_context():
                more = {"resource_type": kind} if kind else {}
                yield rule.endpoint, stage.app.url_for(rule.endpoint, **values | more)
    site = f"/collection?place={stage.world.site_id}&mode=single&order=person&session={uuid.uuid4()}"
    for address in (*MORE, site):
        yield address, address


def _written_down(stage: Stage) -> set[tuple[uuid.UUID, uuid.UUID]]:
    """Return who was shown to whom: pairs of account and person."""
    with stage.engine.connect() as connection:
        rows = connection.execute(text("select user_id, person_id from person_access"))
        return {(uuid.UUID(str(user)), uuid.UUID(str(person))) for user, person in rows if user}


def _forget(stage: Stage) -> None:
    with stage.engine.begin() as connection:
        connection.execute(text("delete from person_access"))


@pytest.mark.parametrize("role", ROLES)
def test_every_name_on_every_page_was_written_down(stage, named, role):
    user, missing, met = stage.actor(role).user_id, [], 0
    browser, program = stage.browser(role), stage.app.test_client(use_cookies=False)
    for endpoint, address in _addresses(stage, role):
        _forget(stage)
        if address.startswith(("/api/", "/fhir")):
            answer = program.get(address, headers=stage.bearer(role))
        else:
            answer = browser.get(address)
        shown = {named[name] for name in NAMED.findall(answer.get_data().decode(errors="replace"))}
        answer.close()
        met += len(shown)
        told = {person for by, person in _written_down(stage) if by == user}
        if not shown <= told and endpoint not in TOLD_OTHERWISE:
            missing.append((address, len(shown - told)))
    assert missing == []
    if "see_people" in PERMISSIONS[role]:
        assert met > 50, "or this proves nothing"


def test_a_name_that_a_scan_shows_was_written_down_or_the_scan_itself_is(stage, named):
    """Whoever binds a sample stands in the chain of custody; who is only shown the name stands in the log."""
    with stage.app.app_context():
        (other,), tubes = declare(stage.world, 1), print_tubes(stage.world, 3)
    told = []
    for tube, code in ((tubes[0], other), (tubes[1], other), (tubes[2], stage.withdrawn)):
        _forget(stage)
        scan = {"client_id": str(uuid.uuid4()), "tube": tube, "declaration": code}
        answer = stage.app.test_client(use_cookies=False).post(
            "/api/v1/collections",
            json={
                "session_id": str(uuid.uuid4()),
                "place_id": str(stage.world.site_id),
                "scans": [scan | {"occurred_at": MORNING.isoformat()}],
            },
            headers=stage.bearer("collector"),
        )
        (verdict,) = answer.json["verdicts"]
        assert verdict["person"]["name"]
        told.append((verdict["verdict"], len(_written_down(stage))))
    assert told == [("good", 0), ("wrong", 1), ("wrong", 1)]
