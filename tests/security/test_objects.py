"""R1 and ASVS 8.2.2, 8.4.1: whatever an address names, somebody of another place gets the answer of a thing that does
not exist. The test walks the URL map: a new route with an id or a code needs an entry here or fails.
"""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from security.shapes import list_posts, make_example
from security.stage import Stage, without_tokens

from lims import codes
from lims.auth.rules import OPEN_ENDPOINTS, PERMISSIONS

# argument of an address → a thing of the stage, and the kind of its code ("" for an id)
NAMED = {
    "pool_code": ("closed_pool", "pool"),
    "run_code": ("reviewed_run", "plate"),
    "box_code": ("received_box", "box"),
    "result_id": ("verified_result", ""),
    "sample_id": ("released_sample", ""),
    "lot_id": ("lot_id", ""),
    "import_id": ("import_id", ""),
    "discrepancy_id": ("discrepancy_id", ""),
    "assay_id": ("assay_id", ""),
    "campaign_id": ("campaign_id", ""),
    "laboratory_id": ("laboratory_id", ""),
    "user_id": ("user_id", ""),
    "enrolment_id": ("enrolment_id", ""),
    "device_id": ("device_id", ""),
    "extraction_code": ("extraction", "extraction"),
    "file_id": ("file_id", ""),
    "kit_lot_id": ("kit_lot_id", ""),
    "request_id": ("request_id", ""),
    "follow_up_id": ("follow_up_id", ""),
    # of a report, which has the key of its sample
    "resource_id": ("released_sample", ""),
    "message_id": ("message_id", ""),
    "alarm_id": ("alarm_id", ""),
    "scenario_id": ("scenario_id", ""),
    "on_call_id": ("on_call_id", ""),
    "webhook_id": ("webhook_id", ""),
    "api_client_id": ("api_client_id", ""),
}
# the argument "code" is of the thing that the address begins with
CODED = {
    "boxes": ("sealed_box", "box"),
    "people": ("open", "declaration"),
    "tubes": ("waiting", "tube"),
}
# arguments that name no thing
PLAIN = {
    "form": "pdf",
    "filename": "css/lims.css",
    "language": "vi",
    "script": "sw",
    "name": "plain",
    "resource_type": "DiagnosticReport",
}
PLAIN |= {"export_kind": "tubes"}
# accounts belong to no place: whoever may see one may see all
EVERYWHERE = {
    "auth.set_account_active",
    "auth_api.set_account_active",
    "clients.revoke_client",
    "clients_api.revoke_client",
    # neither do assays
    "pooling.show_assay",
    "pooling.draft_assay",
    "pooling.agree_assay",
    "pooling_api.show_assay",
    "pooling_api.agree_assay",
    # webhooks are the administrators'
    "outbox.end_webhook",
    "outbox_api.end_webhook",
}
OUTSIDERS = ("health_worker", "collector", "courier", "technician", "supervisor", "coordinator")
# another laboratory of the same province sees nothing of this one's bench
BENCH = {
    "pool_code",
    "run_code",
    "result_id",
    "extraction_code",
    "file_id",
    "kit_lot_id",
    "resource_id",
    "sample_id",
}
# What signing in leaves; nothing else may.
SIGNED_IN = frozenset({"sign_in", "throttle", "event", "event_head"})
FORM = {"reason": "mistake", "finding": "detected", "note": "x", "readings": "x", "temperature_c": "4"}


def name_thing(rule: Any, argument: str) -> tuple[str, str]:
    """Return the thing of the stage that an argument of an address names, and the kind of its code ("" for an id)."""
    if argument == "code":
        return CODED[rule.rule.removeprefix("/api/v1").split("/")[1]]
    return NAMED[argument]


def _routes(stage: Stage) -> list[Any]:
    return [
        rule
        for rule in stage.app.url_map.iter_rules()
        if set(rule.arguments) - PLAIN.keys() and rule.endpoint not in OPEN_ENDPOINTS
    ]


def test_every_route_with_an_id_or_a_code_has_an_entry(stage):
    missing = []
    for rule in _routes(stage):
        try:
            for argument in set(rule.arguments) - PLAIN.keys():
                name_thing(rule, argument)
        except KeyError:
            missing.append(f"{rule.endpoint} {rule.rule}")
    assert missing == []


