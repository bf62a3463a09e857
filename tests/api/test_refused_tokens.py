"""Every address of the API refuses a program's token that lacks its scope, has ended or was revoked; and a token never
reaches another place or another province's campaign. The loops read the API's own description.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

import pytest
from api.programs import make_account, make_program
from api.whole_document import operations
from factories import MORNING, World, make_place
from intake.people import declare, print_tubes

from lims import clock, codes
from lims.auth.actions import create_user
from lims.auth.clients.actions import add_client, revoke_client
from lims.auth.rules import ROLES
from lims.auth.scopes import SCOPES, WITHHELD
from lims.extensions import db
from lims.places.models import Campaign
from lims.tables import new_id
from lims.transaction import writing

# values of arguments of addresses; who is refused is told nothing of things, so they name nothing
VALUES = {"export_kind": "tubes"}
# an export is of records that need a scope of their own, which its description says in words
BESIDE = {"export_data": {"search"}}


@pytest.fixture(autouse=True)
def at_morning():
    with clock.at(MORNING):
        yield


@pytest.fixture
def account(world: World) -> uuid.UUID:
    """The account of a program with every role."""
    made = create_user(
        actor=world.actor("administrator"),
        username="everything",
        display_name="Everything",
        password_hash="",
        roles=[(role, None if role == "administrator" else world.province_id) for role in ROLES],
        is_service=True,
    )
    return uuid.UUID(made["id"])


def token(world: World, account: uuid.UUID, scopes: set[str]) -> tuple[uuid.UUID, dict[str, str]]:
    made = add_client(
        actor=world.actor("administrator"),
        name="Everything",
        user_id=account,
        scopes=sorted(scopes),
        days=30,
    )
    return uuid.UUID(made["id"]), {"Authorization": f"Bearer {made['token']}"}


def closed_operations(app) -> list[tuple[str, str, str]]:
    """Return method, address and permission of every operation that asks for one."""
    document = app.test_client().get("/api/v1/openapi.json").json
    found = []
    for path, method, operation in operations(document):
        address = path
        for parameter in operation.get("parameters", []):
            name = parameter["name"]
            value = VALUES.get(name) or (uuid.uuid4() if name.endswith("_id") else codes.mint("tube"))
            address = address.replace(f"{{{name}}}", str(value))
        if "x-permission" in operation:
            found.append((method, address, operation["x-permission"]))
    assert len(found) > 90
    return found


def ask(client: Any, method: str, address: str, headers: dict[str, str]) -> Any:
    more = {"json": {}} if method == "post" else {}
    return client.open(address, method=method.upper(), headers=headers | {"Accept-Language": "en"}, **more)


def test_every_operation_refuses_a_token_that_lacks_its_scope_and_names_it(app, world, account):
    client, wrong = app.test_client(use_cookies=False), []
    operations_of: dict[str, list[tuple[str, str]]] = {}
    for method, address, permission in closed_operations(app):
        operations_of.setdefault(permission, []).append((method, address))
    for permission, addresses in operations_of.items():
        _id, headers = token(world, account, SCOPES.keys() - {permission})
        for method, address in addresses:
            answer = ask(client, method, address, headers)
            named = permission in answer.json["message"]
            if (answer.status_code, answer.json["code"], named) != (403, "not_allowed", True):
                wrong.append((method, address, permission, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_the_scope_alone_opens_every_operation(app, world, account):
    """The other way round: nothing asks for a scope that the description does not name."""
    client, wrong = app.test_client(use_cookies=False), []
    tokens = {scope: token(world, account, {scope} | BESIDE.get(scope, set()))[1] for scope in SCOPES}
    for method, address, permission in closed_operations(app):
        if permission in WITHHELD:
            continue
        answer = ask(client, method, address, tokens[permission])
        if answer.status_code in (401, 403) or answer.status_code >= 500:
            wrong.append((method, address, permission, answer.status_code, answer.text[:200]))
    assert wrong == []


def test_every_operation_refuses_a_token_that_has_ended_or_was_revoked(app, world, account):
    client = app.test_client(use_cookies=False)
    _ended, ended = token(world, account, set(SCOPES))
    revoked_id, revoked = token(world, account, set(SCOPES))
    revoke_client(actor=world.actor("administrator"), api_client_id=revoked_id)
    wrong = []
    for headers, moment in ((revoked, MORNING), (ended, MORNING + timedelta(days=30))):
        with clock.at(moment):
            for method, address, _permission in closed_operations(app):
                answer = ask(client, method, address, headers)
                told = (answer.status_code, answer.json["code"], answer.headers.get("WWW-Authenticate"))
                if told != (401, "sign_in_needed", "Bearer"):
                    wrong.append((method, address, told))
    assert wrong == []


def test_a_token_reaches_nothing_of_another_laboratory(app, world):
    program = make_program(world, "see_laboratory", "pool_tubes", place_id=world.confirming_id)
    client = app.test_client(use_cookies=False)
    laboratory = str(world.laboratory_id)
    for method, address, body in (
        ("GET", f"/api/v1/laboratories/{laboratory}/waiting", None),
        ("GET", f"/api/v1/kit-lots?laboratory_id={laboratory}", None),
        ("GET", f"/api/v1/kept-tubes?laboratory_id={laboratory}", None),
        ("POST", "/api/v1/pools", {"client_id": str(uuid.uuid4()), "laboratory_id": laboratory}),
    ):
        answer = client.open(address, method=method, headers=program.headers, json=body)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), address


def elsewhere() -> uuid.UUID:
    """Return a campaign of another province."""
    province = make_place("province", "24", "Bắc Giang", None, None)
    province.province_id = province.id
    key = new_id()
    with writing() as session:
        session.add(province)
        session.flush()
        session.add(
            Campaign(
                id=key,
                name="Đợt Bắc Giang",
                province_id=province.id,
                starts_on=MORNING.date(),
                created_at=MORNING,
            )
        )
    return key


def test_a_token_changes_no_campaign_of_another_province(app, world):
    account = make_account(world, "coordinator", world.province_id)
    program = make_program(world, "manage_campaign", "print_labels", user_id=account)
    client, campaign_id = app.test_client(use_cookies=False), str(elsewhere())
    telling = {"tells_people": False, "quiet_from_hour": 0, "quiet_until_hour": 0, "certificate_hours": 1}
    for address, body in (
        (f"/api/v1/campaigns/{campaign_id}/close", {}),
        (f"/api/v1/campaigns/{campaign_id}/telling", telling),
        ("/api/v1/tube-lots", {"campaign_id": campaign_id, "mode": "single", "count": 1}),
        ("/api/v1/box-labels", {"campaign_id": campaign_id, "count": 1}),
    ):
        sent = {"client_id": str(uuid.uuid4())} | body
        answer = client.post(address, json=sent, headers=program.headers)
        assert (answer.status_code, answer.json["code"], answer.json["field"]) == (
            404,
            "not_found",
            "campaign_id",
        ), address


def test_a_tube_of_another_campaign_is_bound_to_nobody(app, world):
    with writing() as session:
        key = new_id()
        session.add(
            Campaign(
                id=key,
                name="Đợt khác",
                province_id=world.province_id,
                starts_on=MORNING.date(),
                created_at=MORNING,
            )
        )
    account = make_account(world, "collector", world.site_id)
    program = make_program(world, "collect", user_id=account)
    (tube,), (declaration,) = print_tubes(world, 1, campaign_id=key), declare(world)
    scan = {
        "client_id": str(uuid.uuid4()),
        "tube": tube,
        "declaration": declaration,
        "occurred_at": MORNING.isoformat(),
    }
    sent = {"session_id": str(uuid.uuid4()), "place_id": str(world.site_id), "scans": [scan]}
    answer = app.test_client().post("/api/v1/collections", json=sent, headers=program.headers)
    assert answer.status_code == 200
    (verdict,) = answer.json["verdicts"]
    assert (verdict["verdict"], verdict["code"]) == ("wrong", "other_campaign")
    db.session.rollback()