def _who(stage: Stage, rule: Any) -> list[str]:
    """Return everybody of another place whose roles have the permission."""
    permission = stage.app.view_functions[rule.endpoint].needed_permission
    found = [f"other_{role}" for role in OUTSIDERS if permission in PERMISSIONS[role]]
    if BENCH & set(rule.arguments):
        found += [
            f"{role}_confirming" for role in ("technician", "supervisor") if permission in PERMISSIONS[role]
        ]
    return found


def _own(stage: Stage, role: str) -> dict[str, Any]:
    """Return values of fields that somebody may send: their own places, possible words."""
    laboratory = stage.world.confirming_id if "confirming" in role else stage.other_laboratory_id
    sites = stage.actor(role).sees(stage.other_site_id)
    return {
        "laboratory_id": str(laboratory),
        "place_id": str(stage.other_site_id if sites else laboratory),
        "temperature_c": 4.0,
        "finding": "detected",
        "condition": "good",
        "rack_position": "",
        "content_base64": "eA==",
    }


def _ask(
    stage: Stage, rule: Any, role: str, method: str, values: dict[str, Any], body: Any
) -> tuple[int, str]:
    with stage.app.test_request_context():
        address = stage.app.url_for(rule.endpoint, **values)
    if address.startswith("/api/"):
        client = stage.app.test_client(use_cookies=False)
        more = {"json": body} if method == "POST" else {}
        answer = client.open(address, method=method, headers=stage.bearer(role), **more)
    else:
        client = stage.browser(role)
        form = {"csrf_token": stage.form_token(), "client_id": str(uuid.uuid4())} | FORM
        form["laboratory_id"] = str(stage.other_laboratory_id)
        more = {"data": form} if method == "POST" else {}
        answer = client.open(address, method=method, follow_redirects=True, **more)
    return answer.status_code, answer.get_data().decode(errors="replace")


def test_somebody_of_another_place_gets_the_answer_of_what_does_not_exist(stage):
    document = stage.app.test_client().get("/api/v1/openapi.json").json
    schemas = dict(list_posts(document))
    wrong, asked = [], 0
    before = stage.picture(without=SIGNED_IN)
    for rule in _routes(stage):
        if rule.endpoint in EVERYWHERE:
            continue
        who = _who(stage, rule)
        assert who, f"nobody of another place may open {rule.endpoint}: name it in EVERYWHERE, or add a role"
        schema = schemas.get(rule.rule.replace("<uuid:", "{").replace("<", "{").replace(">", "}"))
        real: dict[str, Any] = {name: PLAIN[name] for name in set(rule.arguments) & PLAIN.keys()}
        unreal = dict(real)
        for argument in set(rule.arguments) - PLAIN.keys():
            name, kind = name_thing(rule, argument)
            thing = stage.things.get(name) or getattr(stage.world, name)
            real[argument] = thing[0] if isinstance(thing, list) else thing
            unreal[argument] = codes.mint(kind) if kind else uuid.uuid4()
        for role in who:
            body = make_example(schema, document, known=_own(stage, role)) if schema else None
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                seen: list[tuple[int, str]] = []
                for values in (real, unreal):
                    status, text = _ask(stage, rule, role, method, values, body)
                    seen.append((status, without_tokens(text, *map(str, values.values()))))
                asked += 1
                if seen[0][0] != 404 or seen[0] != seen[1]:
                    difference = [
                        pair
                        for pair in zip(seen[0][1].split("\n"), seen[1][1].split("\n"), strict=False)
                        if pair[0] != pair[1]
                    ]
                    said = [[re.sub("<[^>]*>", "", text)[:200] for text in pair] for pair in difference[:2]]
                    wrong.append(
                        (rule.endpoint, method, role, seen[0][0], seen[1][0], said or seen[0][1][:300])
                    )
    assert wrong == [], "\n".join(map(str, wrong))
    assert asked > 60
    assert stage.picture(without=SIGNED_IN) == before


# Addresses that name things in their body: the same, item by item.
IN_BODY = (
    ("other_supervisor", "/results/verify", {"results": ["{verified_result}"]}, {"results": ["{id}"]}),
    ("supervisor_confirming", "/results/verify", {"results": ["{verified_result}"]}, {"results": ["{id}"]}),
    ("other_supervisor", "/results/release", {"results": ["{verified_result}"]}, {"results": ["{id}"]}),
    ("other_supervisor", "/results/hold", {"results": ["{verified_result}"], "note": "x"},
     {"results": ["{id}"], "note": "x"}),
    ("other_supervisor", "/results/unhold", {"results": ["{held_result}"], "note": "x"},
     {"results": ["{id}"], "note": "x"}),
    ("other_supervisor", "/results/lists/verify", {"kind": "commune", "key": "{commune_id}"},
     {"kind": "commune", "key": "{id}"}),
    ("supervisor_confirming", "/results/lists/release", {"kind": "commune", "key": "{commune_id}"},
     {"kind": "commune", "key": "{id}"}),
    ("other_technician", "/pools", {"laboratory_id": "{laboratory_id}"}, {"laboratory_id": "{id}"}),
    ("technician_confirming", "/pools", {"laboratory_id": "{laboratory_id}"}, {"laboratory_id": "{id}"}),
    ("other_technician", "/runs", {"laboratory_id": "{laboratory_id}"}, {"laboratory_id": "{id}"}),
    ("other_technician", "/pool-proposals", {"laboratory_id": "{laboratory_id}"}, {"laboratory_id": "{id}"}),
    ("other_technician", "/tube-rejections", {"tubes": ["{waiting[0]}"], "reason": "leaked"},
     {"tubes": ["{foreign_tube}"], "reason": "leaked"}),
    ("other_collector", "/collection-look-ups", {"place_id": "{other_site_id}", "code": "{open[0]}"},
     {"place_id": "{other_site_id}", "code": "{foreign_declaration}"}),
    ("other_collector", "/collection-look-ups", {"place_id": "{other_site_id}", "code": "{printed[0]}"},
     {"place_id": "{other_site_id}", "code": "{foreign_tube}"}),
    ("other_collector", "/collection-undoings", {"scan_client_id": "{scan_id}"}, {"scan_client_id": "{id}"}),
    ("collector_2", "/collection-undoings", {"scan_client_id": "{scan_id}"}, {"scan_client_id": "{id}"}),
)  # fmt: skip


@pytest.mark.parametrize(("role", "path", "real", "unreal"), IN_BODY, ids=lambda value: str(value)[:40])
def test_what_a_body_names_is_hidden_in_the_same_way(stage, role, path, real, unreal):
    words = dict(stage.things) | vars(stage.world)
    words |= {"foreign_tube": codes.mint("tube"), "foreign_declaration": codes.mint("declaration")}
    words["id"] = str(uuid.uuid4())

    def filled(value: Any) -> Any:
        if isinstance(value, list):
            return [filled(item) for item in value]
        return value.format_map(words) if isinstance(value, str) else value

    before = stage.picture()
    seen = []
    for body in (real, unreal):
        sent = {name: filled(value) for name, value in body.items()} | {"client_id": str(uuid.uuid4())}
        answer = stage.app.test_client(use_cookies=False).post(
            f"/api/v1{path}", json=sent, headers=stage.bearer(role)
        )
        flat = [item for value in sent.values() for item in (value if isinstance(value, list) else [value])]
        seen.append((answer.status_code, without_tokens(answer.text, *flat)))
    assert seen[0] == seen[1]
    changed = {name for name, rows in stage.picture().items() if rows != before[name]}
    assert changed <= {"event", "event_head"}, "only the line that says who signed in"


@pytest.mark.parametrize("step", ["close", "void", "tubes", "removed-tubes"])
def test_a_confirmation_that_belongs_to_no_laboratory_yet_is_not_anybodys(stage, step):
    seen = []
    for code in (stage.confirmation, codes.mint("pool")):
        body = {"client_id": str(uuid.uuid4()), "reason": "x", "tubes": [stage.printed[0]]}
        answer = stage.app.test_client(use_cookies=False).post(
            f"/api/v1/pools/{code}/{step}", json=body, headers=stage.bearer("other_technician")
        )
        seen.append((answer.status_code, without_tokens(answer.text, code)))
    assert seen[0] == seen[1]
    assert seen[0][0] == 404


def test_lists_and_searches_show_nothing_of_another_place(stage):
    names = [stage.sealed_box, stage.reviewed_run, stage.open_pool, stage.used, "Người Thử", "Nguyễn Thị"]
    for role in OUTSIDERS:
        client = stage.browser(f"other_{role}")
        with stage.app.test_request_context():
            addresses = [
                stage.app.url_for(rule.endpoint)
                for rule in stage.app.url_map.iter_rules()
                if not rule.arguments and "GET" in (rule.methods or set())
            ]
        for address in [*addresses, "/people?q=Nguyen", "/people?q=Thu", "/search?q=Nguyen"]:
            text = client.get(address).get_data().decode(errors="replace")
            found = [name for name in names if name in text or codes.grouped(name) in text]
            assert not found, (role, address, found)
